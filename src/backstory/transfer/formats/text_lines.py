"""The lines of a file as text, whatever ends them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

from backstory.errors import SourceError
from backstory.transfer.source import InputFile


class TextLines(Iterator[str]):
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

    def text(self) -> bytes:
        """The row, as UTF-8 without its end; bytes that were no text are themselves."""
        return "".join(self.raw).rstrip("\r\n").encode(errors="surrogateescape")

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
