"""Reading CSV: each row an event, and a commit at the row's own time.

`Columns` gives columns their meaning; all others become the data, under their own names. Without any, the
names of the process mining tools are known: concept:name, time:timestamp, case:concept:name, org:resource.

A row's id follows from its cells and from how many of the last 100,000 rows were the same. So a file that has grown,
was sorted another way or lost its head adds only new rows, and equal rows are kept apart. The id of a row without a
time, which only the order of the file has a place for, follows from the row's number instead.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from backstory.errors import EventError, SourceError
from backstory.transfer.formats.columns import KNOWN, LIST, Columns, Reading
from backstory.transfer.formats.text_lines import TextLines
from backstory.transfer.ids import KeyedIds, Repeats
from backstory.transfer.order import Row, as_it_lies, in_order
from backstory.transfer.source import (
    MALFORMED,
    Entry,
    InputFile,
    Item,
    Progress,
    Rejected,
    no_progress,
    rejected,
)
from backstory.transfer.typed import Typed, class_of, structure
from backstory.values.commit import Draft, draft, micros
from backstory.values.event_data import EventData, check_tag, check_text, encoded

WRONG: tuple[type[Exception], ...] = (*MALFORMED, csv.Error)
"""Errors that a wrong row raises."""

DELIMITERS = ",;\t|"

SEPARATOR = re.compile(r'sep=([^"\r\n])\s*')
"""The line before the header in which Excel names the delimiter."""

_encode = msgspec.json.Encoder().encode
_decode_draft = msgspec.msgpack.Decoder(tuple[int, Draft, bytes]).decode
_encode_draft = msgspec.msgpack.Encoder().encode


def read_csv(
    file: InputFile,
    columns: Columns | None = None,
    reading: Reading = Reading(),  # noqa: B008 - immutable
    *,
    key: bytes,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    progress: Progress = no_progress,
) -> Iterator[Item]:
    """The entries of a CSV file, by time; in its own order if there is no time column, or if `in_file_order` is set.

    `key` is the store's own, from `local.import_key`; `clock` gives the time of rows that have none. Raises
    `SourceError` if a column that was named is not there.
    """
    table = _Table(file, columns, reading, clock, KeyedIds("csv", key))
    rows = table.rows(progress)
    by_time = table.columns.time is not None and not reading.in_file_order
    for item in in_order(rows, progress) if by_time else as_it_lies(rows):
        if isinstance(item, Rejected):
            yield item
        else:
            line, found, raw = _decode_draft(item)
            yield Entry(found, file.name, line, raw=raw)


class _Table:
    """A CSV file whose header was read."""

    def __init__(
        self,
        file: InputFile,
        columns: Columns | None,
        reading: Reading,
        clock: Callable[[], datetime],
        ids: KeyedIds,
    ) -> None:
        csv.field_size_limit(file.limit)
        self.file = file
        self.reading = reading
        self._clock = clock
        self._ids = ids
        self._lines = TextLines(file, reading.encoding)
        self._reader, self.header = self._read_header(reading.delimiter)
        self.columns = self._checked(columns)
        self._places = self._checked_places(self.columns.places(self.header))
        self._tagged = tuple(self.columns.tagged)
        self._lists = {name for key, name in self._tagged if key.endswith(LIST)}
        self._kinds: dict[str, Typed] = {}
        self._repeats = Repeats()

    def _read_header(self, delimiter: str | None) -> tuple[Iterator[list[str]], list[str]]:
        """A reader of the rows, and the names of their columns. Raises `SourceError` if these cannot be read."""
        name, lines, encoding = self.file.name, self._lines, self.reading.encoding
        first = next(lines, "").removeprefix("\ufeff")
        if separator := SEPARATOR.fullmatch(first):
            delimiter, first = delimiter or separator[1], next(lines, "")
        if not first.strip():
            raise SourceError(name, 1, "there is no header: the first line names the columns")
        line = lines.count
        try:
            rows = csv.reader(chain([first], lines), delimiter=delimiter or delimiter_of(first), strict=True)
            header = next(rows)
            check_text("".join(header), "the header")
        except csv.Error as wrong:
            raise SourceError(name, line, f"the header cannot be read: {wrong}") from wrong
        except EventError as wrong:
            raise SourceError(name, line, f"the header {_not_in(encoding)}") from wrong
        return rows, header

    def _checked(self, columns: Columns | None) -> Columns:
        there = set(self.header)
        if len(there) < len(self.header):
            twice = next(name for name, count in Counter(self.header).items() if count > 1)
            raise SourceError(self.file.name, 1, f"two columns are named {twice!r}")
        columns = columns or Columns()
        if columns.is_plain:
            columns = msgspec.structs.replace(
                columns,
                **{
                    field: name
                    for field in ("type", "time", "author")
                    if (name := getattr(KNOWN, field)) in there
                },
                tags={key: name for key, name in KNOWN.tagged if name in there},
            )
        for name in columns.named():
            if name not in there:
                raise SourceError(
                    self.file.name, 1, f"there is no column {name!r}, only {', '.join(self.header)}"
                )
        return columns

    def _checked_places(self, places: dict[str, str]) -> dict[str, str]:
        name, count = Counter(places.values()).most_common(1)[0] if places else ("", 0)
        if count > 1:
            columns = " and ".join(column for column in places if places[column] == name)
            raise SourceError(self.file.name, 1, f"the columns {columns} would both be the field {name!r}")
        return places

    def rows(self, progress: Progress) -> Iterator[Row | Rejected]:
        """Every row, packed, with its time."""
        lines, name = self._lines, self.file.name
        number = 0
        while True:
            line = lines.count + 1
            lines.begin_row()
            try:
                cells = next(self._reader, None)
                if cells is None:
                    return
                if not cells:
                    continue
                number += 1
                made = self._draft(cells, number)
            except SourceError as wrong:
                yield Rejected(wrong)
                return
            except WRONG as wrong:
                yield rejected(name, line, wrong, lines.text().decode(errors="replace"))
            else:
                yield micros(made.time), _encode_draft((line, made, lines.text()))
            if not number % 1024:
                progress("reading", self.file.done(), self.file.total)

    def _draft(self, cells: list[str], number: int) -> Draft:
        if len(cells) != len(self.header):
            raise ValueError(f"the row has {len(cells)} cells, the header has {len(self.header)}")
        row = dict(zip(self.header, cells, strict=True))
        columns, reading = self.columns, self.reading
        type = self._text(row, columns.type) if columns.type else reading.type
        if not type.strip():
            raise _in_column(columns.type, "the row's type is empty")
        if columns.id and not row[columns.id].strip():
            raise _in_column(columns.id, "the row's id is empty")
        time = self._time(columns.time, row[columns.time]) if columns.time else None
        author = self._text(row, columns.author) if columns.author else ""
        message = self._text(row, columns.message) if columns.message else ""
        event = self._event(type, row)
        if columns.id:
            id = self._ids.named(row[columns.id], type)
        else:
            at, said = micros(time) if time else 0, (type, sorted(filter(_is_filled, row.items())))
            id = (
                self._ids.timed(at, *said, at, self._repeats.count(self._ids.digest(at, *said)))
                if time
                else self._ids.of(*said, number)
            )
        return draft(
            [event], id=id, time=time or self._clock(), author=author, message=message, reserved_id=True
        )

    def _event(self, type: str, row: Mapping[str, str]) -> EventData:
        tags = [tag for key, name in self._tagged if row[name].strip() for tag in self._tags(key, name, row)]
        events = self.reading.events
        if events is None:
            return encoded(type, _encode(self._data(row)), tuple(tags))
        kind = self._kinds.get(type)
        if kind is None:
            kind = self._kinds[type] = Typed(class_of(type, events), self._moment)
        return kind.event(self._values(row, kind), tags)

    def _text(self, row: Mapping[str, str], column: str) -> str:
        cell = row[column]
        if not cell.isascii():
            _check_decoded(cell, column, self.reading.encoding)
        return cell

    def _tags(self, key: str, column: str, row: Mapping[str, str]) -> list[str]:
        """The tag of a cell, or those of the elements of its list."""
        cell = self._text(row, column)
        key, is_list = key.removesuffix(LIST), key.endswith(LIST)
        try:
            return [_tag(f"{key}:{value}") for value in (_listed(cell) if is_list else [cell])]
        except (EventError, ValueError) as wrong:
            raise _in_column(column, str(wrong)) from wrong

    def _time(self, column: str, text: str) -> datetime | None:
        if not text.strip():
            if self.reading.in_file_order:
                return None
            raise _in_column(
                column,
                "the row's time is empty, so only the order of the file (--order file) has a place for it",
            )
        try:
            return self._moment(text)
        except ValueError as wrong:
            raise _in_column(column, str(wrong)) from wrong

    def _moment(self, text: str) -> datetime:
        form = self.reading.time_format
        try:
            time = datetime.strptime(text, form) if form else datetime.fromisoformat(text.strip())  # noqa: DTZ007
        except (ValueError, re.error) as wrong:  # re.error: of a form that names something twice
            what = f"a time of the form {form}" if form else "an ISO 8601 time"
            raise ValueError(f"{text!r} is not {what}") from wrong
        return time if time.tzinfo else time.replace(tzinfo=self.reading.zone)

    def _data(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The cells of the data, as text, as lists, or as the type that they look like."""
        reading = self.reading
        data: dict[str, Any] = {}
        for column, name in self._places.items():
            if not row[column].strip():
                if reading.keep_empty:
                    data[name] = row[column]
                continue
            cell = self._text(row, column)
            if column not in self._lists:
                data[name] = inferred(cell) if reading.infer else cell
                continue
            try:
                data[name] = structure(cell)
            except ValueError as wrong:
                raise _in_column(column, str(wrong)) from wrong
        return data

    def _values(self, row: Mapping[str, str], kind: Typed) -> dict[str, Any]:
        """The cells of the data, as the fields of a class."""
        values: dict[str, Any] = {}
        for column, name in self._places.items():
            try:
                if row[column].strip() or self.reading.keep_empty:
                    values[name] = kind.value(name, self._text(row, column))
                else:
                    values |= kind.empty(name)
            except ValueError as wrong:
                raise _in_column(column, str(wrong)) from wrong
        return values


