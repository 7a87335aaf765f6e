"""The search of the agents: a row for each order."""

from __future__ import annotations

from typing import TypeAlias

from backstory import Projection, Record, Tx
from examples.refunds.events import (
    OrderPlaced,
    ParcelShipped,
    PaymentCaptured,
    RefundCancelled,
    RefundIssued,
)

Change: TypeAlias = OrderPlaced | PaymentCaptured | ParcelShipped | RefundIssued | RefundCancelled


class OrderSearch(Projection):
    tables = """
        CREATE TABLE order_search (
            id TEXT PRIMARY KEY, account TEXT NOT NULL, status TEXT NOT NULL,
            paid_cents BIGINT NOT NULL, refunded_cents BIGINT NOT NULL, since TIMESTAMPTZ NOT NULL
        );
        CREATE INDEX order_search_by_account ON order_search (account);
    """

    def apply(self, event: Change, tx: Tx, record: Record) -> None:
        match event:
            case OrderPlaced(order=order, account=account):
                sql = "INSERT INTO order_search VALUES (?, ?, 'placed', 0, 0, ?)"
                tx.execute(sql, (order, account, record.authored))
            case PaymentCaptured(order=order, cents=cents):
                sql = "UPDATE order_search SET status = 'paid', paid_cents = paid_cents + ? WHERE id = ?"
                tx.execute(sql, (cents, order))
            case ParcelShipped(order=order):
                tx.execute("UPDATE order_search SET status = 'shipped' WHERE id = ?", (order,))
            case RefundIssued(order=order, cents=cents):
                sql = "UPDATE order_search SET refunded_cents = refunded_cents + ? WHERE id = ?"
                tx.execute(sql, (cents, order))
            case RefundCancelled(order=order, cents=cents):
                sql = "UPDATE order_search SET refunded_cents = refunded_cents - ? WHERE id = ?"
                tx.execute(sql, (cents, order))
