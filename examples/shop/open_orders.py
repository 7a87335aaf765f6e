"""The list page: orders that are neither paid nor cancelled, the oldest first."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypeAlias

from backstory import Database, Projection, Record, Tx
from backstory.values.commit import Commit
from examples.shop.events import Cancelled, Paid, PaymentAsked, PaymentRefused, Placed, Reminded

Change: TypeAlias = Placed | PaymentAsked | Paid | PaymentRefused | Reminded | Cancelled


class OpenOrders(Projection):
    tables = """
        CREATE TABLE open_orders (
            id TEXT PRIMARY KEY, email TEXT, cents BIGINT, status TEXT NOT NULL, since TIMESTAMPTZ NOT NULL
        );
        CREATE INDEX open_orders_by_age ON open_orders (since);
    """

    def apply(self, event: Change, tx: Tx, record: Record) -> None:
        change = "UPDATE open_orders SET status = ? WHERE id = ?"
        match event:
            case Placed(order=order, email=email, cents=cents):
                sql = "INSERT INTO open_orders VALUES (?, ?, ?, 'new', ?)"
                tx.execute(sql, (order, email, cents, record.authored))
            case PaymentAsked(order=order):
                tx.execute(change, ("being paid", order))
            case PaymentRefused(order=order, reason=reason):
                tx.execute(change, (f"refused: {reason}", order))
            case Reminded(order=order):
                tx.execute(change, ("reminded", order))
            case Paid(order=order) | Cancelled(order=order):
                tx.execute("DELETE FROM open_orders WHERE id = ?", (order,))


class Line(NamedTuple):
    order: str
    email: str
    cents: int
    status: str
    since: datetime


def page(db: Database, after: Commit | None = None, limit: int = 20) -> list[Line]:
    """The lines of the page, with all that happened up to a commit: that of the visitor's last change."""
    sql = "SELECT id, email, cents, status, since FROM open_orders ORDER BY since, id LIMIT ?"
    return db.rows(OpenOrders, sql, (limit,), after=after, into=Line)
