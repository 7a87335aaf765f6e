"""The sample of the README, and what a type checker must infer of it; it runs too."""

from collections.abc import Iterator
from typing import Any, assert_type

from backstory import Command, Database, Event, Record, Refused, State, Tag, command, connect
from backstory.decide.execution import Preview
from backstory.values.commit import Commit


class Deposited(Event):
    account: Tag[str]
    cents: int


class Withdrawn(Event):
    account: Tag[str]
    cents: int


class Account(State):
    account: Tag[str]
    balance: int = 0

    def apply(self, event: Deposited | Withdrawn) -> None:
        match event:
            case Deposited(cents=cents):
                self.balance += cents
            case Withdrawn(cents=cents):
                self.balance -= cents


@command
def deposit(account: Account, cents: int) -> Iterator[Deposited]:
    yield Deposited(account.account, cents)


@command
def withdraw(account: Account, cents: int) -> Iterator[Withdrawn]:
    if account.balance < cents:
        raise Refused("insufficient funds")
    yield Withdrawn(account.account, cents)


@command
def freeze(account: Account) -> Withdrawn:
    return Withdrawn(account.account, account.balance)


@command(name="empty")
def drain(account: Account) -> Deposited | Withdrawn:
    return Withdrawn(account.account, account.balance)


@command
def close(account: Account, *, reason: str = "") -> Withdrawn | None:
    return Withdrawn(account.account, account.balance) if account.balance else None


@command
def move(source: Account, target: Account) -> list[Deposited | Withdrawn]:
    return [Withdrawn(source.account, 0), Deposited(target.account, 0)]


@command
def note(account: Account, text: Any) -> Iterator[Deposited]:
    yield from ()


@command
def nothing(account: Account) -> None: ...


with connect("memory:") as db:
    assert_type(db, Database)
    assert_type(db.execute(deposit(Account("a-7"), cents=500)), Commit | None)
    assert_type(db.execute(freeze(Account("a-8"))), Commit)
    assert_type(db.execute(drain(Account("a-8"))), Commit)
    assert_type(db.execute(close(Account("a-8"))), Commit | None)
    db.execute(withdraw(Account("a-7"), cents=200), author="ann", message="rent")
    assert_type(db.load(Account("a-7")), Account)
    assert_type(db.load(Account("a-7")).balance, int)
    assert_type(db.load(Account("a-7"), at="main~1").balance, int)
    assert_type(db.load(Account(account="a-7"), at=1).account, str)
    assert_type(deposit(Account("a-7"), 500), Command[Commit | None, Iterator[Deposited]])
    assert_type(withdraw(account=Account("a-7"), cents=1), Command[Commit | None, Iterator[Withdrawn]])
    assert_type(close(Account("a-7"), reason="moved"), Command[Commit | None, Withdrawn | None])
    assert_type(db.preview(close(Account("a-7"))), Preview[Withdrawn])
    assert_type(db.preview(freeze(Account("a-7"))).events[0].cents, int)
    assert_type(db.preview(drain(Account("a-7"))).events, list[Deposited | Withdrawn])
    assert_type(db.preview(deposit(Account("a-7"), 5)), Preview[Deposited])
    assert_type(db.preview(move(Account("a-7"), Account("a-8"))), Preview[Deposited | Withdrawn])
    assert_type(db.execute(move(Account("a-7"), Account("a-8"))), Commit | None)
    assert_type(db.preview(note(Account("a-7"), "x")), Preview[Deposited])
    assert_type(db.execute(nothing(Account("a-7"))), Commit | None)
    assert_type(db.append(Deposited("a-7", cents=5)), Commit)
    assert_type(Deposited("a-7", 5).account, str)
    assert_type(next(db.read(Deposited)), Record[Deposited])
    assert_type(next(db.read(Deposited, after=1)).event.cents, int)
    assert_type(next(db.read(Deposited | Withdrawn)), Record)
    trial = db.branch("what-if")
    assert_type(trial, Database)
    trial.execute(withdraw(Account("a-7"), cents=300))
    db.merge("what-if")
