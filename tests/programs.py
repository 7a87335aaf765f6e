"""Applications as files, imported by tests and forgotten afterwards."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backstory.values.event import definitions

BANK = '''\
"""The bank of the tests."""

import datetime
import decimal
import enum
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from backstory import Event, Projection, Refused, State, Tag, Tx, command, reverts, upcast

Cents = Annotated[int, msgspec.Meta(gt=0)]


class Plan(enum.Enum):
    FREE = "free"
    PAID = "paid"


class Address(msgspec.Struct, frozen=True):
    city: str


class AccountOpened(Event):
    account: Tag[str]
    owner: str = ""
    limit: int | None = None


class Deposited(Event, version=2):
    account: Tag[str]
    cents: int

    @upcast(1)
    @staticmethod
    def from_1(data: dict[str, Any]) -> dict[str, Any]:
        return data


class Withdrawn(Event):
    account: Tag[str]
    cents: int


class RateChanged(Event):
    percent: float


class Noted(Event):
    pass


class Settled(Event):
    account: Tag[str]
    to: Address
    on: datetime.datetime
    plan: Plan
    rate: decimal.Decimal
    notes: list[str]
    urgent: bool
    message: str


@reverts(Deposited)
def take_back(event: Deposited) -> Withdrawn:
    return Withdrawn(event.account, event.cents)


@reverts(Withdrawn)
def give_back(event: Withdrawn) -> Deposited:
    return Deposited(event.account, event.cents)


class Balances(Projection):
    """What each account holds, in a table."""

    tables = "CREATE TABLE balances (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"

    def apply(self, event: Deposited | Withdrawn, tx: Tx) -> None:
        cents = event.cents if isinstance(event, Deposited) else -event.cents
        tx.execute(
            "INSERT INTO balances VALUES (?, ?)"
            " ON CONFLICT (account) DO UPDATE SET cents = balances.cents + excluded.cents",
            (event.account, cents),
        )


class Account(State):
    """What an account holds."""

    account: Tag[str]
    balance: int = 0
    notes: list[str] = msgspec.field(default_factory=list)

    def apply(self, event: AccountOpened | Deposited | Withdrawn | Settled) -> None:
        match event:
            case Deposited(cents=cents):
                self.balance += cents
            case Withdrawn(cents=cents):
                self.balance -= cents
            case Settled(notes=notes):
                self.notes += notes


class Rates(State):
    """What everybody pays."""

    percent: float = 0

    def apply(self, event: RateChanged) -> None:
        self.percent = event.percent


@command
def deposit(account: Account, cents: Cents) -> Deposited:
    """Pay in.

    Any amount but nothing.
    """
    return Deposited(account.account, cents)


@command
def withdraw(account: Account, cents: int) -> Iterator[Withdrawn]:
    """Take out what is there."""
    if account.balance < cents:
        raise Refused("insufficient funds", code="funds", balance=account.balance)
    if cents == 13:
        raise ValueError("13 is not a number")
    if cents:
        yield Withdrawn(account.account, cents)


@command
def transfer(source: Account, target: Account, cents: Cents) -> list[Withdrawn | Deposited]:
    """Move money."""
    return [Withdrawn(source.account, cents), Deposited(target.account, cents)]


@command
def settle(
    account: Account,
    to: Address,
    on: datetime.datetime,
    plan: Plan = Plan.FREE,
    rate: decimal.Decimal = decimal.Decimal(1),
    notes: list[str] = [],
    urgent: bool = False,
    message: str = "none",
) -> Settled:
    return Settled(account.account, to, on, plan, rate, notes, urgent, message)


@command
def change_rate(rates: Rates, percent: float) -> RateChanged:
    return RateChanged(percent)
'''


@contextmanager
def forgotten() -> Iterator[None]:
    """Forget the modules and events of a block; begin with no events, so that names of other tests are free."""
    modules, path, before = set(sys.modules), list(sys.path), dict(definitions)
    definitions.clear()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if not name.startswith("backstory"):
                del sys.modules[name]
        definitions.clear()
        definitions.update(before)


def bank(folder: Path) -> Path:
    """The bank's module in a folder, named by its pyproject.toml."""
    (folder / "bank.py").write_text(BANK, encoding="utf-8")
    (folder / "pyproject.toml").write_text('[tool.backstory]\napp = "bank"\n', encoding="utf-8")
    return folder / "bank.py"


def prices(file: Path) -> None:
    """A SQLite file with a table of prices as they were, as an application keeps one by itself."""
    connection = sqlite3.connect(file)
    connection.execute(
        "CREATE TABLE price_log"
        " (n INTEGER PRIMARY KEY, product TEXT, changed_at TEXT, changed_by TEXT, price INTEGER)"
    )
    connection.executemany(
        "INSERT INTO price_log (product, changed_at, changed_by, price) VALUES (?, ?, ?, ?)",
        [
            ("ink", "2026-03-01 10:00", "ann", 5),
            ("pen", "2026-03-01 10:00", "ann", 2),
            ("ink", "2026-03-02 10:00", "bob", 6),
        ],
    )
    connection.commit()
    connection.close()
