"""Feeding a file to an XML parser, in bounded memory and in a time that grows with the file's length alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn
from xml.parsers import expat

from backstory.errors import SourceError
from backstory.transfer.source import InputFile


class Feed:
    """An XML parser that refuses document types and entities, and a record of more bytes than the file's limit.

    expat reads an element that a chunk has cut off from its beginning again. So it is given as much again as it has of
    that element: an attribute of 32 MB, 64 kB at a time, would take half a minute.
    """

    def __init__(
        self, file: InputFile, start: Callable[[str, dict[str, str]], None], end: Callable[[str], None]
    ) -> None:
        """`start` is called with each element's name and attributes, `end` with its name."""
        self._file = file
        self._waiting: list[bytes] = []
        self._waits = self._given = self._understood = 0
        self._record: int | None = None
        self._start, self._begun = start, False
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._first
        self._parser.EndElementHandler = end
        self._parser.StartDoctypeDeclHandler = self._parser.EntityDeclHandler = self._refuse

    @property
    def line(self) -> int:
        """The line that the parser is in."""
        return self._parser.CurrentLineNumber

    def begin_record(self) -> None:
        """Say that a record begins here, and the one before has ended."""
        self._record = self._parser.CurrentByteIndex

    def end_records(self) -> None:
        """Note that the following bytes belong to no record."""
        self._record = None

    def take(self, chunk: bytes) -> None:
        """Take more of the file. Raises `SourceError` if it is no XML, or a record is too large."""
        self._waiting.append(chunk)
        self._waits += len(chunk)
        if self._waits >= self._given - self._understood:
            self._parse(last=False)
        begun = self._understood if self._record is None else self._record
        if self._given + self._waits - begun > self._file.limit:
            raise self._file.too_large(self.line, "an event or an attribute", "; the rest was not read")

    def finish(self) -> None:
        """Say that the file ends here. Raises `SourceError` as `take` does."""
        self._parse(last=True)

    def fail(self, why: str) -> NoReturn:
        """Raise the `SourceError` for this line: nothing after it is read."""
        raise SourceError(self._file.name, self.line, f"{why}; the rest was not read")

    def _parse(self, *, last: bool) -> None:
        chunk, self._waiting, self._waits = b"".join(self._waiting), [], 0
        self._given += len(chunk)
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as wrong:
            why = f"this is not well-formed XML, and the rest was not read: {expat.ErrorString(wrong.code)}"
            raise SourceError(self._file.name, wrong.lineno, why) from wrong
        except SourceError:
            raise
        except (LookupError, ValueError) as wrong:
            if self._begun:
                raise
            raise SourceError(self._file.name, 1, f"the file's encoding cannot be read: {wrong}") from wrong
        if self._parser.CurrentByteIndex >= 0:  # below 0: the parser waits for more by itself
            self._understood = self._parser.CurrentByteIndex

    def _first(self, name: str, attributes: dict[str, str]) -> None:
        """The first element: errors from here on are not about the file's encoding."""
        self._begun, self._parser.StartElementHandler = True, self._start
        self._start(name, attributes)

    def _refuse(self, *_: object) -> NoReturn:
        self.fail("a document type or an entity has no place in XES")
