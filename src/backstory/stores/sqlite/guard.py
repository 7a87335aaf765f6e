"""Keeps Python's own copy of SQLite away from files that a store of this process has open.

When `sqlite3` closes such a file, all locks that our copy of SQLite has on it are gone: POSIX drops a process's locks
with the first descriptor that it closes (https://sqlite.org/howtocorrupt.html, section 2.2). pandas, SQLAlchemy and
Django use `sqlite3`, too.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from backstory.errors import StoreLocked
from backstory.stores.sqlite.opened import OPENED
from backstory.told import pasted

_set = False


def keep_guard() -> None:
    """Look at each `sqlite3.connect` of this process from now on: an audit hook cannot be taken away."""
    global _set  # noqa: PLW0603 - there is one list of audit hooks in a process
    if not _set:
        _set = True
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "sqlite3.connect":
        return
    for path in _paths(arguments[0]):
        if OPENED.guards(path):
            raise StoreLocked(
                f"{path} is open here as a Backstory store, and sqlite3 is a second copy of SQLite in this process: it"
                " would drop the locks of the first, and commits would be lost. Look into the file from another"
                f" process, look into a copy ({pasted('clone', path, 'copy.db')}), or close the store before;"
                " connect(..., guard=False) allows it at your own risk"
            )


def _paths(database: Any) -> list[str]:
    """The files that a `database` argument of `sqlite3.connect` may mean: it says not whether it is read as a URI."""
    try:
        path = os.fsdecode(database)
    except (TypeError, ValueError):
        return []
    if not path.startswith("file:"):
        return [path]
    from urllib.parse import parse_qs, unquote, urlsplit

    parts = urlsplit(path)
    in_memory = parse_qs(parts.query).get("mode") == ["memory"]
    return [path] if in_memory else [path, unquote(parts.path)]
