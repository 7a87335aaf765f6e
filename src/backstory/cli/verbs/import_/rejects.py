"""The file that skipped places go to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

import msgspec

from backstory import outfile
from backstory.cli.verbs.import_.options import REJECTS

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Self

    from backstory.transfer.source import Rejected


class Rejects:
    """The file that skipped places go to; it is made when there is one."""

    def __init__(self, arguments: Namespace) -> None:
        self._name: str = arguments.rejects or REJECTS
        self._file: IO[bytes] | None = None
        self._open = ExitStack()
        self.written: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def take(self, rejected: Rejected) -> None:
        """Write a reject down: file, line, reason, and the text."""
        if self._file is None:
            self._file = self._open.enter_context(outfile.written(self._name, whole=False))
            self.written = self._name
        error = rejected.error
        line: dict[str, Any] = {
            "file": error.source,
            "line": error.line,
            "why": error.why,
            "raw": rejected.raw,
        }
        self._file.write(msgspec.json.encode(line) + b"\n")
