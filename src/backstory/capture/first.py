"""The first copy: the rows that a table had before its triggers, brought into the outbox a page at a time.

A page is read and written in one transaction, which holds its rows, so a change of a row comes before its copy or after
it. A copied row says how the row is; the drainer makes an event of what the log does not know of it, so a row that was
written meanwhile is not there twice. The place of the next page is kept with the page: a copy that was killed goes on
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from backstory.capture import postgres, sqlite
from backstory.capture.described import Captured, quoted
from backstory.tables import Row, Transaction

DONE = "done"
"""The place of a copy that is over. Before that it is SQL for the key of the last row that was copied."""


class Pages(Protocol):
    """The SQL by which a dialect goes through a table in the order of a key."""

    source: str
    key: str
    order: list[str]
    ends: str
    insert: str
    held: str
    rest: str

    def place(self, ends: Row) -> str:
        """SQL for a key, of what `ends` selected."""
        ...


class Copying:
    """The copy of one table, whose newest layout has this number."""

    def __init__(self, table: Captured, layout: int, layouts: str, outbox: str) -> None:
        self._table = table
        self._layout = layout
        self._layouts = layouts
        self._outbox = outbox

    def _set(self, tx: Transaction, values: str, arguments: Sequence[Any] = ()) -> None:
        tx.execute(f"UPDATE {self._layouts} SET {values} WHERE id = {self._layout}", arguments)

    def _place(self, tx: Transaction) -> str | None:
        found: str | None = tx.rows(f"SELECT copied FROM {self._layouts} WHERE id = {self._layout}")[0][0]
        return found

    def begin(self, tx: Transaction, *, again: bool) -> bool:
        """Note that rows are copied from now on. Returns whether there is anything to do."""
        place = self._place(tx)
        if place is None or (place == DONE and again):
            self._set(tx, "copied = '', upto = NULL")
            return True
        return place != DONE

    def page(self, tx: Transaction, rows: int, say: Callable[[], None]) -> int | None:
        """Copy a page, and return its number of rows; None if there is no more."""
        self._set(tx, "copied = copied")  # so that two copies go one after the other
        place = self._place(tx)
        if place == DONE:
            return None
        pages = self._pages(tx)
        beyond = f"WHERE {pages.key} > {place}" if place else ""
        found = self._end(tx, pages, beyond, rows)
        if found is None:
            number = self._copy_rest(tx, pages, say)
            self._set(tx, f"copied = '{DONE}', upto = (SELECT coalesce(max(id), 0) FROM {self._outbox})")
            return number or None
        end, number = found
        say()
        within = f"{beyond} AND" if beyond else "WHERE"
        tx.execute(f"{pages.insert} {pages.source} {within} {pages.key} <= {end} {pages.held}")
        self._set(tx, "copied = ?", (end,))
        return number

    def row(self, tx: Transaction, key: Sequence[Any], say: Callable[[], None]) -> None:
        """Copy one row again, if it is there, by the values of its key's columns."""
        pages = self._pages(tx)
        tests = ("IS NULL" if part is None else "= ?" for part in key)
        where = " AND ".join(
            f"{quoted(name)} {test}" for name, test in zip(self._table.key, tests, strict=True)
        )
        say()
        given = [part for part in key if part is not None]
        tx.execute(f"{pages.insert} {pages.source} WHERE {where} {pages.held}", given)

    def _copy_rest(self, tx: Transaction, pages: Pages, say: Callable[[], None]) -> int:
        """Copy the rows that have no place in the order: a part of their key is null."""
        if not pages.rest or not (
            number := tx.rows(f"SELECT count(*) {pages.source} WHERE {pages.rest}")[0][0]
        ):
            return 0
        say()
        tx.execute(f"{pages.insert} {pages.source} WHERE {pages.rest} {pages.held}")
        return int(number)

    def _end(self, tx: Transaction, pages: Pages, beyond: str, rows: int) -> tuple[str, int] | None:
        """The key of the last row of the next page, and the number of its rows."""
        order = ", ".join(pages.order)
        there = f"{'AND' if beyond else 'WHERE'} NOT ({pages.rest})" if pages.rest else ""
        found = tx.rows(f"SELECT {pages.ends} {pages.source} {beyond} {there} ORDER BY {order} LIMIT {rows}")
        return (pages.place(found[-1]), len(found)) if found else None

    def _pages(self, tx: Transaction) -> Pages:
        if tx.dialect == "sqlite":
            return SqlitePages(tx, self._table, self._layout)
        return PostgresPages(tx, self._table, self._layout, self._outbox)


class SqlitePages:
    """Pages by the number of a row, or by the key where rows have none."""

    held = rest = ""

    def __init__(self, tx: Transaction, table: Captured, layout: int) -> None:
        names = {column.name.lower() for column in sqlite.columns(tx, table)}
        [(without,)] = tx.rows(
            "SELECT wr FROM pragma_table_list WHERE name = ? AND schema = 'main'", (table.table,)
        )
        number = next(name for name in ("_rowid_", "rowid", "oid") if name not in names)
        self.order = [quoted(name) for name in table.key] if without else [number]
        self.key = f"({', '.join(self.order)})"
        self.ends = ", ".join(f"quote({each})" for each in self.order)
        self.source = f"FROM {quoted(table.table)}"
        row = sqlite.row_of(quoted(table.table), table.columns)
        self.insert = sqlite.COPY.format(layout=layout, row=row)

    def place(self, ends: Row) -> str:
        """See `Pages`."""
        return f"({', '.join(ends)})"


class PostgresPages:
    """Pages by the key. The rows of a page cannot be changed until its transaction ends."""

    held = "FOR SHARE"

    def __init__(self, tx: Transaction, table: Captured, layout: int, outbox: str) -> None:
        self._types = postgres.types(tx, table)
        self._names = table.key
        self.order = [quoted(name) for name in table.key]
        self.key = f"({', '.join(self.order)})"
        self.ends = ", ".join(f"quote_literal({each}::text)" for each in self.order)
        self.source = f"FROM {postgres.place(table)} backstory_row"
        self.rest = " OR ".join(f"{each} IS NULL" for each in self.order)
        left_out = postgres.left_out(table)
        row = f"{outbox.rpartition('.')[0]}.taken(row_to_json(backstory_row.*), {left_out})"
        self.insert = f"INSERT INTO {outbox} (layout, op, new) SELECT {layout}, 'C', {row}"
        for name, value in postgres.SETTINGS.items():
            tx.rows("SELECT set_config(?, ?, true)", (name, value))

    def place(self, ends: Row) -> str:
        """See `Pages`."""
        typed = [f"{end}::{self._types[name]}" for name, end in zip(self._names, ends, strict=True)]
        return f"({', '.join(typed)})"
