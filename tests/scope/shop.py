"""A shop whose orders belong to customers: what is outside of a scope begins with `planted`."""

from __future__ import annotations

from collections.abc import Iterator

from backstory import Event, State, Tag, command
from backstory.database import Database
from backstory.store import Store
from tests.history.ledger import ledger


class Placed(Event, name="scope.placed"):
    order: Tag[str]
    customer: Tag[str]
    cents: int
    email: str = ""


class Paid(Event, name="scope.paid"):
    order: Tag[str]
    cents: int


class Noted(Event, name="scope.planted-noted"):
    order: Tag[str]
    words: str


class Order(State):
    order: Tag[str]
    due: int = 0
    email: str = ""

    def apply(self, event: Placed | Paid) -> None:
        if isinstance(event, Placed):
            self.due += event.cents
            self.email = event.email
        else:
            self.due -= event.cents


class Notes(State):
    order: Tag[str]
    words: str = ""

    def apply(self, event: Noted) -> None:
        self.words += event.words


class Customer(State):
    customer: Tag[str]
    orders: int = 0

    def apply(self, event: Placed) -> None:
        self.orders += 1


@command(name="scope.pay")
def pay(order: Order, cents: int, note: str = "") -> Iterator[Paid]:
    yield Paid(order.order, cents)


@command(name="scope.split")
def split(order: Order, other: Order, cents: int) -> Iterator[Paid]:
    yield Paid(order.order, cents if other.due >= 0 else 0)


def shop(store: Store | None = None) -> Database:
    """Six commits: order o-1 is in the scope of its reader, and order planted-o-2 is not."""
    db = ledger(store)
    db.append(Placed("o-1", "c-1", 500, "veiled@x"), id="placed", author="ann", message="first")
    db.append(Placed("planted-o-2", "planted-c-2", 900, "planted@x"), id="planted-id", author="planted-a")
    db.append(
        Placed("o-1", "c-1", 100, "veiled@y"),
        Paid("planted-o-2", 300),
        id="both",
        author="planted-bob",
        message="planted message",
        metadata={"why": "planted metadata", "correlation": "planted-correlation"},
    )
    db.execute(pay(Order("o-1"), 200), id="paid", author="ann", message="second")
    db.execute(split(Order("o-1"), Order("planted-o-2"), 7), id="split", author="ann", message="third")
    db.append(Noted("planted-o-2", "planted words"), author="planted-c", message="planted note")
    return db
