"""Values from rows of an SQL store: heads, commits, tags, and an order in which no position comes twice.

A row may be damaged, or written by somebody else. Reading always ends, and raises `StoreCorrupt` for values that no
writer of ours ever wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain, pairwise
from operator import itemgetter
from typing import Annotated, Any

import msgspec

from backstory.errors import InvalidEvent, StoreCorrupt
from backstory.values.commit import DATA, Commit, Head, from_micros, kept_back
from backstory.values.event_data import NAME, EventCount, EventData, RecordedEvent, command_name
from backstory.values.query import Condition, from_json
from backstory.values.salts import SIZE, openings

LOG_BITS = 40
"""A row's key is its log's number times 2^40, plus its position."""

POSITION = (1 << LOG_BITS) - 1

Row = tuple[Any, ...]

Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Position = Annotated[int, msgspec.Meta(ge=0)]


class HeadRow(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The columns of a head."""

    position: Position
    hash: Hash
    time: int
    withheld: str | None = None


class CommitRow(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The columns of a commit."""

    position: Count
    size: Count
    id: str
    time: int
    authored: int
    author: str
    message: str
    command: bytes
    metadata: bytes
    query: str | None
    after: Position | None
    secret: Annotated[bytes, msgspec.Meta(min_length=SIZE)]
    content: Hash
    hash: Hash
    signature: bytes


class EventCountRow(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The columns of a count: the beginning of the command, up to the end of its name."""

    command: bytes
    type: str
    version: Count
    events: Count
    first: Count
    last: Count
    time: int


decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode
position_of = itemgetter(0)


def head_of(columns: Row) -> Head:
    """The head of a row. Raises `StoreCorrupt`."""
    try:
        row = msgspec.convert(columns, HeadRow)
        return Head(row.position, row.hash, from_micros(row.time), row.withheld)
    except (msgspec.MsgspecError, OverflowError) as error:
        raise StoreCorrupt(f"the head at #{columns[0]} is damaged ({error})") from error


def commit_of(columns: Row) -> Commit:
    """The commit of a row. Raises `StoreCorrupt`."""
    try:
        row = msgspec.convert(columns, CommitRow)
        condition = None
        if row.query is not None and row.after is not None:
            condition = Condition(from_json(row.query), row.after)
        if len(row.secret) > SIZE:
            openings(row.secret, DATA + row.size)
        time = from_micros(row.time)
        commit = Commit(
            row.position,
            row.size,
            row.id,
            time,
            time if row.authored == row.time else from_micros(row.authored),
            row.author,
            row.message,
            row.command,
            row.metadata,
            condition,
            row.secret,
            row.content,
            row.hash,
            row.signature,
        )
    except (msgspec.MsgspecError, OverflowError, InvalidEvent) as error:
        raise StoreCorrupt(f"commit {columns[2]} at #{columns[0]} is damaged ({error})") from error
    if commit.first < 1 or (row.query is None) != (row.after is None):
        raise StoreCorrupt(
            f"commit {row.id} at #{row.position} is damaged (its size, or half of its condition)"
        )
    return commit


def counts_of(rows: list[Row]) -> list[EventCount] | None:
    """The counts of rows; None if the name of some command is not at its beginning. Raises `StoreCorrupt`."""
    try:
        found = msgspec.convert(rows, list[EventCountRow])
        if any(row.command and NAME.fullmatch(row.command) is None for row in found):
            return None
        return [
            EventCount(
                command_name(row.command),
                row.type,
                row.version,
                row.events,
                row.first,
                row.last,
                from_micros(row.time),
            )
            for row in found
        ]
    except (msgspec.MsgspecError, OverflowError) as error:
        raise StoreCorrupt(f"a row that was counted is damaged ({error})") from error


def in_order(rows: list[Row], after: int, upto: int, *, backwards: bool = False) -> list[Row]:
    """These rows of a chunk, whose first column is a position with `after < position <= upto`, each once, in order.

    Raises `StoreCorrupt` for any other order. A read goes on from the last row that it got, so that a damaged position
    would make it give rows twice, or never end.
    """
    found: Iterable[int] = map(position_of, reversed(rows) if backwards else rows)
    for before, position in pairwise(chain((after,), found, (upto + 1,))):
        if position <= before:
            raise StoreCorrupt(f"the rows near #{before} are out of order")
    return rows


def place(key: Any) -> str:
    """A row's key, which may be damaged, in words for people."""
    if not isinstance(key, int) or key < 0:
        return f"(key {key!r})"
    number, position = key >> LOG_BITS, key & POSITION
    return f"#{position}" if number == 0 else f"#{position} of log {number}"


def hash_range(prefix: str) -> tuple[bytes, bytes] | None:
    """The lowest and the highest hash that starts like this, in hex; None if no hash does."""
    if len(prefix) > 64 or not set(prefix) <= set("0123456789abcdef"):
        return None
    return bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))


def emptied(
    commit: Commit, events: Iterable[EventData | RecordedEvent], places: Collection[int]
) -> tuple[Commit, tuple[EventData, ...]]:
    """A commit of a log and its events without the parts at these places, for the store that takes them away."""
    events = tuple(events)
    left = tuple(
        EventData(event.type, event.version, event.tags, b"" if place in places else event.data)
        for place, event in enumerate(events, DATA)
    )
    return kept_back(commit, places, [event.data for event in events]), left
