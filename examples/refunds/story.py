"""The story: ten days of the shop, which end with an order that was paid back more than was paid.

    python -m examples.refunds refunds.db

Times are told back from a given now, so that a page which shows them says "14 min". Each thing that happens is a scene
with its time; the scenes are played in the order of time, on a clock that only they move.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from datetime import timedelta as ago
from functools import partial
from itertools import count, cycle, islice
from typing import NamedTuple

from backstory import ClearTextWarning, Command, Database, Record, connect
from examples.refunds.account import Account
from examples.refunds.cap import pay_back_or_credit, retry_refund_capped
from examples.refunds.events import (
    Line,
    OrderPlaced,
    PaymentCaptured,
    PriceSet,
    RefundFailed,
    RefundIssued,
    RefundRequested,
    StockReceived,
)
from examples.refunds.item import Item, receive, reprice, reserve
from examples.refunds.mails import tell_customer
from examples.refunds.order import (
    Order,
    add_note,
    ask_refund,
    capture,
    correct_address,
    override_price,
    pay_back,
    place_order,
    ship,
    take_out_line,
)
from examples.refunds.order_search import OrderSearch
from examples.refunds.refund_request import Payment, RefundRequest, note_failed, retry_refund

ORDER, PAYMENT, REQUEST = Order("o-1042"), Payment("p-3391"), RefundRequest("rr-77")
EARLIER, EARLIER_PAYMENT, EARLIER_REQUEST = Order("o-0977"), Payment("p-3320"), RefundRequest("rr-51")

STOCK = {"notebook": (840, 1490), "pen": (90, 250), "ink": (410, 990), "pencil": (40, 120)}
"""What an item costs the shop, and what it costs its customers."""

STREETS = {
    "ben": "Hafenweg 9", "cleo": "Marktplatz 2", "guest": "Am Wall 30", "nora": "Kirchgasse 17", "ann": "Lindenstr. 4",
}  # fmt: skip

MAIN, CAP, REVIEW = "main", "refund-cap", "price-review"


class Scene(NamedTuple):
    """Something that happens, so long before now."""

    before: timedelta
    play: Callable[[], object]


def fill(address: str, now: datetime) -> None:
    """Make a store at this address that tells the story, as of now."""
    moment = now
    with warnings.catch_warnings(), connect(address, create=True, clock=lambda: moment) as db:
        warnings.simplefilter("ignore", ClearTextWarning)  # the numbers of these accounts are not real
        parts = (others, around, earlier, ours, under_the_new_rule, in_review)
        scenes = [scene for part in parts for scene in part(db)]
        for scene in sorted(scenes, key=lambda scene: scene.before, reverse=True):
            moment = now - scene.before
            scene.play()


# ---- the order that was paid back twice


def ours(db: Database) -> Iterator[Scene]:
    """The life of o-1042."""
    at = partial(scene_of, db)
    cart = {"notebook": Line(3, 1490), "pen": Line(10, 250), "ink": Line(1, 990)}
    place = place_order(ORDER, Account("ann"), cart, "Lindenstr. 4", "DE02 1203 0000 0000 2020 51")
    yield at(ago(days=2), "ann", "checkout", place)
    yield at(
        ago(days=2, minutes=-1), "psp-webhook", "paid by card", capture(ORDER, PAYMENT.payment), OrderPlaced
    )
    for item, line in cart.items():
        reserving = reserve(Item(item), ORDER.order, line.count)
        yield at(ago(days=2, minutes=-2), "warehouse", "", reserving, OrderPlaced)
    yield at(ago(hours=44), "ann", "I forgot a digit", correct_address(ORDER, "Lindenstr. 14"))
    yield at(ago(hours=30), "warehouse", "ink is out of stock", take_out_line(ORDER, "ink"))
    yield at(ago(hours=22), "warehouse", "handed to DHL", ship(ORDER, "JJD0003421"))
    yield at(ago(hours=5), "lea", "asks where the parcel is", add_note(ORDER, "she calls again tomorrow"))
    newsletter = override_price(ORDER, Item("notebook"), 1190, REQUEST.request)
    yield at(ago(minutes=118), "carl", "price of the newsletter", newsletter)
    failed = note_failed(REQUEST, "the bank did not answer")
    yield at(ago(minutes=117), "psp-webhook", "", failed, RefundRequested)
    yield at(ago(minutes=104), "carl", "price of the newsletter, by hand", pay_back(ORDER, 900))
    yield at(ago(minutes=66), "carl", "goodwill, parcel is late", pay_back(ORDER, 6560))
    retry = retry_refund(REQUEST, PAYMENT)
    yield at(ago(minutes=14), "refund-sweeper", "retry after restart", retry, RefundFailed)
    yield Scene(ago(minutes=2), lambda: undo(db, ORDER, "dana", "paid back twice, undone"))


def earlier(db: Database) -> Iterator[Scene]:
    """It had happened before, to o-0977; and what was put right there was tried again at the next restart."""
    at = partial(scene_of, db)
    box = {"notebook": Line(2, 1490), "pencil": Line(6, 120)}
    yield at(
        ago(days=6), "ben", "checkout", place_order(EARLIER, Account("ben"), box, "Hafenweg 9", "DE88 1001")
    )
    paying = capture(EARLIER, EARLIER_PAYMENT.payment)
    yield at(ago(days=6, minutes=-1), "psp-webhook", "paid by card", paying, OrderPlaced)
    yield at(ago(days=5), "carl", "one notebook is torn", ask_refund(EARLIER, EARLIER_REQUEST.request, 1000))
    torn = note_failed(EARLIER_REQUEST, "the bank did not answer")
    yield at(ago(days=5, minutes=-1), "psp-webhook", "", torn, RefundRequested)
    yield at(ago(days=4), "carl", "both are torn, all of it back, by hand", pay_back(EARLIER, 4190))
    again = retry_refund(EARLIER_REQUEST, EARLIER_PAYMENT)
    yield at(ago(days=3), "refund-sweeper", "retry", again, RefundFailed)
    yield Scene(ago(hours=60), lambda: undo(db, EARLIER, "carl", "sent twice"))
    yield at(ago(hours=23), "refund-sweeper", "retry after restart", again, RefundFailed)


def around(db: Database) -> Iterator[Scene]:
    """Prices, goods and marks; mails, and the search."""
    at = partial(scene_of, db)
    yield Scene(ago(days=10), lambda: opened(db))
    yield Scene(ago(minutes=150), lambda: priced(db))
    yield at(ago(minutes=58), "warehouse", "from the wholesaler", receive(Item("notebook"), 400, 910))
    yield Scene(
        ago(minutes=70), lambda: db.mark("shift-change", author="warehouse", message="the late shift is here")
    )
    yield from (Scene(before, lambda: told(db)) for before in (ago(days=3), ago(hours=20), ago(minutes=1)))


def under_the_new_rule(db: Database) -> Iterator[Scene]:
    """What if whatever pays back had looked at the order?"""

    def dana(message: str, command: Command) -> Callable[[], object]:
        return lambda: said(db.switch(CAP), "dana", message, command)

    goodwill = pay_back_or_credit(ORDER, Account("ann"), 7000)
    sweep = retry_refund_capped(REQUEST, ORDER)
    yield Scene(ago(minutes=67), lambda: db.branch(CAP))
    yield Scene(ago(minutes=11), dana("goodwill, capped at what was paid", goodwill))
    yield Scene(ago(minutes=5), dana("the sweeper, under the new rule: refused", sweep))


def in_review(db: Database) -> Iterator[Scene]:
    """Prices for the autumn, on a branch: one stays right, one does not, and a list was taken over unread."""

    def dana(message: str, item: str, cents: int) -> Callable[[], object]:
        return lambda: said(db.switch(REVIEW), "dana", message, reprice(Item(item), cents, 0.25))

    def omar() -> object:
        prices = PriceSet("ink", 1050), PriceSet("pen", 270)
        return db.switch(REVIEW).append(*prices, author="omar", message="list of the wholesaler, imported")

    yield Scene(ago(minutes=149), lambda: db.branch(REVIEW, at="q3-prices"))
    yield Scene(ago(minutes=41), dana("pencils cost what they did in June", "pencil", 110))
    yield Scene(ago(minutes=18), dana("notebook at 11.90 for the autumn", "notebook", 1190))
    yield Scene(ago(minutes=17), omar)


# ---- everybody else


def others(db: Database) -> Iterator[Scene]:
    """Some orders around it: placed, paid, reserved, shipped, each step because of the one before."""
    carts = cycle(
        [{"pen": 4}, {"notebook": 1, "pen": 2}, {"ink": 1}, {"ink": 2}, {"pencil": 12, "notebook": 2}]
    )
    numbers = (number for number in count(1026) if f"o-{number}" != ORDER.order)
    for number, before, cart, account in zip(numbers, AGES, carts, cycle(STREETS), strict=False):
        yield from one_order(db, number, before, cart, account)
    yield Scene(ago(minutes=72), lambda: out_of_ink(db))


AGES = [
    *(ago(hours=96 - 3 * step) for step in range(27)),
    *(ago(hours=14 - 2 * step) for step in range(6)),
    ago(minutes=3),
]


def one_order(
    db: Database, number: int, before: timedelta, cart: dict[str, int], account: str
) -> Iterator[Scene]:
    """An order as it should be."""
    order, minute = Order(f"o-{number}"), ago(minutes=1)
    lines = {item: Line(count, STOCK[item][1]) for item, count in cart.items()}
    at = partial(scene_of, db)

    placed = place_order(order, Account(account), lines, STREETS[account], f"DE{number} 0532 0130 00")
    yield at(before, account, "checkout", placed)
    yield at(
        before - minute, "psp-webhook", "paid by card", capture(order, f"p-{number + 2349}"), OrderPlaced
    )
    for item, of_it in cart.items():
        yield at(before - minute, "warehouse", "", reserve(Item(item), order.order, of_it), OrderPlaced)
    if before > ago(hours=20) and number % 4:
        parcel = ship(order, f"JJD000{number * 3}")
        yield at(before - ago(hours=17), "warehouse", "handed to DHL", parcel, PaymentCaptured)
    if number % 6 == 0:
        yield at(before - 2 * minute, "lea", "a wish for the delivery", add_note(order, "please ring twice"))


def out_of_ink(db: Database) -> None:
    """The newest orders that have ink lose it."""
    waiting = [
        record.event.order
        for record in db.read(OrderPlaced, backwards=True, limit=12)
        if "ink" in record.event.lines and db.load(Order(record.event.order)).status == "paid"
    ]
    for number, order in enumerate(islice(waiting, 2), 118):
        said(db, "warehouse", f"pick list {number}", take_out_line(Order(order), "ink"))


# ---- what they all need


def scene_of(
    db: Database, before: timedelta, author: str, message: str, command: Command, cause: type | None = None
) -> Scene:
    """A command as a scene."""
    return Scene(before, lambda: said(db, author, message, command, cause))


def said(db: Database, author: str, message: str, command: Command, cause: type | None = None) -> None:
    """Execute a command by somebody, for a reason, because of the last event of a type about the same order."""
    with because(db, command, cause):
        db.execute(command, author=author, message=message)


@contextmanager
def because(db: Database, command: Command, cause: type | None) -> Iterator[None]:
    """The cause of a block: the last event of this type that is about the order or the request of a command."""
    found: Record | None = None
    if cause is not None:
        found = next(db.read(cause, tags=[_subject(command)], backwards=True, limit=1), None)
    with db.context(because=found):
        yield


def _subject(command: Command) -> str:
    for value in command.arguments.values():
        if isinstance(value, RefundRequest):
            return f"request:{value.request}"
        if isinstance(value, Order):
            return f"order:{value.order}"
    return f"order:{command.arguments['order']}"


def undo(db: Database, order: Order, author: str, message: str) -> None:
    """Take back the last refund of an order."""
    last = next(db.read(RefundIssued, tags=[f"order:{order.order}"], backwards=True, limit=1))
    db.revert(last.commit.id, author=author, message=message)


def opened(db: Database) -> None:
    """The stock and the prices with which the shop begins."""
    for item, (cost, _) in STOCK.items():
        db.append(StockReceived(item, 500, cost), author="warehouse", message="first delivery")
    prices = [PriceSet(item, price) for item, (_, price) in STOCK.items()]
    db.append(*prices, author="dana", message="prices of the second quarter")


def priced(db: Database) -> None:
    """The prices of the quarter, with a mark on them."""
    db.append(PriceSet("notebook", 1490), author="dana", message="prices of the third quarter")
    db.mark("q3-prices", author="dana", message="as agreed with the wholesaler")


def told(db: Database) -> None:
    """The mails go out, and the search is brought up to date."""
    with db.context(author="mailer"):
        db.run(tell_customer, OrderSearch).run(once=True)
