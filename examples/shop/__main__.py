"""Ten days of the shop: one customer pays, one is refused and pays later, and one never pays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backstory import connect
from examples.shop import outside
from examples.shop.mails import mail
from examples.shop.open_orders import OpenOrders, page
from examples.shop.order import Order, pay, place
from examples.shop.payments import charge
from examples.shop.reminders import Unpaid

now = datetime(2026, 3, 1, 9, tzinfo=UTC)
box = outside.MailBox()
outside.bank, outside.mail_service = outside.FakeBank(failures=1), box

with connect(clock=lambda: now) as db:
    everything = db.run(charge, mail, Unpaid, OpenOrders)

    for name, card in ("ann", "visa"), ("bob", "empty"), ("eve", ""):
        order = Order(f"{name}'s")
        db.execute(place(order, f"{name}@example.com", cents=2_500))
        if card:
            db.execute(pay(order, card))

    for day in 0, 3, 5, 7:
        now = datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(days=day)
        if day == 5:
            db.execute(pay(Order("bob's"), "visa"))
        before = len(box.mails)
        everything.run(once=True)
        print(f"day {day}")
        for to, subject in list(box.mails.values())[before:]:
            print(f"  mail to {to}: {subject}")
        for line in page(db):
            print(f"  open: {line.order} {line.status}")
