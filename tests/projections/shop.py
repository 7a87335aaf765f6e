"""A small shop: its events, and the projections that the tests feed."""

from __future__ import annotations

from backstory import Event, Projection, Record, Tag, Tx


class OrderPlaced(Event, name="shop.placed"):
    order: Tag[str]
    cents: int


class OrderPaid(Event, name="shop.order_paid"):
    order: Tag[str]


class StockCounted(Event, name="shop.counted"):
    article: Tag[str]


class Orders(Projection):
    """Refuses what costs -1 cent: an event that cannot be applied."""

    tables = """
        CREATE TABLE orders (id TEXT PRIMARY KEY, cents BIGINT NOT NULL, status TEXT NOT NULL, at BIGINT NOT NULL);
        CREATE INDEX orders_by_status ON orders (status);
    """

    def apply(self, event: OrderPlaced | OrderPaid, tx: Tx, record: Record) -> None:
        match event:
            case OrderPlaced(order=order, cents=cents):
                if cents == -1:
                    raise ValueError("an order of -1 cent")
                tx.execute("INSERT INTO orders VALUES (?, ?, 'placed', ?)", (order, cents, record.position))
            case OrderPaid(order=order):
                tx.execute("UPDATE orders SET status = 'paid' WHERE id = ?", (order,))


class ByOrder(Orders, name="by_order", partition="order", on_error="park"):
    """The same, and keeps the events of an order back that cannot be applied."""


ALL = "SELECT id, cents, status FROM orders ORDER BY id"
