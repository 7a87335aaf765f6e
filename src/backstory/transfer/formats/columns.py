"""The meaning of the columns of a table, and how its cells are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, tzinfo

import msgspec

from backstory.transfer.typed import Events

LIST = "[]"
"""The end of a tag's key in `Columns.tags` whose column has a list in each cell."""


class Columns(msgspec.Struct, frozen=True):
    """The meaning of columns, by their names in the header.

    `type`, `time`, `author` and `message` are taken out of the data; `id` names a column that tells rows apart. `tags`
    maps a tag's key to its column or columns; a key that ends in `[]` makes a tag of each element of a list. `fields`
    maps a name in the data to its column, for a column that has another name there, or would be taken out. The columns
    of `drop` are left out.
    """

    type: str | None = None
    time: str | None = None
    author: str | None = None
    message: str | None = None
    id: str | None = None
    tags: Mapping[str, str | tuple[str, ...]] = {}
    fields: Mapping[str, str] = {}
    drop: Collection[str] = ()

    @property
    def taken(self) -> list[str]:
        """The columns whose place is in the commit, not in the data."""
        return [name for name in (self.type, self.time, self.author, self.message) if name]

    @property
    def tagged(self) -> Iterator[tuple[str, str]]:
        """Each key of a tag with each of its columns."""
        for key, columns in self.tags.items():
            yield from ((key, name) for name in ((columns,) if isinstance(columns, str) else columns))

    @property
    def is_plain(self) -> bool:
        """Whether no column has a meaning of its own."""
        return not (self.taken or self.id or self.tags)

    def named(self) -> list[str]:
        """Every column that it names."""
        return [
            *self.taken,
            *([self.id] if self.id else []),
            *(name for _, name in self.tagged),
            *self.fields.values(),
            *self.drop,
        ]

    def places(self, header: Iterable[str]) -> dict[str, str]:
        """The name in the data of each column that goes there.

        A column whose place is elsewhere goes there too if it is a tag, the id, or a field.
        """
        names = {column: name for name, column in self.fields.items()}
        stays = {self.id, *(name for _, name in self.tagged), *names}
        out = {*self.drop, *(set(self.taken) - stays)}
        return {column: names.get(column, column) for column in header if column not in out}


KNOWN = Columns(
    type="concept:name",
    time="time:timestamp",
    author="org:resource",
    tags={"case": "case:concept:name", "resource": "org:resource"},
)
"""The names of the columns in pm4py and other tools of process mining."""


class Reading(msgspec.Struct, frozen=True):
    """How cells are read.

    `type` names the events of rows without a type column. `zone` is that of times that name none; `time_format` is one
    of `strptime`, None for ISO 8601. `infer` makes numbers and booleans of cells that look like them; `keep_empty`
    keeps empty cells as empty text instead of leaving them out. With `events`, each row becomes an event of the class
    of its type, its cells are read as the types of the fields, and its tags are also those of the class.
    """

    type: str = "Row"
    zone: tzinfo = UTC
    time_format: str | None = None
    infer: bool = False
    keep_empty: bool = False
    in_file_order: bool = False
    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    events: Events | None = None
