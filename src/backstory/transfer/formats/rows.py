"""Reading rows of a table: a CSV file with a header, a JSON array of objects, or JSON Lines.

Unlike the other formats, a row says how something is, and not what happened.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal

import msgspec

from backstory.errors import SourceError
from backstory.transfer.formats.table import delimiter_of, inferred
from backstory.transfer.formats.text_lines import TextLines
from backstory.transfer.source import InputFile, Rejected

Format = Literal["csv", "json", "jsonl"]

UNDECODED = re.compile("[\udc80-\udcff]")
"""The stand-in for bytes that are no text in the file's encoding."""

UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")
"""The beginning of a text in UTF-16, as stand-ins."""

_object = msgspec.json.Decoder(dict[str, Any]).decode
_array = msgspec.json.Decoder(list[dict[str, Any]]).decode


class RowsFile:
    """The rows of a file; `line` is that of the last one given.

    `columns` are the fields of which the rows speak; None if each row says that itself, as in JSON. Of CSV a cell is
    text, or with `infer` the number, boolean or null that it looks like; an empty one is no field, or with `keep_empty`
    an empty text.
    """

    def __init__(
        self,
        file: InputFile,
        key: str,
        format: Format,
        *,
        infer: bool = False,
        keep_empty: bool = False,
        delimiter: str | None = None,
        encoding: str = "utf-8-sig",
    ) -> None:
        """`key` is the column with the key of a row. Raises `SourceError`."""
        csv.field_size_limit(file.limit)
        self.columns: list[str] | None = None
        self.line = 0
        self._file = file
        self._key = key
        self._format = format
        self._infer = infer
        self._keep_empty = keep_empty
        self._encoding = encoding
        if format == "csv":
            self._lines = TextLines(file, encoding)
            self._rows = self._opened(delimiter)

    def _opened(self, delimiter: str | None) -> Iterator[list[str]]:
        first = next(self._lines, "").removeprefix("\ufeff")
        if first[:2] in UTF_16:
            raise SourceError(self._file.name, 1, "the file is in UTF-16: say --encoding utf-16")
        if not first.strip():
            raise SourceError(self._file.name, 1, "there is no header: the first line names the columns")
        rows = csv.reader(
            chain([first], self._lines), delimiter=delimiter or delimiter_of(first), strict=True
        )
        try:
            self.columns = next(rows)
        except csv.Error as wrong:
            raise SourceError(self._file.name, 1, f"the header cannot be read: {wrong}") from wrong
        twice = [name for name, count in Counter(self.columns).items() if count > 1]
        if twice:
            raise SourceError(self._file.name, 1, f"two columns are named {twice[0]!r}")
        if self._key not in self.columns:
            known = ", ".join(self.columns)
            raise SourceError(
                self._file.name, 1, f"there is no column {self._key!r} for the key; it has {known}"
            )
        return rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, one after the other. Raises `SourceError` with the line."""
        made = {"csv": self._of_csv, "json": self._of_json, "jsonl": self._of_lines}[self._format]
        for line, row in made():
            self.line = line
            if row.get(self._key) in (None, ""):
                raise self.wrong(f"the row has no key: {self._key!r} is empty")
            yield row

    def wrong(self, why: object) -> SourceError:
        """The error about the last row that was given."""
        return SourceError(self._file.name, self.line, str(why))

    def _of_csv(self) -> Iterator[tuple[int, dict[str, Any]]]:
        assert self.columns is not None
        number = len(self.columns)
        while True:
            self._lines.begin_row()
            try:
                cells = next(self._rows, None)
            except csv.Error as wrong:
                raise SourceError(self._file.name, self._lines.count, str(wrong)) from wrong
            if cells is None:
                return
            if not cells:
                continue
            if len(cells) != number:
                why = f"the row has {len(cells)} cells, and the header {number}"
                raise SourceError(self._file.name, self._lines.count, why)
            if not all(map(str.isascii, cells)):
                self._check_text(cells)
            yield self._lines.count, self._row(cells)

    def _check_text(self, cells: list[str]) -> None:
        assert self.columns is not None
        for name, cell in zip(self.columns, cells, strict=True):
            if UNDECODED.search(cell):
                encoding = self._encoding.removesuffix("-sig")
                why = f"{name} has bytes that are not {encoding}: name the file's own, such as --encoding cp1252"
                raise SourceError(self._file.name, self._lines.count, why)

    def _row(self, cells: list[str]) -> dict[str, Any]:
        assert self.columns is not None
        return {
            name: inferred(cell) if self._infer and name != self._key else cell
            for name, cell in zip(self.columns, cells, strict=True)
            if cell or self._keep_empty
        }

    def _of_json(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            rows = _array(b"".join(self._file.chunks()))
        except (msgspec.MsgspecError, RecursionError) as wrong:
            raise SourceError(
                self._file.name, 0, f"it is no JSON array of objects: {_told(wrong)}"
            ) from wrong
        return enumerate(rows, 1)

    def _of_lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(self._file.lines(), 1):
            if isinstance(line, Rejected):
                raise line.error
            if line.strip():
                try:
                    yield number, _object(line)
                except (msgspec.MsgspecError, RecursionError) as wrong:
                    why = f"it is no JSON object: {_told(wrong)}"
                    raise SourceError(self._file.name, number, why) from wrong


def _told(wrong: Exception) -> str:
    return "it is nested too deeply" if isinstance(wrong, RecursionError) else str(wrong)
