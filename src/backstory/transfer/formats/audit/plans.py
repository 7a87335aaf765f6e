"""The meaning of each column of a history table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from backstory.transfer.formats.audit.database import Column, TableThere

DELETIONS = frozenset({"d", "delete", "deleted", "remove", "removed", "destroy", "destroyed", "-"})
"""Operations that take a row away, as they are called in most tables."""


class Beside(msgspec.Struct, frozen=True):
    """A table beside a history table, for names and times, under an alias: its column `key` is what `by` is."""

    alias: str
    table: TableThere
    key: str
    by: str


class Listed(msgspec.Struct, frozen=True):
    """A table whose rows make a field that is a list: the values of a column, of the rows that have the same `by`."""

    field: str
    table: TableThere
    by: str
    value: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of the columns of a history table.

    `table` is the name that its rows get. `identity` tells the rows of the history apart; where it is empty, all that
    a row says does. `order` are the columns by which it is read. `author` are columns, of which the first that has a
    value counts. `fields` are columns by the names of fields, `said` those of what is kept besides. A column of a table
    beside is written `alias.column`, and a member of a JSON column `column->member`.

    Where a row of the history is about one field, `pair` are the columns with its name and its value; `data` is a
    column with fields as JSON, and `named_by` one with the name of the table, which `renamed` may give another name.
    """

    there: TableThere
    table: str
    key: tuple[str, ...]
    time: str
    author: tuple[str, ...] = ()
    message: str | None = None
    operation: str | None = None
    deletions: frozenset[str] = DELETIONS
    mark: str | None = None
    identity: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    fields: dict[str, str] = {}
    said: dict[str, str] = {}
    differs: bool = False
    beside: tuple[Beside, ...] = ()
    lists: tuple[Listed, ...] = ()
    pair: tuple[str, str] | None = None
    data: str | None = None
    named_by: str | None = None
    renamed: Mapping[str, str | None] = {}

    def named(self) -> list[str]:
        """All columns that are read, each once."""
        single = filter(None, [self.time, self.message, self.operation, self.mark, self.data, self.named_by])
        more = [*(self.pair or ()), *self.author, *self.fields.values(), *self.said.values()]
        every = [*self.key, *self.identity, *single, *more]
        return list(dict.fromkeys(every))

    def place(self, name: str) -> tuple[str, str, str]:
        """The alias of a table, empty for the history itself; its column; and the member of that, if one is meant.

        Raises `LookupError` for a column that is not there.
        """
        if name in self.there.columns:
            return "", name, ""
        column, _, member = name.partition("->")
        if column in self.there.columns:
            return "", column, member
        alias, _, column = column.partition(".")
        if any(each.alias == alias and column in each.table.columns for each in self.beside):
            return alias, column, member
        raise LookupError(f"there is no column {name!r}; it has {', '.join(self.there.columns)}")

    def column(self, name: str) -> Column:
        """A column of the history table, or of one beside it."""
        alias, column, member = self.place(name)
        if member:
            return Column(name)
        table = next((each.table for each in self.beside if each.alias == alias), self.there)
        return table.columns[column]
