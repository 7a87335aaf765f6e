"""Taking parts of commits away: they are gone wherever the commit stands, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from backstory import Database
from backstory.errors import InvalidEvent, UnreadableEvent
from backstory.history.check.verify import verify
from backstory.history.forget.collection import collect
from backstory.history.forget.withholding import names_of, withhold
from backstory.history.merge.merge import Options
from backstory.history.refs.branches import Branches
from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import Commit
from tests.history.ledger import Book, Entered, enter, ledger, reported

SECRET = "ann@example.org"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "history.db")
    with closing(made):
        yield made


def said(db: Database) -> Commit:
    """A commit whose parts all say something."""
    return db.append(
        Entered(SECRET, 1, 0), Entered("b", 2, 0), author=SECRET, message=SECRET, metadata={"from": SECRET}
    )


def test_it_is_gone_from_each_log_that_has_the_commit(store: Store) -> None:
    db = ledger(store)
    db.execute(enter(Book("a"), 1))
    side = db.branch("side")
    commit = said(side)
    db.execute(enter(Book("b"), 1))
    assert db.merge("side").done
    assert len([number for number in store.logs() if store.log(number).find(commit.id)]) == 2
    left = withhold(db.branches, commit, ["author", "message", "metadata", "data:1"], why="she asked for it")
    assert names_of(left) == ["author", "message", "metadata", "data:1"]
    for number in store.logs():
        assert all(SECRET not in event.data.decode() for event in store.log(number).read())
        assert all(SECRET not in (each.author, each.message) for each in store.log(number).commits())
    assert verify(store).problems == []
    assert db.load(Book("b")) == db.load(Book("b"), at="HEAD")
    entry = next(db.branches.reflog.read())
    assert (entry.kind, entry.details["message"]) == ("Withheld", "she asked for it")


def test_a_state_over_an_event_whose_data_is_withheld_cannot_be_loaded_and_says_why(store: Store) -> None:
    db = ledger(store)
    commit = db.append(Entered("a", 1, 0))
    withhold(db.branches, commit, ["data"])
    with pytest.raises(UnreadableEvent, match="withheld"):
        Database(store).load(Book("a"))


def test_a_commit_whose_query_is_withheld_is_taken_over_unchecked(store: Store) -> None:
    db = ledger(store)
    db.execute(enter(Book("a"), 1))
    side = db.branch("side")
    commit = side.execute(enter(Book("a"), 2))
    assert commit is not None
    db.execute(enter(Book("a"), 3))
    assert [step.outcome for step in reported(db.merge, "side").steps] == ["conflict"]
    withhold(db.branches, commit, ["query", "command"])
    refused = reported(db.merge, "side", Options(unconditioned="refuse", resolution="redecide"))
    assert [(step.outcome, step.reason) for step in refused.steps] == [
        ("conflict", "it has no condition to judge it by")
    ]
    assert [step.outcome for step in db.merge("side").steps] == ["unchecked"]
    assert verify(store).problems == []


def test_a_part_that_no_commit_has_is_told(store: Store) -> None:
    db = ledger(store)
    commit = said(db)
    for part in ("mesage", "data:0", "data:3", "data:x", ""):
        with pytest.raises(InvalidEvent, match="its parts are author"):
            withhold(db.branches, commit, [part])
    assert names_of(commit) == []


@pytest.mark.parametrize("call", ["logs", "write"])
def test_a_log_that_is_collected_meanwhile_is_passed_over(
    store: Store, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = ledger(store)
    commit = said(db.branch("side"))
    assert db.merge("side").done
    db.branches.delete("side")
    known = getattr(store, call)

    def late(*arguments: object) -> object:
        monkeypatch.setattr(store, call, known)
        found = store.logs()
        assert len(collect(Branches(store), kept=timedelta(0)).logs) == 1
        return found if call == "logs" else known(*arguments)

    monkeypatch.setattr(store, call, late)
    assert names_of(withhold(db.branches, commit, ["author"])) == ["author"]
    assert [names_of(left) for left in db.commits()] == [["author"]]
    assert [entry.kind for entry in db.branches.reflog.read()].count("Withheld") == 1
