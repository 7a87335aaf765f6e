"""A small bank: what most tests of states and commands are told with."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backstory import Event, Refused, State, Tag, command


class Deposited(Event, name="test.deposited"):
    account: Tag[str]
    cents: int


class Withdrawn(Event, name="test.withdrawn"):
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


class Line(msgspec.Struct):
    """Can be changed, and stands inside a state."""

    cents: list[int] = []


class Book(State):
    """Everything that a state may hold which can change."""

    account: Tag[str]
    lines: list[Line] = []
    kinds: set[str] = set()
    by_kind: dict[str, list[int]] = {}
    last: Line | None = None

    def apply(self, event: Deposited | Withdrawn) -> None:
        kind = type(event).__name__
        self.last = Line([event.cents])
        self.lines.append(self.last)
        self.kinds.add(kind)
        self.by_kind.setdefault(kind, []).append(event.cents)


@command
def deposit(account: Account, cents: int) -> Iterator[Deposited]:
    yield Deposited(account.account, cents)


@command
def withdraw(account: Account, cents: int) -> Iterator[Withdrawn]:
    if account.balance < cents:
        raise Refused("insufficient funds", code="funds", balance=account.balance)
    yield Withdrawn(account.account, cents)


@command
def transfer(source: Account, target: Account, cents: int) -> list[Withdrawn | Deposited]:
    if source.balance < cents:
        raise Refused("insufficient funds")
    return [Withdrawn(source.account, cents), Deposited(target.account, cents)]
