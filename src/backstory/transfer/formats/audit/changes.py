"""A change of a row, as a source of any kind tells it, and the place in the source that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from backstory.errors import SourceError
from backstory.rows.events import Fields
from backstory.rows.keys import key_of
from backstory.transfer.source import Rejected, rejected

LONGEST = 10_000
"""Characters of a rejected record that its reject shows."""


class Place(msgspec.Struct, frozen=True):
    """A record of a source: the table or the file, the line if it has lines, and what tells it apart there."""

    source: str
    line: int = 0
    named: tuple[tuple[str, Any], ...] = ()
    raw: bytes = b""

    def __str__(self) -> str:
        named = ", ".join([self.source, *(f"{name} {_short(value)}" for name, value in self.named)])
        return named.encode(errors="replace").decode()

    def refused(self, wrong: Exception) -> Rejected:
        """The reject of this record."""
        return rejected(str(self), self.line, wrong, self.raw.decode(errors="replace")[:LONGEST])

    def error(self, why: str) -> SourceError:
        """The error about this record."""
        return SourceError(str(self), self.line, why)


class Change(msgspec.Struct, frozen=True):
    """A change of one row of one table, with its author and its time.

    `fields` are all fields of the row after it, or with `differs` those that have another value. They are those before
    it where the row is `deleted`, if the source has them. `identity` tells changes of a table apart, and `said` is what
    else the source knows of it.
    """

    place: Place
    table: str
    key: str
    time: datetime
    identity: tuple[Any, ...]
    fields: Fields
    deleted: bool = False
    differs: bool = False
    author: str = ""
    message: str = ""
    said: dict[str, Any] = {}


Found: TypeAlias = Change | Rejected


def renamed(found: Iterable[Found], names: Mapping[str, str]) -> Iterator[Found]:
    """The changes with fields of other names, by those of the columns. Two fields of one name are a reject."""
    for change in found:
        if not names or isinstance(change, Rejected):
            yield change
            continue
        fields = {names.get(name, name): value for name, value in change.fields.items()}
        if len(fields) == len(change.fields):
            yield msgspec.structs.replace(change, fields=fields)
        else:
            yield change.place.refused(
                ValueError("two columns would be the same field: name another with --field")
            )


def whole_key(parts: list[Any]) -> str:
    """The key of a row, as a captured row has it. Raises `ValueError` if a column of it is empty."""
    if any(part is None or part == "" for part in parts):
        raise ValueError("the row has no key: a column of it is empty")
    return key_of(*parts)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
