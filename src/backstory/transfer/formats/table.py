"""Reading CSV: each row an event, and a commit at the row's own time.

`Columns` gives columns their meaning; all others become the data, under their own names. Without any, the
names of the process mining tools are known: concept:name, time:timestamp, case:concept:name, org:resource.

A row's id follows from its cells and from how many of the last 100,000 rows were the same. So a file that has grown,
was sorted another way or lost its head adds only new rows, and equal rows are kept apart. If rows have no time, the id
follows from the row's number instead.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from backstory.errors import EventError, SourceError
from backstory.transfer.ids import KeyedIds
from backstory.transfer.order import Row, in_order
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
from backstory.values.commit import Draft, draft, micros
from backstory.values.event_data import check_tag, check_text, encoded

REMEMBERED = 100_000
"""Rows that are remembered to tell equal ones apart."""

WRONG: tuple[type[Exception], ...] = (*MALFORMED, csv.Error)
"""Errors that a wrong row raises."""

DELIMITERS = ",;\t|"

SEPARATOR = re.compile(r'sep=([^"\r\n])\s*')
"""The line before the header in which Excel names the delimiter."""

_encode = msgspec.json.Encoder().encode
_decode_draft = msgspec.msgpack.Decoder(tuple[int, Draft]).decode
_encode_draft = msgspec.msgpack.Encoder().encode


class Columns(msgspec.Struct, frozen=True):
    """The meaning of columns. `tags` maps a tag's key to its column; `id` names a column that tells rows apart."""

    type: str | None = None
    time: str | None = None
    author: str | None = None
    message: str | None = None
    id: str | None = None
    tags: Mapping[str, str] = {}

    def named(self) -> list[str]:
        """Every column that it names."""
        return [name for name in (self.type, self.time, self.author, self.message, self.id) if name] + list(
            self.tags.values()
        )


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
    keeps empty cells as empty text instead of leaving them out.
    """

    type: str = "Row"
    zone: tzinfo = UTC
    time_format: str | None = None
    infer: bool = False
    keep_empty: bool = False
    in_file_order: bool = False
    encoding: str = "utf-8-sig"
    delimiter: str | None = None


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
    if table.columns.time is None or reading.in_file_order:
        ordered: Iterator[bytes | Rejected] = (row if isinstance(row, Rejected) else row[1] for row in rows)
    else:
        ordered = in_order(rows, progress)
    for item in ordered:
        if isinstance(item, Rejected):
            yield item
        else:
            line, found = _decode_draft(item)
            yield Entry(found, file.name, line)


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
        self._lines = _Lines(file, reading.encoding)
        self._reader, self.header = self._read_header(reading.delimiter)
        self.columns = self._checked(columns)
        used = set(self.columns.named()) - ({self.columns.id} if self.columns.id else set())
        self._data = [index for index, name in enumerate(self.header) if name not in used]
        self._same: Counter[str] = Counter()
        self._last: deque[str] = deque()

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
            rows = csv.reader(chain([first], lines), delimiter=delimiter or _delimiter(first), strict=True)
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
        if columns is None:
            return Columns(
                **{
                    field: name
                    for field in ("type", "time", "author")
                    if (name := getattr(KNOWN, field)) in there
                },
                tags={key: name for key, name in KNOWN.tags.items() if name in there},
            )
        for name in columns.named():
            if name not in there:
                raise SourceError(
                    self.file.name, 1, f"there is no column {name!r}, only {', '.join(self.header)}"
                )
        return columns

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
                raw = "".join(lines.raw).rstrip("\r\n").encode(errors="surrogateescape")
                yield rejected(name, line, wrong, raw.decode(errors="replace"))
            else:
                yield micros(made.time), _encode_draft((line, made))
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
        tags = sorted(
            self._tag(key, name, self._text(row, name))
            for key, name in columns.tags.items()
            if row[name].strip()
        )
        author = self._text(row, columns.author) if columns.author else ""
        message = self._text(row, columns.message) if columns.message else ""
        data = _encode(self._cells(cells))
        event = encoded(type, data, tuple(tags))
        if columns.id:
            id = self._ids.named(row[columns.id], type)
        else:
            at, said = micros(time) if time else 0, (type, tags, author, message, data.decode())
            id = (
                self._ids.timed(at, *said, at, self._count(at, *said))
                if time
                else self._ids.of(*said, number)
            )
        return draft(
            [event], id=id, time=time or self._clock(), author=author, message=message, reserved_id=True
        )

    def _text(self, row: dict[str, str], column: str) -> str:
        cell = row[column]
        if not cell.isascii():
            _check_decoded(cell, column, self.reading.encoding)
        return cell

    def _tag(self, key: str, column: str, cell: str) -> str:
        try:
            return _tag(f"{key}:{cell}")
        except EventError as wrong:
            raise _in_column(column, str(wrong)) from wrong

    def _time(self, column: str, text: str) -> datetime:
        if not text.strip():
            raise _in_column(column, "the row's time is empty")
        form = self.reading.time_format
        try:
            time = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
        except (ValueError, re.error) as wrong:  # re.error: of a form that names something twice
            what = f"a time of the form {form}" if form else "an ISO 8601 time"
            raise _in_column(column, f"{text!r} is not {what}") from wrong
        return time if time.tzinfo else time.replace(tzinfo=self.reading.zone)

    def _cells(self, cells: list[str]) -> dict[str, Any]:
        reading = self.reading
        data: dict[str, Any] = {}
        for index in self._data:
            cell = cells[index]
            if cell.strip() or reading.keep_empty:
                if not cell.isascii():
                    _check_decoded(cell, self.header[index], reading.encoding)
                data[self.header[index]] = inferred(cell) if reading.infer else cell
        return data

    def _count(self, *said: object) -> int:
        """How many of the last rows said the same, this one included."""
        id = self._ids.digest(*said)
        same, last = self._same, self._last
        same[id] += 1
        last.append(id)
        if len(last) > REMEMBERED:
            oldest = last.popleft()
            same[oldest] -= 1
            if not same[oldest]:
                del same[oldest]
        return same[id]


class _Lines(Iterator[str]):
    """A file's lines as text, counted; those of a row are in `raw`. Bytes that are no text become surrogates.

    A line ends with LF, CR or both.
    """

    def __init__(self, file: InputFile, encoding: str) -> None:
        self.count = 0
        self.raw: list[str] = []
        self._size = 0
        self._file = file
        self._encoding = encoding
        try:
            self._text = io.TextIOWrapper(file.stream, encoding, errors="surrogateescape", newline="")
        except (LookupError, ValueError) as wrong:
            raise SourceError(file.name, 0, f"no encoding is known by the name {encoding}") from wrong
        self._lines = self._read()

    def begin_row(self) -> None:
        """Forget the lines of the row before."""
        self.raw.clear()
        self._size = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        self.raw.append(line)
        self._size += len(line)
        if self._size > self._file.limit:
            first = self.count - len(self.raw) + 1
            raise self._file.too_large(first, "the row", "; is a quote missing? The rest was not read")
        return line

    def _read(self) -> Iterator[str]:
        with self._file.readable():
            try:
                while line := self._text.readline(self._file.limit + 1):
                    yield line
            except UnicodeError as wrong:
                why = f"the file is not {self._encoding}: {wrong}"
                raise SourceError(self._file.name, 0, why) from wrong
            finally:  # the bytes are not this object's to close, and may be closed already
                with suppress(ValueError):
                    self._text.detach()


@lru_cache(maxsize=65_536)
def _tag(tag: str) -> str:
    return check_tag(tag)


def _check_decoded(text: str, column: str, encoding: str) -> None:
    try:
        check_text(text, "a cell")
    except EventError as wrong:
        raise _in_column(column, f"the cell {_not_in(encoding)}") from wrong


def _not_in(encoding: str) -> str:
    return f"is not {encoding.removesuffix('-sig')}; name the file's own encoding, such as cp1252 or utf-16"


def _in_column(column: str | None, why: str) -> ValueError:
    return ValueError(f'column "{column}": {why}' if column else why)


def _delimiter(header: str) -> str:
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
