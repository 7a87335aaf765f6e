"""What the shop does: the ORM, Core, and SQL by hand, as it came."""

from __future__ import annotations

import decimal

from sqlalchemy import delete, insert, text, update
from sqlalchemy.orm import Session

from tests.contrib.sqlalchemy.project.models import Clerk, Customer, Engineer, Order, OrderLine, Status, Tag


def sign_up(session: Session, name: str, city: str | None = None) -> Customer:
    customer = Customer(name=name, city=city, email=f"{name.lower()}@example.org", password=b"\x00secret")
    session.add(customer)
    session.commit()
    return customer


def place_order(session: Session, customer: Customer, skus: list[str], tags: list[Tag]) -> Order:
    order = Order(customer=customer, tags=tags, total=decimal.Decimal("10.10") * len(skus))
    session.add(order)
    session.flush()
    session.add_all(
        OrderLine(order_id=order.id, position=n, sku=sku, weight=0.1) for n, sku in enumerate(skus)
    )
    session.commit()
    return order


def import_customers(session: Session, names: list[str]) -> None:
    session.execute(insert(Customer), [{"name": name, "settings": {"news": True}} for name in names])
    session.commit()


def close_all(session: Session) -> None:
    session.execute(update(Order).values(status=Status.PAID))
    session.commit()


def forget_lines(session: Session) -> None:
    session.execute(delete(OrderLine).where(OrderLine.position > 0))
    session.commit()


def tidy(session: Session) -> None:
    session.execute(text("UPDATE customers SET town = 'unknown' WHERE town IS NULL"))
    session.commit()


def try_and_fail(session: Session, customer: Customer) -> None:
    """One savepoint is taken back and one is kept; then something of which nothing is kept."""
    customer.city = "kept"
    with session.begin_nested():
        customer.name = "kept, too"
    nested = session.begin_nested()
    customer.name = "never"
    session.flush()
    nested.rollback()
    session.commit()
    customer.city = "gone"
    session.flush()
    session.rollback()


def hire(session: Session) -> None:
    session.add_all([Engineer(name="Eve", language="Python"), Clerk(name="Carl", desk="3a")])
    session.commit()
