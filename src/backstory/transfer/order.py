"""Sorting the rows of a file by time, in bounded memory.

Logs of processes are often grouped by case; history goes by time, or `as of` would mean nothing. Rows are sorted in
runs that fit in memory; other rows are spilled to a temporary file as big as the rows, and merged from there. Rows of
the same time keep the order of the file.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import pairwise
from typing import IO, TypeAlias

from backstory.transfer.source import Entry, Item, Progress, Rejected
from backstory.values.commit import EARLIEST

RUN = 32 << 20
"""How many bytes of rows are held in memory; Python needs about half as much again."""

READ = 1 << 18
FRAME = struct.Struct("<qqI")

Row: TypeAlias = tuple[int, bytes]
"""Microseconds since 1970, and a value that the source wants back."""

_Numbered: TypeAlias = tuple[int, int, bytes]


def by_time(*sources: Iterable[Item]) -> Iterator[Item]:
    """The items of several sources, each in the order of time, as one source in that order; rejects as they are met."""
    return merge(*sources, key=_time_of)


def _time_of(item: Item) -> datetime:
    return item.draft.time if isinstance(item, Entry) else EARLIEST


def as_it_lies(rows: Iterator[Row | Rejected]) -> Iterator[bytes | Rejected]:
    """The entries of the rows, in the order of the file."""
    return (row if isinstance(row, Rejected) else row[1] for row in rows)


def in_order(
    rows: Iterator[Row | Rejected], progress: Progress, run: int = RUN
) -> Iterator[bytes | Rejected]:
    """The entries of the rows, by time. Rejects come first, as they are met."""
    waiting: list[_Numbered] = []
    size = count = 0
    with tempfile.TemporaryFile(prefix="backstory-") as file:
        ends = [0]
        for row in rows:
            if isinstance(row, Rejected):
                yield row
                continue
            time, payload = row
            waiting.append((time, count, payload))
            count += 1
            size += len(payload) + FRAME.size
            if size >= run:
                ends.append(_spill(file, waiting))
                waiting, size = [], 0
        waiting.sort()
        runs = [_run(file, start, end) for start, end in pairwise(ends)]
        ordered: Iterator[_Numbered] = merge(*runs, iter(waiting)) if runs else iter(waiting)
        for done, (_, _, payload) in enumerate(ordered):
            if not done % 1024:
                progress("writing", done, count)
            yield payload


def _spill(file: IO[bytes], rows: list[_Numbered]) -> int:
    """Write a sorted run at the end of the file; return the file's new end."""
    rows.sort()
    file.seek(0, 2)
    for time, number, payload in rows:
        file.write(FRAME.pack(time, number, len(payload)))
        file.write(payload)
    return file.tell()


def _run(file: IO[bytes], start: int, end: int) -> Iterator[_Numbered]:
    """Read a run back, a buffer at a time: the runs take turns on one file."""
    buffer, offset = b"", 0
    while True:
        missing = 0
        if offset + FRAME.size <= len(buffer):
            time, number, length = FRAME.unpack_from(buffer, offset)
            last = offset + FRAME.size + length
            if last <= len(buffer):
                yield time, number, buffer[offset + FRAME.size : last]
                offset = last
                continue
            missing = last - len(buffer)
        if start >= end:
            return
        file.seek(start)
        more = file.read(min(max(READ, missing), end - start))
        start += len(more)
        buffer, offset = buffer[offset:] + more, 0
