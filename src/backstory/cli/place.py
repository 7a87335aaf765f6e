"""Where the store is: `--store`, then `BACKSTORY_STORE`, then the nearest pyproject.toml that names one.

And which branch of it: `--branch`, then the one that this folder is on (`folder.py`), then main.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.refs import BRANCH, MAIN, MAIN_REF
from backstory.stores import open_store, scheme_of
from backstory.stores.guarded import GuardedLog
from backstory.unit import SetRef

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.database import Database
    from backstory.store import Log, Store


MEMORY = ".backstory"
"""The file in which a folder remembers the branch that one is on."""

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


def branch(arguments: Namespace) -> str:
    """The name of the branch that the command line is about."""
    named: str | None = getattr(arguments, "branch", None)
    if named:
        return named
    if remembered() is None:
        return MAIN
    from backstory.cli import folder

    return folder.recall(address(arguments)).branch


def log(arguments: Namespace, store: Store) -> Log:
    """The log of that branch. Little is loaded for main where it stands on nothing. Raises `UsageError`."""
    name = branch(arguments)
    if name == MAIN and (value := store.refs.get(MAIN_REF)) == "0":
        return GuardedLog(store.log(), MAIN, SetRef(MAIN_REF, value, value))
    from backstory.history.branches import Branches

    check(arguments, store, name)
    return Branches(store).log(name)


def database(arguments: Namespace, store: Store) -> Database:
    """The same as the object that a program would hold."""
    from backstory.database import Database

    name = branch(arguments)
    check(arguments, store, name)
    db = Database(store)
    return db if name == MAIN else db.switch(name)


def check(arguments: Namespace, store: Store, name: str) -> None:
    """Raise `UsageError` where the branch that this folder is on is gone."""
    if name != MAIN and not getattr(arguments, "branch", None) and store.refs.get(BRANCH + name) is None:
        raise UsageError(
            f"this folder is on the branch {name}, which is gone\n"
            "  backstory switch main               to leave it\n"
            f"  backstory branch --restore {name:<9}to have it back"
        )


def remembered() -> str | None:
    """The nearest file in which a folder, this one or one above, remembers something."""
    folder = os.getcwd()
    while True:
        path = os.path.join(folder, MEMORY)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def address(arguments: Namespace) -> str:
    """The address of the store. Raises `UsageError` that explains all three ways where none of them names one."""
    if arguments.store == "":  # as of a shell's variable that is not set: another store is not what was meant
        raise UsageError("-s is followed by nothing, so no store is named")
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
    return bool(scheme_of(address))
