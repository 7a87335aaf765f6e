"""The new rule, as it is tried out on the branch `refund-cap`: whatever pays back looks at the order."""

from __future__ import annotations

from backstory import Refused, command
from examples.refunds.account import Account
from examples.refunds.events import Cents, CreditGranted, RefundIssued, RefundRefused
from examples.refunds.order import Order, refund
from examples.refunds.refund_request import RefundRequest


@command
def pay_back_or_credit(order: Order, account: Account, cents: Cents) -> list[RefundIssued | CreditGranted]:
    """Pay back at most what was paid, and give the rest as credit."""
    back = min(cents, order.left_cents)
    issued: list[RefundIssued | CreditGranted] = [refund(order, back)] if back else []
    return [*issued, CreditGranted(account.account, cents - back)] if cents > back else issued


@command
def retry_refund_capped(request: RefundRequest, order: Order) -> RefundIssued | RefundRefused:
    if request.status != "failed":
        raise Refused("nothing is to be tried again", status=request.status)
    if order.left_cents < request.cents:
        return RefundRefused(request.request, order.order, "all that was paid is paid back")
    return RefundIssued(order.order, order.payment, request.cents, request.iban, request.request)
