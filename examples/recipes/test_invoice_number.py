"""Invoice numbers without gaps."""

from __future__ import annotations

from backstory.testing import every_order, given
from examples.recipes.invoice_number import InvoiceIssued, Invoices, issue


def test_the_first_invoice_is_number_1() -> None:
    given().when(issue(Invoices(), "ann", 500)).then(InvoiceIssued(1, "ann", 500))


def test_the_next_one_follows_whoever_it_is_for() -> None:
    given(InvoiceIssued(1, "ann", 500)).when(issue(Invoices(), "bob", 70)).then(InvoiceIssued(2, "bob", 70))


def test_no_order_leaves_a_gap() -> None:
    for order in every_order(issue(Invoices(), name, 100) for name in ("ann", "bob", "eve")):
        assert order.states == [Invoices(last=3, count=3)]
