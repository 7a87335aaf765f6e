"""Names of tables: SQL names a projection's own tables, and several generations of them may be in one database.

In SQLite, each table of a generation has a name of its own, `orders$sales_v1_2` for the table `orders` of the group
`sales`, and SQL is rewritten: an identifier that is one of the projection's tables or indexes. So two groups may have a
table of one name, and no column may have the name of a table. PostgreSQL needs no rewriting: a schema for each
generation of each group is set as the search path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import apsw

from backstory.errors import DefinitionError
from backstory.projections.values import adapter, loaded
from backstory.tables import Row, Transaction

TOKENS = re.compile(
    r"""'(?:[^']|'')*' | --[^\n]* | /\*.*?\*/ | "(?:[^"]|"")*" | \[[^\]]*\] | `[^`]*` | [^\W\d]\w*""",
    re.DOTALL | re.VERBOSE,
)
KINDS = {"table", "view", "index"}
BETWEEN = {"unique", "temp", "temporary", "unlogged", "virtual", "materialized", "or", "replace", "recursive"}
"""Words of SQL between `CREATE` and the kind of a thing that is made."""
LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL."""

Described: TypeAlias = Callable[[str, Sequence[Any]], tuple[list[Row], Sequence[str | None]]]
OBJECTS = "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"


@lru_cache(maxsize=100)
def declared(schema: str) -> frozenset[str]:
    """The names that the SQL of a schema makes, in lower case. Raises `DefinitionError` where they cannot be told."""
    scratch = apsw.Connection(":memory:")
    try:
        scratch.execute(schema)
        found = [(kind, name) for kind, name in scratch.execute(OBJECTS)]
        names = frozenset(name.lower() for _, name in found)
        for kind, name in found:
            columns = (
                scratch.execute("SELECT name FROM pragma_table_xinfo(?)", (name,)) if kind == "table" else ()
            )
            for [column] in columns:
                if column.lower() in names:
                    raise DefinitionError(
                        f"the column {column!r} of {name!r} has the name of a table or an index"
                    )
    except apsw.SQLError as wrong:
        raise DefinitionError(f"the tables cannot be made: {wrong}") from wrong
    finally:
        scratch.close()
    return names


def suffix_of(group: str, version: str, generation: int) -> str:
    """The end of each name of a generation in SQLite. No name of a group has a `$`, so no two generations share one."""
    return f"${group}_v{version}_{generation}"


@lru_cache(maxsize=500)
def created(schema: str) -> frozenset[str]:
    """The names of tables, views and indexes that SQL makes, in lower case; without those `IF NOT EXISTS`."""
    words = [token.strip('"[]`').lower() for token in TOKENS.findall(schema) if token[0] not in "'-/"]
    found = set()
    for at, word in enumerate(words):
        if word == "create":
            kind, name, *_ = [*(each for each in words[at + 1 : at + 6] if each not in BETWEEN), "", ""]
            if kind in KINDS and name not in ("", "if", "on"):
                found.add(name)
    return frozenset(found)


def need_apart(group: str, schemas: Mapping[str, str]) -> None:
    """Raise `DefinitionError` if two members of a group, which share all names, both make a table of one name."""
    maker: dict[str, str] = {}
    for member, schema in schemas.items():
        for name in sorted(created(schema)):
            if maker.setdefault(name, member) != member:
                raise DefinitionError(
                    f"{maker[name]} and {member} both make {name!r}, and share their tables because both are of the"
                    f" group {group!r}; give one of the two another name, or leave group= out: then each projection has"
                    " tables of its own"
                )


@lru_cache(maxsize=2_000)
def renamed(sql: str, names: frozenset[str], suffix: str) -> str:
    """SQL in which each of these names has the suffix."""

    def own(found: re.Match[str]) -> str:
        token = found[0]
        bare = token[1:-1] if token[0] in '"[`' else token
        return f'"{bare.lower()}{suffix}"' if token[0] not in "'-/" and bare.lower() in names else token

    return TOKENS.sub(own, sql)


class Own:
    """A transaction in which SQL names a projection's own tables, and takes values of Python; see `Transaction`.

    `below` takes neither.
    """

    __slots__ = ("_adapt", "_described", "_names", "_run", "_suffix", "below", "dialect")

    def __init__(self, tx: Transaction, names: frozenset[str] = frozenset(), suffix: str = "") -> None:
        self.dialect = tx.dialect
        self.below = tx
        self._run = tx.execute
        self._adapt = adapter(tx.dialect)
        self._described: Described | None = getattr(tx, "described", None)
        self._names, self._suffix = names, suffix

    def _sql(self, sql: str) -> str:
        return renamed(sql, self._names, self._suffix) if self._names else sql

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._run(self._sql(sql) if self._names else sql, self._adapt(arguments))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        self.below.executemany(self._sql(sql), map(self._adapt, rows))

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query, with values of Python by the types of their columns."""
        sql, arguments = self._sql(sql), self._adapt(arguments)
        if self._described is None:
            return self.below.rows(sql, arguments)
        return loaded(*self._described(sql, arguments))
