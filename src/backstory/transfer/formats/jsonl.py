"""Reading JSON Lines: Backstory's own export, or CloudEvents 1.0, told apart line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from backstory.errors import EventError, SourceError
from backstory.transfer.formats import cloudevents, own
from backstory.transfer.ids import KeyedIds
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

ONE_LINE = "JSON Lines have one object to a line; jq -c . FILE writes them so"
"""The remedy for an object over several lines."""


class _Kind(msgspec.Struct):
    """The fields that tell the kinds of lines apart."""

    specversion: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    backstory: int | msgspec.UnsetType = msgspec.UNSET


_kind = msgspec.json.Decoder(_Kind).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_jsonl(
    file: InputFile,
    *,
    key: bytes,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    progress: Progress = no_progress,
    exported: Callable[[], object] = lambda: None,
) -> Iterator[Item]:
    """The entries of a file, in its order. A JSON array of CloudEvents is read as one too.

    `key` is the store's own, from `local.import_key`; `clock` gives the time of lines that have none. A file that ends
    before the commit that its header promises was cut off: that is its last reject. `exported` is called before the
    entries of Backstory's own export, whose history another store may react to (`backstory.right`).
    """
    reader = _Reader(file.name, clock, KeyedIds("jsonl", key), exported)
    number = 0
    try:
        for number, line in _lines(file):
            item = line if isinstance(line, Rejected) else reader.item(line, number)
            if item is not None:
                yield item
            if not number % 1024:
                progress("reading", file.done(), file.total)
    except SourceError as wrong:
        yield Rejected(wrong)
        return
    progress("reading", file.done(), file.total)
    yield from reader.missing(number)


def _lines(file: InputFile) -> Iterator[tuple[int, bytes | Rejected]]:
    """Each line that is not empty, with its number; or each item of the array that the file is.

    Raises `SourceError` if the file is one object over several lines.
    """
    lines = file.lines()
    is_first = True
    for number, line in enumerate(lines, 1):
        if isinstance(line, Rejected):
            yield number, line
            continue
        text = line.strip()
        if not text:
            continue
        if is_first and text == b"{":
            why = f"this is an object over several lines, and none of it was read. {ONE_LINE}"
            raise SourceError(file.name, number, why)
        if is_first and text.startswith(b"["):
            yield from _batch(file, number, line, lines)
        else:
            yield number, text
        is_first = False


def _batch(
    file: InputFile, begin: int, first: bytes, rest: Iterator[bytes | Rejected]
) -> Iterator[tuple[int, bytes]]:
    whole = bytearray(first)
    for line in rest:
        if isinstance(line, Rejected) or len(whole) + len(line) > file.limit:
            raise file.too_large(begin, "the array of events, which is read whole,")
        whole += line
    try:
        items = _array(whole)
    except MALFORMED as wrong:
        why = rejected(file.name, begin, wrong).error.why
        raise SourceError(
            file.name, begin, f"this is not a JSON array, and none of it was read: {why}"
        ) from wrong
    offset = 0
    for item in items:
        offset = whole.index(bytes(item), offset)
        yield begin + whole.count(b"\n", 0, offset), bytes(item)
        offset += len(bytes(item))


def _truncated(line: bytes) -> ValueError:
    """The fault of a line that msgspec calls truncated, which may be half of a surrogate pair near the end."""
    try:
        json.loads(line)
    except ValueError:
        return ValueError(f"the object does not end in this line. {ONE_LINE}")
    return ValueError("JSON is malformed: invalid utf-16 surrogate pair")


class _Reader:
    """Makes an entry of each line, and remembers the promises of the header."""

    def __init__(
        self, name: str, clock: Callable[[], datetime], ids: KeyedIds, exported: Callable[[], object]
    ) -> None:
        self._exported = exported
        self._name = name
        self._ids = ids
        self._clock = clock
        self._header: own.Header | None = None
        self._position = 0

    def item(self, line: bytes, number: int) -> Item | None:
        """The entry on a line; None for a header."""
        try:
            entry = self._entry(line, number)
        except MALFORMED as wrong:
            raw = line.decode(errors="replace")
            if line.startswith(b"{") and "truncated" in str(wrong):
                wrong = _truncated(line)
            return rejected(self._name, number, wrong, raw)
        return entry

    def _entry(self, line: bytes, number: int) -> Entry | None:
        kind = _kind(line)
        if kind.backstory is not msgspec.UNSET:
            if kind.backstory > own.FORMAT:
                raise EventError(f"the file has format {kind.backstory}, known is up to {own.FORMAT}")
            self._header = own.decode_header(line)
            self._exported()
            return None
        if kind.specversion is not msgspec.UNSET:
            return Entry(cloudevents.drafted(line, self._clock()), self._name, number, raw=line)
        commit = own.decode_commit(line)
        self._position = max(self._position, commit.position)
        draft = own.drafted(commit, number, self._clock(), self._ids)
        return Entry(draft, self._name, number, commit.more, line)

    def missing(self, number: int) -> Iterator[Rejected]:
        """Note it if the file was cut off."""
        if self._header is not None and self._position < self._header.upto:
            why = f"the file ends at position {self._position}, its header promises {self._header.upto}: it was cut off"
            yield Rejected(SourceError(self._name, number, why))