@lru_cache(maxsize=65_536)
def _tag(tag: str) -> str:
    return check_tag(tag)


def _is_filled(item: tuple[str, str]) -> bool:
    return bool(item[1].strip())


def _listed(cell: str) -> list[Any]:
    """The elements of a list, each a text or a whole number. Raises `ValueError`."""
    found = structure(cell.strip())
    if type(found) is not list:
        raise ValueError(f"{cell!r} is not a list, as JSON or Python writes it")
    for value in found:
        if type(value) not in (str, int):
            raise ValueError(f"an element that is to be a tag is a text or a whole number, not {value!r}")
    return found


def _check_decoded(text: str, column: str, encoding: str) -> None:
    try:
        check_text(text, "a cell")
    except EventError as wrong:
        raise _in_column(column, f"the cell {_not_in(encoding)}") from wrong


def _not_in(encoding: str) -> str:
    return f"is not {encoding.removesuffix('-sig')}; name the file's own encoding, such as cp1252 or utf-16"


def _in_column(column: str | None, why: str) -> ValueError:
    return ValueError(f'column "{column}": {why}' if column else why)


def delimiter_of(header: str) -> str:
    """The delimiter that makes the most columns of the header."""
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter))))


def inferred(cell: str) -> Any:
    """A cell as the JSON number, boolean or null that it looks like. Others, such as 007, stay text."""
    try:
        value = msgspec.json.decode(cell)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {"True": True, "False": False}.get(cell, cell)
    if isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) < 2**63):
        return cell
    return value if value is None or isinstance(value, (int, float)) else cell
