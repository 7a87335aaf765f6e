"""Parts of every source: entries, rejects, and the file that is read."""

from __future__ import annotations

import gzip
import io
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, TypeAlias, cast

import msgspec

from backstory.errors import EventError, SourceError
from backstory.values.commit import Draft

CHUNK = 1 << 16
GZIP = b"\x1f\x8b"

RECORD = 64 << 20
"""How many bytes a record may have, unless an `InputFile` is told another limit: a line, a row, an event, a batch."""

MALFORMED: tuple[type[Exception], ...] = (
    EventError,
    msgspec.MsgspecError,
    ValueError,
    OverflowError,
    RecursionError,
)
"""Errors that parsers and checks raise for a wrong record. Any other error is a fault of this program."""

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the stage (`reading` or `writing`), the amount done, and the total if that is known."""


class Entry(msgspec.Struct, frozen=True):
    """A draft, and the source and line that it comes from. With `more`, the next entry is in the same batch.

    `raw` is its text in the source, so that a reject can be mended and imported again; empty where a record has no text
    of its own, as in XES.
    """

    draft: Draft
    source: str
    line: int
    more: bool = False
    raw: bytes = b""

    def refused(self, why: str) -> Rejected:
        """The reject in its place."""
        raw = self.raw or b" ".join(event.data for event in self.draft.events)
        return Rejected(SourceError(self.source, self.line, why), raw.decode(errors="replace"))


class Rejected(msgspec.Struct, frozen=True):
    """A place of the source that cannot be understood, the reason, and its text."""

    error: SourceError
    raw: str = ""


def rejected(source: str, line: int, wrong: Exception, raw: str = "") -> Rejected:
    """The reject for a record of which a parser or a check said so: it raised one of `MALFORMED`."""
    why = "it is nested too deeply" if isinstance(wrong, RecursionError) else str(wrong)
    return Rejected(SourceError(source, line, why), raw)


class Known(msgspec.Struct, frozen=True):
    """So many commits that the source did not even read again, because the log has them."""

    count: int


Item: TypeAlias = Entry | Rejected | Known
Source: TypeAlias = Iterator[Item]


def no_progress(_stage: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


class InputFile:
    """Bytes to import, unpacked if they are gzipped; with a name for errors, and the number of bytes read."""

    def __init__(self, name: str, raw: IO[bytes], total: int | None = None, *, limit: int = RECORD) -> None:
        """`total` is the size in bytes as they lie on the disk; None if nobody knows, as for a pipe.

        `limit` is how many bytes a record may have: an import needs a few times as much memory.
        """
        self.name = name
        self.total = total
        self.limit = limit
        self._raw = raw
        buffered = io.BufferedReader(cast("io.RawIOBase", raw))
        packed = buffered.peek(2)[:2] == GZIP
        self.stream = cast("IO[bytes]", gzip.GzipFile(fileobj=buffered) if packed else buffered)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, unpacked, piece by piece, without the mark of UTF-8. Raises `SourceError` for a damaged file."""
        with self.readable():
            if chunk := self.stream.read(CHUNK):
                yield chunk.removeprefix(BOM_UTF8)
            while chunk := self.stream.read(CHUNK):
                yield chunk

    def lines(self) -> Iterator[bytes | Rejected]:
        """The same as lines with their ends; a reject for one beyond the limit. Raises as `chunks` does."""
        limit = self.limit
        with self.readable():
            for number in count(1):
                line = self.stream.readline(limit + 1)
                if not line:
                    return
                if len(line) > limit:
                    yield Rejected(self.too_large(number, "this line"))
                    while line and not line.endswith(b"\n"):
                        line = self.stream.readline(CHUNK)
                else:
                    yield line if number > 1 else line.removeprefix(BOM_UTF8)

    def too_large(self, line: int, what: str, then: str = "") -> SourceError:
        """The error for a record that begins in this line and goes beyond the limit, with its consequence."""
        limit = f"{self.limit >> 20} MiB" if self.limit >= 1 << 20 else f"{self.limit:,} bytes"
        return SourceError(self.name, line, f"{what} has more than {limit}, the limit of a record{then}")

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Name errors while the file is read. Raises `SourceError` if it is cut off or damaged."""
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error) as wrong:
            raise SourceError(self.name, 0, f"the gzip file is damaged or cut off: {wrong}") from wrong

    def done(self) -> int:
        """How many bytes of `total` were read."""
        return self._raw.tell() if self.total is not None else 0


@contextmanager
def open_input(path: str | Path, *, limit: int = RECORD) -> Iterator[InputFile]:
    """Open a file to import, with records of up to `limit` bytes. Raises `SourceError` if it cannot be read."""
    path = Path(path)
    try:
        stream = path.open("rb")
    except OSError as wrong:
        raise SourceError(str(path), 0, wrong.strerror or str(wrong)) from wrong
    with stream:
        total = path.stat().st_size if stream.seekable() else None
        yield InputFile(str(path), stream, total, limit=limit)
