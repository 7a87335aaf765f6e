"""Output of verbs: data to standard output, messages to standard error, colour and a pager on a terminal."""

from __future__ import annotations

import codecs
import csv
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

import msgspec

from backstory.cli.show.text import ascii_json, styled
from backstory.told import plain, plain_lines

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Self

    from backstory.cli.show.pager import Pager

DELAY, TICK = 0.5, 0.1
"""Seconds before a progress line appears, so that quick verbs do not flicker, and between its changes."""


class Output:
    """The output of a verb.

    `json` and `ndjson` are the form that was asked for; `terminal`: a person sees it; `color`: `paint` paints.
    """

    def __init__(
        self, *, json: bool = False, ndjson: bool = False, color: str = "auto", pager: bool = True
    ) -> None:
        self.json = json
        self.ndjson = ndjson
        self.terminal = sys.stdout.isatty()
        wanted = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.color = wanted if color == "auto" else color == "always"
        self._may_page = pager and self.terminal and not json and not ndjson
        self._utf8 = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
        self._pager: Pager | None = None
        self._out: IO[str] = sys.stdout

    @classmethod
    def of(cls, arguments: Namespace) -> Self:
        """The output that the options ask for."""
        return cls(
            json=arguments.json,
            ndjson=getattr(arguments, "ndjson", False),
            color=arguments.color,
            pager=not arguments.no_pager,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        """Let everything out. Swallows the broken pipe of a pager that was left early: its reader has seen enough."""
        if self._pager is None:
            sys.stdout.flush()
            return False
        self._pager.close()
        return kind is not None and issubclass(kind, BrokenPipeError)

    def page(self) -> None:
        """Prepare for long output: on a terminal it goes through a pager, as with Git."""
        if self._may_page and self._pager is None:
            from backstory.cli.show.pager import start

            self._pager = start()
            if self._pager is not None:
                self._out = self._pager.stream

    def line(self, text: str = "") -> None:
        """Write a line of data."""
        self._out.write(text + "\n")

    def lines(self, texts: Iterable[str]) -> None:
        """Write lines of data."""
        for text in texts:
            self.line(text)

    def csv(self, header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """Write lines of CSV; on a terminal without what would steer it."""
        for cells in chain([header], rows):
            line = StringIO(newline="")
            csv.writer(line, lineterminator="").writerow(cells)
            self.line(plain(line.getvalue()) if self.terminal else line.getvalue())

    def flush(self) -> None:
        """Let a reader at the other end of a pipe see the output so far."""
        self._out.flush()

    def paint(self, text: str, *styles: str) -> str:
        """The text in a colour or weight of `text.STYLES`, if colour is on."""
        return styled(text, styles) if self.color else text

    def say(self, text: str) -> None:
        """Write a message for a person, on standard error: never part of the data, and after the data so far."""
        self._out.flush()
        print(plain_lines(text), file=sys.stderr)

    def json_line(self, json: bytes) -> None:
        """Write JSON: as it is if standard output is UTF-8, else in ASCII, which is JSON in any encoding."""
        self.line(self._carried(json))

    def _carried(self, json: bytes) -> str:
        text = json.decode()
        return text if self._utf8 else ascii_json(text)

    def document(self, kind: str, **fields: Any) -> None:
        """Write the one document of --json: `schema`, `kind`, and these fields."""
        from backstory.documents import document

        self.whole(document(kind, **fields))

    def whole(self, document: Mapping[str, Any]) -> None:
        """Write a document of --json that is made already."""
        self.json_line(msgspec.json.format(msgspec.json.encode(document), indent=2))

    def record(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Write one line of --ndjson: `schema`, `kind`, and these fields."""
        from backstory.documents import document

        self.json_line(msgspec.json.encode(document(kind, **fields)))

    def records(self, kind: str, items: Iterable[Mapping[str, Any]], *, plural: str) -> None:
        """Write many alike, one at a time: lines with --ndjson, with --json a document with a list named `plural`."""
        if self.ndjson:
            for item in items:
                self.record(kind, item)
            return
        from backstory.documents import SCHEMA

        self._out.write(f'{{"schema": {SCHEMA}, "kind": "{plural}", "{plural}": [')
        comma = ""
        for item in items:
            self._out.write(f"{comma}\n{self._carried(msgspec.json.encode(item))}")
            comma = ","
        self.line("\n]}" if comma else "]}")

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A progress line on standard error, if that is a terminal; call the function it gives with the amount done.

        with out.progress("verifying", head) as tick:
            tick(1000)
        """
        if not sys.stderr.isatty():
            yield lambda _: None
            return
        due, shown = time.monotonic() + DELAY, False

        def tick(done: int) -> None:
            nonlocal due, shown
            now = time.monotonic()
            if now >= due:
                due, shown = now + TICK, True
                share = f" of {total:,} ({100 * done // total}%)" if total else ""
                sys.stderr.write(f"\r{label} {done:,}{share}\x1b[K")
                sys.stderr.flush()

        try:
            yield tick
        finally:
            if shown:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
