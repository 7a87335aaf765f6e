"""Where the store is: `--store`, then `BACKSTORY_STORE`, then the nearest pyproject.toml that names one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backstory.cli import UsageError
from backstory.stores import open_store

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.store import Store


@contextmanager
def opened(arguments: Namespace, *, create: bool | None = False) -> Iterator[Store]:
    """The store that the command line is about, closed at the end. `create` is that of `open_store`."""
    store = open_store(address(arguments), create=create)
    try:
        yield store
    finally:
        store.close()


def address(arguments: Namespace) -> str:
    """The address of the store. Raises `UsageError` that explains all three ways where none of them names one."""
    found: str | None = arguments.store or os.environ.get("BACKSTORY_STORE") or _from_project(os.getcwd())
    if found:
        return found
    raise UsageError(
        "no store is named. Name one in any of these ways:\n"
        "  backstory -s bank.db ...            for one command\n"
        "  export BACKSTORY_STORE=bank.db      for this shell\n"
        "  [tool.backstory]                    for a project, in its pyproject.toml; a path is relative to that file\n"
        '  store = "bank.db"\n'
        "There is none yet? Make one with: backstory init bank.db"
    )


def _from_project(folder: str) -> str | None:
    """The store that the nearest pyproject.toml with a `[tool.backstory]` table names, seen from that file."""
    while True:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path) and (named := _named_in(path)) is not None:
            return named if is_url(named) else os.path.join(folder, os.path.expanduser(named))
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _named_in(path: str) -> str | None:
    with open(path, "rb") as file:
        text = file.read()
    if b"backstory" not in text:
        return None
    import tomllib

    try:
        table = tomllib.loads(text.decode()).get("tool", {}).get("backstory", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise UsageError(f"{path}: {wrong}") from wrong
    store = table.get("store")
    if store is not None and not (isinstance(store, str) and store):
        raise UsageError(f'{path}: [tool.backstory] store is a text such as "bank.db", not {store!r}')
    return store


def is_url(address: str) -> bool:
    """Whether an address has a scheme, and so is not a path."""
    scheme, colon, _ = address.partition(":")
    return bool(colon) and len(scheme) > 1 and "/" not in scheme
