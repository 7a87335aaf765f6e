"""Customers, whose city changes, in each way in which an application can keep them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import apsw

from backstory import Event, State, Tag, command, connect

Rows = dict[str, dict[str, str]]
Change = Callable[[str, str], None]

TABLE = """
CREATE TABLE customers (
    id TEXT PRIMARY KEY, name TEXT, city TEXT, email TEXT, changed_by TEXT, changed_at REAL
) WITHOUT ROWID;
"""
AUDIT = """
CREATE TABLE audit (id TEXT NOT NULL, at REAL NOT NULL, by TEXT, was TEXT NOT NULL, became TEXT NOT NULL);
CREATE INDEX audit_of ON audit (id, at);
CREATE TRIGGER customers_changed AFTER UPDATE ON customers BEGIN
    INSERT INTO audit VALUES (
        old.id, new.changed_at, new.changed_by,
        json_object('name', old.name, 'city', old.city, 'email', old.email),
        json_object('name', new.name, 'city', new.city, 'email', new.email));
END;
"""
UPDATE = "UPDATE customers SET city = ?, changed_by = 'ann', changed_at = ? WHERE id = ?"


class CustomerMoved(Event, name="choices.moved"):
    """A customer lives elsewhere."""

    customer: Tag[str]
    city: str


class Customer(State):
    """Where a customer lives."""

    customer: Tag[str]
    city: str = ""

    def apply(self, event: CustomerMoved) -> None:
        """Live there."""
        self.city = event.city


@command(name="choices.move")
def move(customer: Customer, city: str) -> Iterator[CustomerMoved]:
    """Move, unless nothing changes."""
    if customer.city != city:
        yield CustomerMoved(customer.customer, city)


def rows(count: int) -> Rows:
    """Rows of four fields, with their keys."""
    return {
        f"c-{number:05}": {"name": f"Customer {number}", "city": "Basel", "email": f"c{number}@example.org"}
        for number in range(count)
    }


def opened(path: Path, schema: str) -> apsw.Connection:
    """A file of SQLite, as durable as a store."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode = WAL").fetchall()
    db.execute("PRAGMA synchronous = FULL").fetchall()
    db.execute(schema).fetchall()
    return db


def sql(path: Path, rows: Rows, schema: str) -> Change:
    """An UPDATE."""
    db = opened(path, schema)
    given = [(key, row["name"], row["city"], row["email"]) for key, row in rows.items()]
    with db:
        db.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, 'ann', 0)", given)

    def change(key: str, city: str) -> None:
        db.execute("SELECT name, city, email FROM customers WHERE id = ?", (key,)).fetchall()
        db.execute(UPDATE, (city, time.time(), key)).fetchall()

    return change


plain = partial(sql, schema=TABLE)
audited = partial(sql, schema=TABLE + AUDIT)


def table_mode(path: Path, rows: Rows) -> Change:
    """A table of Backstory."""
    table = connect(str(path)).table("customers")
    table.upsert_many(rows.items())
    return lambda key, city: void(table.patch(key, {"city": city}, author="ann"))


def commanded(path: Path, rows: Rows) -> Change:
    """A command, a state, an event."""
    db = connect(str(path))
    db.append(*(CustomerMoved(key, row["city"]) for key, row in rows.items()))
    return lambda key, city: void(db.execute(move(Customer(key), city=city), author="ann"))


def void(_: object) -> None:
    """Nothing."""


OPTIONS: dict[str, Callable[[Path, Rows], Change]] = {
    "plain UPDATE": plain,
    "audit trigger": audited,
    "table mode": table_mode,
    "command and state": commanded,
}
