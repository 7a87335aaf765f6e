"""The description of a captured table: its columns, the key of its rows, and the name of its history."""

from __future__ import annotations

from typing import get_args

import msgspec

from backstory.errors import DefinitionError
from backstory.rows.forms import Kind
from backstory.rows.kinds import NAME


class Column(msgspec.Struct, frozen=True):
    """A column, the field of the history that has its values, and their meaning.

    `scale` is the number of digits after the point of a `decimal`, where SQLite keeps it as a float.
    """

    name: str
    field: str = ""
    kind: Kind = ""
    scale: int | None = None

    def __post_init__(self) -> None:
        if not self.field:
            msgspec.structs.force_setattr(self, "field", self.name)
        if self.kind not in get_args(Kind):
            raise DefinitionError(
                f"{self.name}: {self.kind!r} is no kind of a column: {', '.join(get_args(Kind))}"
            )


class Captured(msgspec.Struct, frozen=True):
    """A table of an application's database, whose rows get a history.

    `key` names the columns that tell rows apart; `history` is the name of the `db.table` that shows the rows (else the
    table's own). All columns of the table are taken but those that are `left_out`, whose values are never in the
    outbox; `columns` says fields and kinds where the database alone does not. `part` is for a table that has more
    fields of the rows of another one, with the same key, as joined-table inheritance has: its rows are inserted after
    those of the other table and deleted before them, and give and take only fields.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    history: str = ""
    schema: str = ""
    part: bool = False
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.history:
            msgspec.structs.force_setattr(self, "history", self.table)
        if not NAME.fullmatch(self.history):
            raise DefinitionError(
                f"{self.table}: the history of a table has a name of at most 40 letters, digits and _, and"
                f" {self.history!r} cannot be one: give it another, with history= of Captured, names= of"
                " SQLAlchemy's record, or name= of Django's recorded"
            )
        if not self.key or set(self.key) & set(self.left_out):
            raise DefinitionError(
                f"{self.table}: which columns tell its rows apart? They cannot be left out: {self.key!r}"
            )
        fields = [column.field for column in self.columns]
        twice = {field for field in fields if fields.count(field) > 1}
        if twice:
            raise DefinitionError(
                f"{self.table}: two columns cannot be one field: {', '.join(sorted(twice))}"
            )

    @property
    def is_keyed_by_one(self) -> bool:
        """Whether one column is the key; then the fields of a row do not repeat it."""
        return len(self.key) == 1

    @property
    def name(self) -> str:
        """Its name in the database, with its schema."""
        return f"{self.schema}.{self.table}" if self.schema else self.table


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL. It has no NUL, which no name has."""
    return "'" + text.replace("'", "''") + "'"
