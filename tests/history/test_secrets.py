"""The secret of a commit: where it comes from, where it goes along, and where it is not shown."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from backstory import connect
from backstory.conformance.sample import decided, fact
from backstory.database import Database
from backstory.history.check.verify import verify
from backstory.history.merge.merge import Options
from backstory.store import append
from backstory.stores.memory import MemoryStore
from backstory.values.commit import AUTHOR, DATA, QUERY, Commit, withheld
from backstory.values.query import Query
from tests.history.ledger import Book, Entered, enter, secrets


def last(db: Database) -> Commit:
    """The newest commit."""
    return next(db.commits(backwards=True))


def test_secrets_come_from_the_source_that_is_passed_in() -> None:
    first, second = (
        connect(secrets=secrets(), ids=iter("abcdef").__next__, clock=lambda: decided().time)
        for _ in range(2)
    )
    for db in (first, second):
        db.append(Entered("a", 1, 10))
        db.execute(enter(Book("a"), 5))
    assert [int.from_bytes(commit.secret) for commit in first.commits()] == [1, 2]
    assert first.head() == second.head()


def test_each_commit_has_a_secret_of_its_own() -> None:
    db = connect()
    for _ in range(3):
        db.append(Entered("a", 1, 10))
    assert len({commit.secret for commit in db.commits()}) == 3


def test_a_commit_keeps_its_secret_in_a_merge_and_a_fast_forward() -> None:
    db = Database(MemoryStore(), secrets=secrets())
    db.append(Entered("a", 1, 10))
    branch = db.branch("what-if")
    made = branch.execute(enter(Book("a"), 5))
    assert made
    [forwarded] = db.merge("what-if").commits
    assert forwarded == made
    again = branch.execute(enter(Book("a"), 5))
    assert again
    db.append(Entered("b", 2, 10))
    [merged] = db.merge("what-if").commits
    assert (merged.secret, merged.content) == (again.secret, again.content)
    assert merged.hash != again.hash


def test_a_trial_that_is_kept_has_the_same_secrets() -> None:
    db = Database(MemoryStore(), secrets=secrets())
    db.append(Entered("a", 1, 10))
    with db.what_if() as trial:
        tried = trial.append(Entered("a", 2, 10))
        kept = trial.keep("kept")
    assert last(kept) == tried


def test_a_commit_that_is_decided_again_gets_a_new_secret() -> None:
    db = Database(MemoryStore(), secrets=secrets())
    db.execute(enter(Book("a"), 10))
    branch = db.branch("what-if")
    tried = branch.execute(enter(Book("a"), 5))
    db.execute(enter(Book("a"), 7))
    [redecided] = db.merge("what-if", Options(resolution="redecide")).commits
    assert tried
    assert redecided.secret not in {commit.secret for commit in branch.commits()}
    assert int.from_bytes(redecided.secret) > int.from_bytes(tried.secret)


def test_a_history_with_withheld_parts_is_sound_until_another_part_is_changed() -> None:
    store = MemoryStore()
    whole = decided(fact("A"), fact("B", data=b'{"name":"ann"}'), author="ann", query=Query.of(["N"]))
    append(store.log(), decided(message="why"), withheld(whole, [AUTHOR, QUERY, DATA + 1]), decided())
    assert verify(store).sound
    commits = store.log()._commits
    for change in (
        {"message": "Why"},
        {"secret": bytes(16)},
        {"secret": commits[1].secret[:-1]},
        {"secret": b""},
    ):
        sound = commits[1]
        commits[1] = msgspec.structs.replace(sound, **change)
        [problem] = verify(store).problems
        assert problem.startswith(f"commit {sound.id} at #3: ")
        commits[1] = sound
    assert verify(store).sound


def test_the_views_of_a_file_do_not_show_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with connect(str(path), secrets=lambda: b"the secret bytes") as db:
        db.append(Entered("a", 1, 10), author="ann")
    with closing(sqlite3.connect(path)) as raw:
        for view in ("log", "history"):
            shown = repr(raw.execute(f"SELECT * FROM {view}").fetchall())
            assert "ann" in shown
            assert "secret" not in shown
        assert raw.execute("SELECT secret FROM commits").fetchall() == [(b"the secret bytes",)]
