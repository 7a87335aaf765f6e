"""A shop that reacts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backstory import connect
from backstory.testing import check_projection, every_order, given
from examples.shop import outside
from examples.shop.cart import Article, Cart, check_out, put, stock
from examples.shop.events import (
    Cancelled,
    CheckedOut,
    Mailed,
    Paid,
    PaymentAsked,
    PaymentRefused,
    Placed,
    PutInCart,
    Reminded,
    Stocked,
)
from examples.shop.mails import mail
from examples.shop.open_orders import OpenOrders, page
from examples.shop.order import Order, cancel, note_taken, pay, place, remind
from examples.shop.payments import charge
from examples.shop.reminders import Unpaid

ORDER = Order("o-1")
PLACED = Placed("o-1", "ann@example.com", 2_500)
ASKED = PaymentAsked("o-1", "visa", 2_500)
TAKEN = Paid("o-1", "receipt-1")
REMINDED = Reminded("o-1")


@pytest.fixture(autouse=True)
def bank(monkeypatch: pytest.MonkeyPatch) -> outside.FakeBank:
    bank = outside.FakeBank()
    monkeypatch.setattr(outside, "bank", bank)
    return bank


@pytest.fixture(autouse=True)
def box(monkeypatch: pytest.MonkeyPatch) -> outside.MailBox:
    box = outside.MailBox()
    monkeypatch.setattr(outside, "mail_service", box)
    return box


def test_an_order_is_placed_once() -> None:
    given().when(place(ORDER, "ann@example.com", 2_500)).then(PLACED)
    given(PLACED).when(place(ORDER, "ann@example.com", 2_500)).then_refused("there is such an order")


def test_it_is_paid_once() -> None:
    given(PLACED).when(pay(ORDER, "visa")).then(ASKED)
    for past in [ASKED], [ASKED, TAKEN], [Cancelled("o-1", "test")]:
        given(PLACED, *past).when(pay(ORDER, "visa")).then_refused("the order is not open")


def test_only_an_open_order_is_cancelled_or_reminded_of_and_that_once() -> None:
    given(PLACED, ASKED).when(cancel(ORDER, "test")).then_refused("the order is not open")
    given(PLACED, ASKED).when(remind(ORDER)).then_refused("the order is not open")
    given(PLACED).when(remind(ORDER)).then(REMINDED).when(remind(ORDER)).then_refused("reminded already")


def test_articles_go_from_the_stock_into_a_cart_and_become_an_order() -> None:
    given().when(stock(Article("pen"), 1, 250)).then(Stocked("pen", 1, 250))
    full = (
        given(Stocked("pen", 1, 250))
        .when(put(Cart("c-1"), Article("pen")))
        .then(PutInCart("c-1", "pen", 250))
    )
    full.when(put(Cart("c-2"), Article("pen"))).then_refused("it is sold out", article="pen")
    placed = full.when(check_out(Cart("c-1"), ORDER, "ann@example.com"))
    placed.then(CheckedOut("c-1", "o-1"), Placed("o-1", "ann@example.com", 250))
    placed.when(put(Cart("c-1"), Article("pen"))).then_refused("the cart is an order by now", order="o-1")
    placed.when(check_out(Cart("c-1"), Order("o-2"), "")).then_refused("there is nothing to order")


def test_a_cart_becomes_an_order_of_its_own() -> None:
    past = given(PutInCart("c-1", "pen", 250), PLACED)
    past.when(check_out(Cart("c-1"), ORDER, "bob@example.com")).then_refused("there is such an order")


def test_nothing_is_cancelled_while_its_money_may_be_on_its_way() -> None:
    for order in every_order([pay(ORDER, "visa"), cancel(ORDER, "test")], given=[PLACED]):
        assert len(order.accepted) == 1


def test_a_card_is_charged() -> None:
    given(PLACED).running(charge).when(pay(ORDER, "visa")).then(ASKED, TAKEN)


def test_a_card_that_is_refused_leaves_the_order_open_for_another_one() -> None:
    refused = given(PLACED, PaymentAsked("o-1", "empty", 2_500)).running(charge)
    refused.then(PaymentRefused("o-1", "insufficient funds"))
    refused.when(pay(ORDER, "visa")).then(ASKED, TAKEN)


def test_each_mail_goes_to_whom_it_concerns_and_is_noted(box: outside.MailBox) -> None:
    running = given(PLACED, ASKED).running(mail).when(note_taken(ORDER, "receipt-1"))
    running.then(TAKEN, Mailed("o-1", "Thank you"))
    assert list(box.mails.values()) == [("ann@example.com", "Thank you")]


def test_who_does_not_pay_is_reminded_after_three_days_and_cancelled_after_seven() -> None:
    unpaid = given(PLACED).running(Unpaid)
    unpaid.when_passes(days=3).then(Reminded("o-1"))
    unpaid.when_passes(days=4).then(Cancelled("o-1", "nobody has paid"))


def test_who_has_paid_hears_nothing_more() -> None:
    given(PLACED, ASKED, TAKEN).running(Unpaid).when_passes(days=30).then_nothing()


def test_an_order_that_is_being_paid_is_not_cancelled() -> None:
    given(PLACED, ASKED).running(Unpaid).when_passes(days=30).then_nothing()


def test_the_page_lists_what_is_open() -> None:
    past = [
        PLACED,
        Placed("o-2", "bob@example.com", 900),
        ASKED,
        PaymentRefused("o-1", "no money"),
        Reminded("o-2"),
    ]
    rows = "SELECT id, status FROM open_orders ORDER BY id"
    given(*past).project(OpenOrders).then_rows(rows, [("o-1", "refused: no money"), ("o-2", "reminded")])
    given(*past, ASKED, TAKEN).project(OpenOrders).then_rows(rows, [("o-2", "reminded")])
    check_projection(OpenOrders, [*past, ASKED, TAKEN, Cancelled("o-2", "nobody has paid")])


def test_a_bank_that_does_not_answer_is_asked_again_and_a_visitor_sees_the_own_change(
    bank: outside.FakeBank, box: outside.MailBox
) -> None:
    bank.failures = 2
    with connect() as db, db.run(charge, mail, Unpaid, OpenOrders):
        db.execute(place(Order("o-2"), "bob@example.com", 900))
        placed = db.execute(place(ORDER, "ann@example.com", 2_500))
        assert [line.order for line in page(db, after=placed, limit=9)] == ["o-2", "o-1"]
        db.execute(pay(ORDER, "visa"))
        record = next(iter(db.follow(Mailed, after=0)))
        assert record.event == Mailed("o-1", "Thank you")
        assert [line.order for line in page(db, after=record.commit)] == ["o-2"]
    assert (list(bank.taken.values()), len(box.mails)) == ([2_500], 1)


def test_what_always_fails_is_kept_back_and_tried_again_on_request(bank: outside.FakeBank) -> None:
    from backstory.reactions import operate

    bank.failures = 4
    with connect() as db:
        for order in ORDER, Order("o-2"):
            db.execute(place(order, "ann@example.com", 2_500))
            db.execute(pay(order, "visa"))
        db.run(charge).run(once=True)
        assert [one.key for one in operate.parked(charge, db.store)] == ["o-1"]
        assert [record.event.order for record in db.read(Paid)] == ["o-2"]
        operate.retry(charge, db.store)
        db.run(charge).run(once=True)
        assert [record.event.order for record in db.read(Paid)] == ["o-2", "o-1"]


def test_backstory_run_does_the_same_from_a_shell(tmp_path: Path) -> None:
    store = tmp_path / "shop.db"
    with connect(str(store)) as db:
        db.execute(place(ORDER, "ann@example.com", 2_500))
        db.execute(pay(ORDER, "visa"))
        words = ["-s", str(store), "run", "--app", "examples.shop", "--once"]
        done = subprocess.run([sys.executable, "-m", "backstory", *words], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert [record.event for record in db.read(Mailed)] == [Mailed("o-1", "Thank you")]
        assert page(db) == []
