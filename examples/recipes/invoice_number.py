"""Invoices are numbered from 1, without gaps, whoever issues them."""

from __future__ import annotations

from backstory import Event, State, Tag, command, invariant


class InvoiceIssued(Event, name="recipes.invoice_issued"):
    invoice: Tag[int]
    customer: Tag[str]
    cents: int


class Invoices(State):
    """No identity: there is one sequence. The remembered state makes the next number cheap."""

    last: int = 0
    count: int = 0

    def apply(self, event: InvoiceIssued) -> None:
        self.last = event.invoice
        self.count += 1

    @invariant
    def without_gaps(self) -> bool:
        return self.last == self.count


@command
def issue(invoices: Invoices, customer: str, cents: int) -> InvoiceIssued:
    return InvoiceIssued(invoices.last + 1, customer, cents)
