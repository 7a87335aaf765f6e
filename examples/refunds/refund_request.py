"""Refunds that the bank is asked for, and those that it did not answer."""

from __future__ import annotations

from backstory import Personal, Refused, State, Tag, command, reverts
from examples.refunds.events import (
    PaymentCaptured,
    RefundCancelled,
    RefundFailed,
    RefundIssued,
    RefundRefused,
    RefundRequested,
)


class RefundRequest(State):
    request: Tag[str]
    order: str = ""
    cents: int = 0
    iban: Personal[str] = ""
    status: str = "none"

    def apply(
        self, event: RefundRequested | RefundFailed | RefundIssued | RefundCancelled | RefundRefused
    ) -> None:
        match event:
            case RefundRequested():
                self.order, self.cents, self.iban, self.status = event.order, event.cents, event.iban, "asked"
            case RefundFailed() | RefundCancelled():
                self.status = "failed"
            case RefundIssued():
                self.status = "done"
            case RefundRefused():
                self.status = "refused"


class Payment(State):
    payment: Tag[str]
    captured_cents: int = 0

    def apply(self, event: PaymentCaptured) -> None:
        self.captured_cents += event.cents


@command
def note_failed(request: RefundRequest, reason: str) -> RefundFailed:
    return RefundFailed(request.request, request.order, reason)


@command
def retry_refund(request: RefundRequest, payment: Payment) -> RefundIssued:
    """Try a refund again that the bank had not answered. This is the mistake: it looks at the payment, and not at the
    order, to which somebody may have paid everything back by hand."""
    if request.status != "failed":
        raise Refused("nothing is to be tried again", status=request.status)
    if payment.captured_cents < request.cents:
        raise Refused("that is more than was paid", captured_cents=payment.captured_cents)
    return RefundIssued(request.order, payment.payment, request.cents, request.iban, request.request)


@reverts(RefundIssued)
def cancel_refund(event: RefundIssued) -> RefundCancelled:
    return RefundCancelled(event.order, event.payment, event.cents, event.request)
