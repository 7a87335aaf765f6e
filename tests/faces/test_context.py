"""Who, and because of what: metadata for all that a block of code appends."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from backstory import Database
from backstory.decide import context
from backstory.values.commit import Commit
from tests.patience import PATIENCE
from tests.state.bank import Account, Deposited, deposit


def append(db: Database, **more: Any) -> Commit:
    return db.append(Deposited("a", 1), **more)


def test_a_block_sets_author_message_and_metadata_for_facts_and_decisions(db: Database) -> None:
    with db.context(author="ann", message="the batch", correlation="r-1", tenant="t"):
        made = db.execute(deposit(Account("a"), 1))
        for commit in (append(db), made):
            assert commit is not None
            assert (commit.author, commit.message) == ("ann", "the batch")
            assert commit.metadata == {"correlation": "r-1", "tenant": "t"}
    assert (append(db).author, append(db).metadata) == ("", {})


def test_an_inner_block_adds_to_an_outer_one_and_what_is_said_at_the_call_wins(db: Database) -> None:
    with db.context(author="ann", message="outer", a=1, b=1):
        with db.context(author="bob", b=2, c=2):
            commit = append(db, metadata={"c": 3, "d": 3})
            assert (commit.author, commit.message) == ("bob", "outer")
            assert commit.metadata == {"a": 1, "b": 2, "c": 3, "d": 3}
            assert append(db, author="", message="").author == ""
        assert append(db).metadata == {"a": 1, "b": 1}


def test_an_author_may_be_a_function_that_is_asked_at_each_write(db: Database) -> None:
    known = ["nobody yet"]
    with db.context(author=lambda: known[-1]):
        first = append(db)
        known.append("ann")
        with db.context(message="the batch"):
            assert (first.author, append(db).author, append(db, author="bob").author) == (
                "nobody yet",
                "ann",
                "bob",
            )


def test_what_the_function_writes_that_names_the_author_has_none(db: Database) -> None:
    def who() -> str:
        append(db, message="seen")
        return "ann"

    with db.context(author=who):
        append(db, message="written")
    assert [(each.author, each.message) for each in db.commits()] == [("", "seen"), ("ann", "written")]


def test_a_process_has_an_author_where_no_block_says_another(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "_usual", context._usual)
    context.usually(author="root", process="cron")
    assert (append(db).author, append(db).metadata) == ("root", {"process": "cron"})
    with db.context(author=""):
        assert append(db).author == ""


def test_a_block_that_fails_ends_as_well(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.context(author="ann"):
        raise ZeroDivisionError
    assert append(db).author == ""


def test_an_event_that_is_the_reason_becomes_the_causation_and_its_correlation_goes_on(db: Database) -> None:
    with db.context(correlation="r-1"):
        first = append(db, id="first")
    [record] = db.read()
    with db.context(because=record):
        second = append(db, id="second")
    assert second.metadata == {"causation": "first", "correlation": "r-1"}
    *_, record = db.read()
    with db.context(because=record, correlation="mine"):
        assert append(db).metadata == {"causation": "second", "correlation": "mine"}
    with db.context(because=next(db.read(after=first.position))):
        assert append(db).metadata == {"causation": "second", "correlation": "r-1"}


def test_the_first_cause_is_its_own_correlation(db: Database) -> None:
    append(db, id="first")
    with db.context(because=next(db.read())):
        assert append(db).metadata == {"causation": "first", "correlation": "first"}


def test_each_async_task_has_its_own_and_starts_with_its_parents(db: Database) -> None:
    async def work(name: str) -> Commit:
        with db.context(author=name):
            await asyncio.sleep(0.001)
            return await asyncio.to_thread(append, db)

    async def main() -> list[Commit]:
        with db.context(request="r-1", author="main"):
            commits = await asyncio.gather(*(work(f"task-{number}") for number in range(5)))
            return [*commits, append(db)]

    commits = asyncio.run(main())
    assert [commit.author for commit in commits] == [*(f"task-{number}" for number in range(5)), "main"]
    assert {commit.metadata["request"] for commit in commits} == {"r-1"}


def test_threads_do_not_see_each_others(db: Database) -> None:
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with db.context(author="other"):
            inside.set()
            done.wait(PATIENCE)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(PATIENCE)
    try:
        assert append(db).author == ""
    finally:
        done.set()
        thread.join()
