"""A shop that pays back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from backstory import Database, connect, shown
from backstory.history.merge.merge import Options
from backstory.reactions import operate
from backstory.testing import check_projection, given
from examples.refunds.account import Account
from examples.refunds.cap import pay_back_or_credit, retry_refund_capped
from examples.refunds.events import (
    AddressCorrected,
    CreditGranted,
    CustomerTold,
    Line,
    LineRemoved,
    NoteAdded,
    OrderPlaced,
    ParcelShipped,
    PaymentCaptured,
    PriceOverridden,
    PriceSet,
    RefundCancelled,
    RefundFailed,
    RefundIssued,
    RefundRefused,
    RefundRequested,
    StockReceived,
    StockReserved,
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
from examples.refunds.story import fill

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")

ORDER, REQUEST, PAYMENT = Order("o-1"), RefundRequest("r-1"), Payment("p-1")
PLACED = OrderPlaced("o-1", "ann", {"pen": Line(2, 250), "ink": Line(1, 990)}, 490, "Lindenstr. 4", "DE02")
PAID = PaymentCaptured("p-1", "o-1", 1980)
ALL = RefundIssued("o-1", "p-1", 1980, "DE02")
FAILED = [RefundRequested("r-1", "o-1", "p-1", 500, "DE02"), RefundFailed("r-1", "o-1", "no answer")]
AGAIN = RefundIssued("o-1", "p-1", 500, "DE02", "r-1")


def test_an_order_costs_its_lines_and_the_parcel_and_is_paid_once() -> None:
    given(PLACED).when(capture(ORDER, "p-1")).then(PAID)
    given(PLACED, PAID).when(capture(ORDER, "p-2")).then_refused("nothing is to be paid", status="paid")
    given(PLACED).when(ship(ORDER, "j-1")).then_refused("only what is paid is shipped", status="placed")


def test_what_cannot_be_delivered_is_paid_back_at_once() -> None:
    taken = given(PLACED, PAID).when(take_out_line(ORDER, "ink"))
    taken.then(LineRemoved("o-1", "ink"), RefundIssued("o-1", "p-1", 990, "DE02"))


def test_an_order_is_placed_once_and_its_address_is_corrected_until_the_parcel_leaves() -> None:
    place = place_order(ORDER, Account("ann"), PLACED.lines, "Lindenstr. 4", "DE02")
    given().when(place).then(PLACED).when(place).then_refused("there is such an order", status="placed")
    given(PLACED).when(correct_address(ORDER, "Ring 1")).then(AddressCorrected("o-1", "Ring 1"))
    left = given(PLACED, PAID, ParcelShipped("o-1", "j-1"))
    left.when(correct_address(ORDER, "Ring 1")).then_refused("the parcel has left")


def test_a_line_that_is_not_there_is_not_taken_out_and_nothing_twice_is_paid_back_for_it() -> None:
    given(PLACED, PAID).when(take_out_line(ORDER, "hat")).then_refused("there is no such line", item="hat")
    given(PLACED, PAID, ALL).when(take_out_line(ORDER, "ink")).then_refused("that is more than was paid")


def test_a_better_price_is_asked_back_from_the_bank() -> None:
    lower = given(PLACED, PAID).when(override_price(ORDER, Item("ink"), 490, "r-1"))
    lower.then(PriceOverridden("o-1", "ink", 490), RefundRequested("r-1", "o-1", "p-1", 500, "DE02"))
    dearer = given(PLACED, PAID).when(override_price(ORDER, Item("ink"), 990, "r-1"))
    dearer.then_refused("that is no better price", item="ink")


def test_the_bank_is_asked_for_what_was_paid_and_may_not_answer() -> None:
    given(PLACED, PAID).when(ask_refund(ORDER, "r-1", 500)).then(FAILED[0])
    given(PLACED).when(ask_refund(ORDER, "r-1", 500)).then_refused("that is more than was paid")
    given(FAILED[0]).when(note_failed(REQUEST, "no answer")).then(FAILED[1])


def test_items_are_received_and_reserved() -> None:
    pens = given().when(receive(Item("pen"), 2, 120)).then(StockReceived("pen", 2, 120))
    pens.when(reserve(Item("pen"), "o-1", 2)).then(StockReserved("pen", "o-1", 2)).when(
        reserve(Item("pen"), "o-2", 1)
    ).then_refused("not in stock", in_stock=0)


def test_a_note_is_kept_as_it_is() -> None:
    given().when(add_note(ORDER, "called")).then(NoteAdded("o-1", "called"))


def test_by_hand_no_more_is_paid_back_than_was_paid() -> None:
    given(PLACED, PAID).when(pay_back(ORDER, 1980)).then(ALL)
    given(PLACED, PAID, ALL).when(pay_back(ORDER, 1)).then_refused("that is more than was paid", left_cents=0)


def test_the_sweeper_looks_at_the_request_and_the_payment() -> None:
    given(PAID, *FAILED).when(retry_refund(REQUEST, PAYMENT)).then(AGAIN)
    given(PAID, *FAILED, AGAIN).when(retry_refund(REQUEST, PAYMENT)).then_refused(
        "nothing is to be tried again", status="done"
    )
    given(*FAILED).when(retry_refund(REQUEST, PAYMENT)).then_refused("that is more than was paid")


def test_a_scenario_with_the_order_would_have_told_that_the_sweeper_does_not_look_at_it() -> None:
    with pytest.raises(
        AssertionError, match=r"OrderPlaced.* could not have mattered: retry_refund\(r-1, p-1\)"
    ):
        given(PLACED, PAID, *FAILED, ALL).when(retry_refund(REQUEST, PAYMENT)).then(AGAIN)


def test_under_the_new_rule_it_is_refused() -> None:
    swept = given(PLACED, PAID, *FAILED, ALL).when(retry_refund_capped(REQUEST, ORDER))
    swept.then(RefundRefused("r-1", "o-1", "all that was paid is paid back"))
    swept.when(retry_refund_capped(REQUEST, ORDER)).then_refused(
        "nothing is to be tried again", status="refused"
    )
    given(PLACED, PAID, *FAILED).when(retry_refund_capped(REQUEST, ORDER)).then(AGAIN)


def test_under_the_new_rule_the_rest_is_given_as_credit() -> None:
    paid_back = given(PLACED, PAID).when(pay_back_or_credit(ORDER, Account("ann"), 2000))
    paid_back.then(ALL, CreditGranted("ann", 20))


def test_a_price_leaves_a_margin() -> None:
    bought = given(PriceSet("pen", 250), StockReceived("pen", 100, 90))
    bought.when(reprice(Item("pen"), 120, 0.25)).then(PriceSet("pen", 120))
    bought.when(reprice(Item("pen"), 119, 0.25)).then_refused("the margin of 24% is below 25%")


def test_customers_are_told_and_a_guest_has_no_address() -> None:
    told = given(PLACED, PAID).running(tell_customer).when(pay_back(ORDER, 1980))
    told.then(ALL, CustomerTold("o-1", "ann", "We have sent you 19.80"))


def test_the_search_knows_what_was_paid_back() -> None:
    past = [PLACED, PAID, ALL, RefundCancelled("o-1", "p-1", 980)]
    rows = "SELECT id, status, paid_cents, refunded_cents FROM order_search"
    given(*past).project(OrderSearch).then_rows(rows, [("o-1", "paid", 1980, 1000)])
    check_projection(OrderSearch, past)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    address = str(tmp_path_factory.mktemp("refunds") / "refunds.db")
    fill(address, datetime.now(UTC))
    with connect(address) as db:
        yield db


def test_the_story_says_who_paid_back_too_much_why_and_what_was_not_read(db: Database) -> None:
    order = Order("o-1042")
    found = db.bisect(order, "refunded_cents > paid_cents")
    assert [turn.holds for turn in found.turns] == [True, False]
    assert found.first is not None
    commit = found.first.commit
    assert (commit.author, commit.message) == ("refund-sweeper", "retry after restart")
    assert [(each.reference, each.fields) for each in db.unread(commit.id)] == [(order, ("/refunded_cents",))]
    assert [undoing.author for undoing in db.undone_by(commit.id)] == ["dana"]
    assert [cause.commit and cause.commit.author for cause in db.causes(commit.id)] == ["psp-webhook", "carl"]


def test_the_story_has_one_order_that_is_still_wrong(db: Database) -> None:
    found = db.turns(Order, "refunded_cents > paid_cents")
    turns = [(shown(turn.state)["order"], turn.holds) for turn in found]
    assert turns == [
        *[("o-0977", True), ("o-0977", False), ("o-0977", True)],
        *[("o-1042", True), ("o-1042", False)],
    ]


def test_the_branches_of_the_story_have_a_clean_commit_a_conflict_and_one_that_nobody_can_judge(
    db: Database,
) -> None:
    report = db.merge("price-review", Options(preview=True))
    assert [step.outcome for step in report.steps] == ["clean", "conflict", "unchecked"]


def test_the_story_has_branches_marks_and_a_parked_mail(db: Database) -> None:
    assert {mark.name for mark in db.branches.marks()} == {"q3-prices", "shift-change"}
    assert {branch.name for branch in db.branches.all()} == {"main", "refund-cap", "price-review"}
    assert [one.key for one in operate.parked(tell_customer, db.store)] == ["o-1059"]
