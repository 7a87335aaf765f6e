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

SUCH_AS = {"store": "bank.db", "app": "bank"}
"""Settings of a project, each with a value that it may have."""


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
    named: str | None = arguments.store or os.environ.get("BACKSTORY_STORE")
    if named:
        return named
    found = from_project(os.getcwd(), "store")
    if found is not None:
        folder, named = found
        return named if is_url(named) else os.path.join(folder, os.path.expanduser(named))
    raise UsageError(
        "no store is named. Name one in any of these ways:\n"
        "  backstory -s bank.db ...            for one command\n"
        "  export BACKSTORY_STORE=bank.db      for this shell\n"
        "  [tool.backstory]                    for a project, in its pyproject.toml; a path is relative to that file\n"
        '  store = "bank.db"\n'
        "There is none yet? Make one with: backstory init bank.db"
    )


def from_project(folder: str, setting: str) -> tuple[str, str] | None:
    """What the nearest pyproject.toml that has this setting under `[tool.backstory]` says, after that file's folder."""
    while True:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path) and (named := _named_in(path, setting)) is not None:
            return folder, named
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _named_in(path: str, setting: str) -> str | None:
    with open(path, "rb") as file:
        text = file.read()
    if b"backstory" not in text:
        return None
    import tomllib

    try:
        table = tomllib.loads(text.decode()).get("tool", {}).get("backstory", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise UsageError(f"{path}: {wrong}") from wrong
    named = table.get(setting)
    if named is not None and not (isinstance(named, str) and named):
        raise UsageError(
            f'{path}: [tool.backstory] {setting} is a text such as "{SUCH_AS[setting]}", not {named!r}'
        )
    return named


def is_url(address: str) -> bool:
    """Whether an address has a scheme, and so is not a path."""
    scheme, colon, _ = address.partition(":")
    return bool(colon) and len(scheme) > 1 and "/" not in scheme
