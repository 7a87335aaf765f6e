"""The shop of the examples as an application whose processes are killed, and a process that places its orders.

The bank and the mail service lie in a folder, so they outlive each process: a file for each key that they were given.
Days are parts of a second. Two more projections meet the poison, an order whose event always raises, by other policies.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from backstory import Projection, Refused, Tx, connect
from examples.shop import outside, reminders
from examples.shop.events import Paid, PaymentAsked, Placed
from examples.shop.mails import mail
from examples.shop.open_orders import OpenOrders
from examples.shop.order import Order, pay, place
from examples.shop.payments import charge
from examples.shop.reminders import Unpaid

POISON = "stolen"
"""The card that no code of this shop can take, however often it tries."""

EVERYTHING = charge, mail, Unpaid, OpenOrders


class Bank(outside.FakeBank):
    """Takes money once for each key. The first request of every third key fails, and every one for the poison."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def charge(self, card: str, cents: int, key: str) -> str:
        if card == POISON:
            raise RuntimeError("no code for this card")
        if int(key[:4], 16) % 3 == 0 and made(self.folder / f"{key}.failed"):
            raise ConnectionError("the bank does not answer")
        if card == "empty":
            raise outside.CardRefused("insufficient funds")
        made(self.folder / f"{key}.taken")
        return key


class MailBox(outside.MailBox):
    """Keeps mails in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def send(self, to: str, subject: str, key: str) -> None:
        made(self.folder / f"{key}.mail")


def made(path: Path) -> bool:
    """Make a file; whether it was not there."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class Strict(Projection):
    """Stops at the poison."""

    tables = "CREATE TABLE payments (id TEXT NOT NULL, step TEXT NOT NULL)"

    def apply(self, event: Placed | PaymentAsked | Paid, tx: Tx) -> None:
        if isinstance(event, PaymentAsked) and event.card == POISON:
            raise RuntimeError("no row for this card")
        tx.execute("INSERT INTO payments VALUES (?, ?)", (event.order, type(event).__name__))


class Patient(Strict, partition="order", on_error="park"):
    """Keeps the poison back, with all that follows of its order."""


if outside_folder := os.environ.get("SHOP_OUTSIDE"):
    outside.bank, outside.mail_service = Bank(Path(outside_folder)), MailBox(Path(outside_folder))
    reminders.REMIND, reminders.GIVE_UP = timedelta(seconds=0.4), timedelta(seconds=0.8)


def main(address: str) -> None:
    """Place orders until it is killed; some are paid, some with a card that is refused, and some never."""
    with connect(address) as db:
        print("placing", flush=True)
        while True:
            order = Order(os.urandom(6).hex())
            db.execute(place(order, f"{order.order}@example.com", cents=random.randint(1, 9_999)))
            card = random.choice(["visa", "visa", "empty", ""])
            if card:
                with suppress(Refused):
                    db.execute(pay(order, card))
            time.sleep(0.03)


if __name__ == "__main__":
    main(*sys.argv[1:])
