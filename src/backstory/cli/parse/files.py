"""Files that a verb reads and writes."""

from __future__ import annotations

import sys
from typing import BinaryIO

from backstory import outfile
from backstory.cli.exits import UsageError
from backstory.stores import scheme_of


def standard_input() -> BinaryIO:
    """Standard input as bytes. Raises `UsageError` if there is none, as with `<&-`."""
    if sys.stdin is None:
        raise UsageError("standard input is closed, so nothing can be read from it")
    return sys.stdin.buffer


def check_output(name: str, store: str | None, *sources: str) -> None:
    """Raise `OutputError` if a file that is to be written is a folder, a store, or a source that is read.

    `store` is the address of the store at hand; ask before it is opened, see `outfile.check`.
    """
    path = (store or "").removeprefix("sqlite:///")
    outfile.check(
        name,
        stores=[path] if path and not scheme_of(path) else [],
        sources=sources,
    )
