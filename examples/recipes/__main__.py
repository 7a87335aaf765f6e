"""Each problem once, against a database."""

from __future__ import annotations

from datetime import UTC, datetime

from backstory import Command, Refused, connect
from examples.recipes.dynamic_price import Prices, ProductPriced, order
from examples.recipes.invoice_number import Invoices, issue
from examples.recipes.no_double_submission import Submission, place_order
from examples.recipes.opt_in_token import SignUp, confirm, request_sign_up
from examples.recipes.unique_username import Username, register

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)

with connect(clock=lambda: NOON) as db:

    def attempt(title: str, *commands: Command) -> None:
        print(f"\n{title}")
        for command in commands:
            try:
                commit = db.execute(command)
                print(
                    f"  #{commit.position} {command.kind.name}"
                    if commit
                    else f"  {command.kind.name}: nothing to do"
                )
            except Refused as refused:
                print(f"  {command.kind.name}: refused, {refused}")

    db.append(ProductPriced("hat", 1000), message="spring collection")

    attempt("Unique username", register(Username("ann"), "a-1", NOON), register(Username("ann"), "a-2", NOON))
    attempt("Invoice numbers", issue(Invoices(), "ann", 500), issue(Invoices(), "bob", 70))
    sign_up = SignUp("ann@example.org", "t-1")
    attempt("Opt-in token", request_sign_up(sign_up), confirm(sign_up, NOON), confirm(sign_up, NOON))
    hat = Prices(("hat",))
    attempt("Dynamic price", order(hat, {"hat": 1000}, NOON), order(hat, {"hat": 900}, NOON))
    form = Submission("f-1")
    attempt("No double submission", place_order(form, "o-1"), place_order(form, "o-1"))
    print(f"\n{db.load(Invoices()).last} invoices, numbered without gaps")
