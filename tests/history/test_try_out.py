"""A command is tried, now or in the past: what it would do, and what its events would start; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from backstory import Database, Event, Refused, State, Tag, command, reaction
from backstory.documents.decisions import tried_document
from backstory.reactions.process import Cancel, Deadline, Due, Process, Step, react
from backstory.store import Store
from tests.history.ledger import Book, draw, enter


class Lent(Event, name="tried.lent"):
    book: Tag[str]
    days: int


class Returned(Event, name="tried.returned"):
    book: Tag[str]


class Loan(State):
    book: Tag[str]
    out: bool = False

    def apply(self, event: Lent | Returned) -> None:
        self.out = isinstance(event, Lent)


@command(name="tried.lend")
def lend(loan: Loan, days: int) -> Lent:
    if loan.out:
        raise Refused("it is lent")
    return Lent(loan.book, days)


@command(name="tried.take_back")
def take_back(loan: Loan) -> Iterator[Returned]:
    if loan.out:
        yield Returned(loan.book)


sent: list[object] = []


@reaction(name="tried_mail")
def mail(event: Lent) -> None:
    sent.append(event)


class Overdue(Process):
    book: Tag[str]
    days: int = 0

    def apply(self, event: Lent) -> None:
        self.days = event.days

    @react
    def lent(self, event: Lent) -> Iterator[Step]:
        if event.days < 0:
            raise ValueError("no such loan")
        yield Deadline("late", after=timedelta(days=self.days))
        yield take_back(Loan(self.book))

    @react
    def returned(self, event: Returned) -> Iterator[Step]:
        yield Cancel("late")

    @react
    def late(self, due: Due) -> Iterator[Step]:
        yield take_back(Loan(self.book))


@pytest.fixture
def db(store: Store) -> Database:
    return Database(store)


def test_states_before_and_after_and_all_that_would_start(db: Database) -> None:
    before = [*db.store.refs.list().items(), *db.store.logs(), db.head()]
    tried = db.try_out(lend(Loan("b-1"), 3), reactions=[mail, Overdue])
    assert (tried.preview.before, tried.preview.after) == (
        {"loan": Loan("b-1")},
        {"loan": Loan("b-1", out=True)},
    )
    named, process = tried.starts
    assert (named.name, named.is_process, named.steps) == ("tried_mail", False, ())
    assert (process.name, process.is_process, len(process.steps)) == ("overdue", True, 2)
    assert sent == []
    assert [*db.store.refs.list().items(), *db.store.logs(), db.head()] == before
    steps = tried_document(tried)["starts"][1]["steps"]
    assert steps[0]["deadline"] == "late"
    assert steps[0]["due"] - process.record.authored == timedelta(days=3)
    assert steps[1] == {"command": "tried.take_back(b-1)"}


def test_a_deadline_that_would_be_cancelled_is_named(db: Database) -> None:
    db.execute(lend(Loan("b-1"), 3))
    tried = db.try_out(take_back(Loan("b-1")), reactions=[Overdue])
    assert [start["steps"] for start in tried_document(tried)["starts"]] == [[{"cancel": "late"}]]


def test_it_is_tried_on_the_history_as_it_was(db: Database) -> None:
    db.execute(enter(Book("a"), 5))
    db.execute(draw(Book("a"), 4))
    with pytest.raises(Refused):
        db.try_out(draw(Book("a"), 5))
    tried = db.try_out(draw(Book("a"), 5), at="#1")
    assert (tried.at, tried.preview.after["book"].total) == (1, 0)


def test_a_process_that_fails_says_so_and_the_rest_is_told(db: Database) -> None:
    tried = db.try_out(lend(Loan("b-1"), -1), reactions=[Overdue, mail])
    assert "ValueError: no such loan" in tried.starts[0].wrong
    assert len(tried.starts) == 2


def test_a_command_that_does_nothing_starts_nothing(db: Database) -> None:
    tried = db.try_out(take_back(Loan("b-1")), reactions=[Overdue])
    assert (tried.preview.events, tried.starts) == ([], [])
