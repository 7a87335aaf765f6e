"""Whether the tables of a group have what its events say: made anew aside, up to the same event, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import msgspec

from backstory.projections.fold import fold
from backstory.projections.homes import Home, SharedHome
from backstory.projections.names import Own
from backstory.projections.projection import Group
from backstory.projections.views import Views
from backstory.stores.sqlite.tables import SqliteTransaction
from backstory.tables import Transaction

TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
    "duckdb": "SELECT table_name FROM duckdb_tables() WHERE schema_name = current_schema() ORDER BY 1",
}


class Checked(msgspec.Struct, frozen=True):
    """The result for one group: how far its tables were, how many rows they have, and what differs, in words."""

    name: str
    position: int
    rows: int
    problems: list[str]


def check(views: Views, group: Group) -> Checked | None:
    """Compare the tables that readers see with a fold of the log; None if there are none yet.

    Events that somebody left out, or that are kept back, are left out here too. It changes nothing, and keeps nobody
    waiting; the rows of a table are in memory meanwhile. Raises `ProjectionError` if the code at hand cannot apply an
    event.
    """
    home = views.home(group)
    with home.reading() as found:
        if found is None:
            return None
        row, seen = found
        source = views.source
        if not source.has(row.position, row.hash):
            why = f"{group.name}: the log has no commit {row.hash.hex()[:10]} at #{row.position}; rebuild it"
            return Checked(group.name, row.position, 0, [why])
        without = frozenset(each.position for each in home.catalog.held_back(seen.below, row.key))
        with _aside(home) as (made, names):
            fold(group, source.log(), source, made, row.position, without)
            pairs = [(name, _rows(seen, name), _rows(made, name)) for name in names]
    problems = [f"{group.name}: {_told(name, own, other)}" for name, own, other in pairs if own != other]
    return Checked(group.name, row.position, sum(own.total() for _, own, _ in pairs), problems)


def _rows(tx: Transaction, name: str) -> Counter[str]:
    """The rows of a table, in words, because some values cannot be counted."""
    return Counter(map(repr, tx.rows(f'SELECT * FROM "{name}"')))


def _told(name: str, seen: Counter[str], made: Counter[str]) -> str:
    more, fewer = seen - made, made - seen
    return f"table {name} has {more.total():,} rows that no event made, and lacks {fewer.total():,}"


@contextmanager
def _aside(home: Home) -> Iterator[tuple[Own, list[str]]]:
    """Empty tables of the group that nobody else sees and that are gone afterwards, and their names."""
    dialect = home.catalog.dialect
    schema = home.group.schema(dialect)
    if dialect == "sqlite":
        connection = apsw.Connection("")  # a file without a name, which SQLite deletes
        try:
            with SqliteTransaction(connection) as tx:
                tx.execute(schema)
                yield Own(tx), [name for [name] in tx.rows(TABLES[dialect]) if not name.startswith("sqlite_")]
        finally:
            connection.close()
        return
    assert isinstance(home, SharedHome)
    with home.scratch() as own:
        yield own, [name for [name] in own.rows(TABLES[dialect])]
