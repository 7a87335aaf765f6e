"""The history of rows: a line for each field that a commit changed, for people, as CSV, or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import to_builtins

from backstory.cli.show import table as columns
from backstory.cli.show.times import short
from backstory.cli.show.value import shown
from backstory.rows.field_changes import NO_VALUE, FieldChange, cell
from backstory.told import cut, plain

if TYPE_CHECKING:
    from backstory.cli.show.output import Output

LONGEST = 40
"""Letters of a value, and of a message, in the table on a terminal."""

TITLES = ("commit", "time", "author", "key", "change", "field", "before", "after", "message")


def write(
    out: Output, changes: Iterable[FieldChange], table: str, form: str | None, nothing: Callable[[], str]
) -> bool:
    """Write them, or the words of `nothing`; returns whether there were any."""
    found = iter(changes)
    first = next(found, None)
    every = [] if first is None else chain([first], found)
    if out.json:
        out.document("row-history", table=table, changes=[_document(change) for change in every])
    elif first is None:
        out.say(f"backstory: {plain(nothing())}")
    elif form == "csv":
        out.csv(FieldChange._fields, map(_cells, every))
    elif form == "jsonl":
        for change in every:
            out.json_line(msgspec.json.encode(_document(change)))
    else:
        out.page()
        columns.write(out, TITLES, [_line(change, LONGEST if out.terminal else None) for change in every])
    return first is not None


def _document(change: FieldChange) -> Mapping[str, Any]:
    """Its parts; without a value before, or after, where there is none."""
    return {name: value for name, value in change._asdict().items() if value is not NO_VALUE}


def _cells(change: FieldChange) -> list[str | None]:
    *about, before, after = change
    return [*(None if part is None else cell(to_builtins(part)) for part in about), cell(before), cell(after)]


def _line(change: FieldChange, most: int | None) -> list[str]:
    values = ("" if value is NO_VALUE else cut(shown(value), most) for value in (change.before, change.after))
    about = (f"#{change.position}", short(change.authored), plain(change.author))
    return [
        *about,
        plain(change.key),
        change.change,
        plain(change.field or ""),
        *values,
        cut(plain(change.message), most),
    ]
