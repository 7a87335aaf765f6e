"""The events of a commit, by the commit or by anything that names it."""

from __future__ import annotations

import pytest

from backstory import Database, Event, NewId, Tag, command, provided
from backstory.errors import RevisionError
from backstory.values.commit import Commit


class Lent(Event, name="events.lent"):
    book: Tag[str]
    to: str


@command
def lend(books: list[str], new: NewId = provided) -> list[Lent]:
    return [Lent(each, new) for each in books]


def test_they_are_typed_in_order_and_with_their_records(db: Database) -> None:
    before = db.append(Lent("a", "ann"))
    commit = db.execute(lend(["b", "c"]), author="bob")
    assert isinstance(commit, Commit)
    db.append(Lent("d", "dan"))
    records = db.events(commit)
    assert [record.event.book for record in records] == ["b", "c"]
    assert {record.author for record in records} == {"bob"}
    assert records[0].event.to == records[1].event.to
    assert [record.event.book for record in db.events(before)] == ["a"]


@pytest.mark.parametrize("of", [2, 3, "main~1", "once"])
def test_a_position_in_the_commit_and_each_of_its_names_mean_it(db: Database, of: int | str) -> None:
    db.append(Lent("a", "ann"))
    commit = db.append(Lent("b", "ann"), Lent("c", "ann"), id="once")
    db.append(Lent("d", "ann"))
    named = commit.hash.hex() if of == "once" else of
    assert [record.event.book for record in db.events(named)] == ["b", "c"]


def test_a_commit_of_another_branch_is_found_there(db: Database) -> None:
    db.append(Lent("a", "ann"))
    side = db.branch("side")
    commit = side.append(Lent("b", "ann"))
    db.append(Lent("c", "ann"))
    assert [record.event.book for record in db.events("side")] == ["b"]
    assert [record.event.book for record in side.events(commit)] == ["b"]


def test_what_is_no_commit_is_said(db: Database) -> None:
    for of in (0, 1, "nobody"):
        with pytest.raises(RevisionError):
            db.events(of)
