"""Two customers buy a book. Their rows look the same; their histories do not."""

from __future__ import annotations

from backstory import connect
from examples.cart.cart import Cart
from examples.cart.regret import Regret
from examples.cart.shop import add, check_out, remove

ANN, BOB = Cart("ann"), Cart("bob")

with connect() as db:
    for item in "book", "lamp", "pen":
        db.execute(add(ANN, item))
    for item in "lamp", "pen":
        db.execute(remove(ANN, item))
    db.execute(check_out(ANN))

    db.execute(add(BOB, "book"))
    db.execute(check_out(BOB))

    for cart in ANN, BOB:
        now = db.load(cart)
        print(f"{now.cart}: {', '.join(now.items)}; checked out: {now.checked_out}")
    for cart in ANN, BOB:
        print(f"\n{cart.cart}'s history")
        for record in db.read(cart):
            print(f"  #{record.position} {record.event}")

    lamp = db.load(Regret("lamp"))
    print(f"\nput back: {lamp.removed} of {lamp.added} lamps")
