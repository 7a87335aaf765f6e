"""A small shop: orders with lines, somebody's address that is masked, and a state of two tags."""

from __future__ import annotations

from backstory import Database, Event, Personal, State, Tag, command, connect
from backstory.application import Application, collect

LINES = {"ink": {"count": 2, "unit_cents": 990}, "notebook": {"count": 3, "unit_cents": 1490}}


class Placed(Event, name="orders.placed"):
    order: Tag[str]
    lines: dict[str, dict[str, int]]
    email: Personal[str] = ""


class Refunded(Event, name="orders.refunded"):
    order: Tag[str]
    cents: int


class Noted(Event, name="orders.noted"):
    order: Tag[str]
    text: str


class Enrolled(Event, name="orders.enrolled"):
    course: Tag[str]
    student: Tag[str]


class Order(State):
    """An order of the shop."""

    order: Tag[str]
    status: str = "new"
    email: Personal[str] = ""
    lines: dict[str, dict[str, int]] = {}
    refunded_cents: int = 0

    def apply(self, event: Placed | Refunded | Noted) -> None:
        match event:
            case Placed():
                self.status, self.lines, self.email = "placed", event.lines, event.email
            case Refunded():
                self.status = "refunded"
                self.refunded_cents += event.cents
            case Noted(text="break"):
                raise KeyError("planted")
            case Noted():
                pass


class Enrolment(State):
    course: Tag[str]
    student: Tag[str]
    enrolled: bool = False

    def apply(self, event: Enrolled) -> None:
        self.enrolled = True


@command
def refund(order: Order, cents: int) -> Refunded:
    return Refunded(order.order, cents)


ORDERS: Application = collect("orders", [Order, Enrolment, refund])

ATTACK = "<script>alert(1)</script>\"'&\u202e\x07"


def shop(uri: str | None = None) -> Database:
    """The story: o-1 is placed (#1), paid back (#2, #4, #5), with a note between; o-2 is placed at #6."""
    db = connect() if uri is None else connect(uri)
    db.append(Placed("o-1", LINES, "ann@example.org"), author="ann", message="checkout")
    db.execute(refund(Order("o-1"), 990), author="warehouse", message="ink is out of stock")
    db.append(Noted("o-1", ATTACK), author="lea", message=ATTACK)
    [first] = db.read(Refunded, limit=1)
    with db.context(because=first):
        db.execute(refund(Order("o-1"), 900), author="carl king")
    db.execute(refund(Order("o-1"), 10), author="refund-sweeper", message="retry after restart")
    db.append(Placed("o-2", LINES), author="bob")
    db.append(Enrolled("maths", "ann/b c"), author="dean")
    return db
