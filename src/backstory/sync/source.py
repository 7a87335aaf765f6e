"""What every source is made of: entries, rejects, and the file that is read."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias, cast

import msgspec

from backstory.commit import Draft
from backstory.errors import SourceError

CHUNK = 1 << 16
GZIP = b"\x1f\x8b"

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the stage (`reading` or `writing`), how far it is, and the total where that is known."""


class Entry(msgspec.Struct, frozen=True):
    """A draft, and the source and line that it comes from."""

    draft: Draft
    source: str
    line: int


class Rejected(msgspec.Struct, frozen=True):
    """A place of the source that cannot be understood, why, and what stands there."""

    error: SourceError
    raw: str = ""


class Known(msgspec.Struct, frozen=True):
    """So many commits that the source did not even read again, because the log has them."""

    count: int


Item: TypeAlias = Entry | Rejected | Known
Source: TypeAlias = Iterator[Item]


def content_id(*parts: object) -> str:
    """A commit id that follows from these parts alone: the same import gives the same id on every machine.

    The first 128 bits of a SHA-256 over the parts as a JSON array, in hex.
    """
    return hashlib.sha256(_json(parts)).hexdigest()[:32]


def timed_id(micros: int, *parts: object) -> str:
    """A `content_id` that begins with its time, as a UUIDv7 does.

    History is imported by time, so a store's index of ids grows at its end, where random ids would touch a page each.
    """
    return f"{max(micros // 1000, 0):012x}{content_id(*parts)[:20]}"


_json = msgspec.json.Encoder().encode


def no_progress(_stage: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


class InputFile:
    """Bytes to import, unpacked where they are gzipped; with a name for errors, and how far they were read."""

    def __init__(self, name: str, raw: IO[bytes], total: int | None = None) -> None:
        """`total` is the size in bytes as they lie on the disk; None where nobody knows, as for a pipe."""
        self.name = name
        self.total = total
        self._raw = raw
        buffered = io.BufferedReader(cast("io.RawIOBase", raw))
        packed = buffered.peek(2)[:2] == GZIP
        self.stream = cast("IO[bytes]", gzip.GzipFile(fileobj=buffered) if packed else buffered)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, unpacked, piece by piece. Raises `SourceError` where the file is cut off or damaged."""
        try:
            while chunk := self.stream.read(CHUNK):
                yield chunk
        except (EOFError, gzip.BadGzipFile, zlib.error) as wrong:
            raise SourceError(self.name, 0, f"the gzip file is damaged or cut off: {wrong}") from wrong

    def lines(self) -> Iterator[bytes]:
        """All lines with their ends. Raises `SourceError` as `chunks` does."""
        try:
            yield from self.stream
        except (EOFError, gzip.BadGzipFile, zlib.error) as wrong:
            raise SourceError(self.name, 0, f"the gzip file is damaged or cut off: {wrong}") from wrong

    def done(self) -> int:
        """How many bytes of `total` were read."""
        return self._raw.tell() if self.total is not None else 0


@contextmanager
def open_input(path: str | Path) -> Iterator[InputFile]:
    """Open a file to import. Raises `SourceError` where it cannot be read."""
    path = Path(path)
    try:
        stream = path.open("rb")
    except OSError as wrong:
        raise SourceError(str(path), 0, wrong.strerror or str(wrong)) from wrong
    with stream:
        yield InputFile(str(path), stream, path.stat().st_size)
