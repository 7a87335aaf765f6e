"""Which database a history is a record of: of one alone, and of no copy of it.

A capture has a random id, and remembers where its database lies: for a file its path and its inode. A copy has the
same id and lies somewhere else, so it is refused until somebody says that it is a database of its own, or the one that
goes on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from backstory.errors import StoreRefused
from backstory.refs import CAPTURED, MAIN
from backstory.rows.kinds import types_of
from backstory.store import set_ref
from backstory.stores.recorded import Recorded, forget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backstory.database import Database
    from backstory.tables import Transaction

SEAT = """
SELECT (SELECT system_identifier FROM pg_control_system())::text,
    (SELECT oid FROM pg_database WHERE datname = current_database())::bigint, to_regclass(?)::oid::bigint
"""


def seat(tx: Transaction, table: str) -> str:
    """The place where a database lies, as a text that no copy of it has; empty for one in memory."""
    if tx.dialect == "sqlite":
        path = os.path.realpath(found) if (found := _file(tx)) else ""
        return f"file {path} {os.stat(path).st_ino}" if path else ""  # noqa: PTH116 - as a store does it
    [(cluster, database, oid)] = tx.rows(SEAT, (table,))
    return f"postgresql {cluster} {database} {oid}"


def not_made(tx: Transaction, table: str) -> str:
    """The fault of a database in which the capture was never installed, in words; empty if its table is there."""
    is_there = (
        "count(*) FROM sqlite_master WHERE name = ?"
        if tx.dialect == "sqlite"
        else "to_regclass(?)::oid::bigint"
    )
    if tx.rows(f"SELECT {is_there}", (table,))[0][0]:
        return ""
    return (
        "nothing is recorded here: this database has no outbox and no triggers. `begin()` makes them, or"
        " `install(connection)` after its migrations"
    )


def need_made(tx: Transaction, table: str) -> None:
    """Raise `StoreRefused` for a database in which the capture was never installed."""
    if fault := not_made(tx, table):
        raise StoreRefused(fault)


def _file(tx: Transaction) -> str:
    found = tx.rows("SELECT file FROM pragma_database_list WHERE name = 'main'")
    return str(found[0][0] or "")


def check_apart(tx: Transaction, db: Database) -> None:
    """Refuse the log's own file as an application's database: two copies of SQLite in one process must not share it."""
    where = db.store.seat
    file = _file(tx) if tx.dialect == "sqlite" and where is not None else ""
    if file and where is not None and where.startswith(f"file {os.path.realpath(file)} "):
        raise StoreRefused(f"{file} is the store of the history: keep that in a file of its own")


def claim(db: Database, capture: str, histories: Iterable[str]) -> None:
    """Note that these tables of main are written by this capture alone. Raises `StoreRefused`."""
    if db.name != MAIN:
        return
    refs, noted = db.store.refs, False
    for history in histories:
        name, value = CAPTURED + history, _value(capture, history)
        while (there := refs.get(name)) != value:
            if there is not None:
                raise StoreRefused(
                    f"{history} is the history of the table of another database, or of this one before it was adopted:"
                    " name another history, or adopt the database where it goes on from that one"
                )
            noted = set_ref(db.store, name, value, old=None)
    if noted:
        forget(db.store)


def adopt(db: Database, capture: str, histories: Iterable[str]) -> None:
    """Note the same, whatever was noted before."""
    if db.name != MAIN:
        return
    for history in histories:
        name, value = CAPTURED + history, _value(capture, history)
        while (there := db.store.refs.get(name)) != value:
            set_ref(db.store, name, value, old=there)
    forget(db.store)


def _value(capture: str, history: str) -> str:
    return msgspec.json.encode(Recorded(capture, tuple(types_of(history)))).decode()
