"""The databases of applications: each is opened when it is first asked for, once in each process."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from backstory.database import Database, connect
from backstory.local import import_key

if TYPE_CHECKING:
    from flask import Flask

SETTING = "BACKSTORY_ADDRESS"
"""The key in the configuration of an application that names its store."""

NO_ADDRESS = (
    f"no address of a store is given: give one to Backstory, or to the application as app.config[{SETTING!r}]"
)


class Opening:
    """The database of one application. It is safe for threads and forks by itself."""

    def __init__(self) -> None:
        self._open: dict[
            str, Database
        ] = {}  # one at most; of two threads that both open it, setdefault keeps one
        self._key: bytes | None = None

    def database(self, address: str | PathLike[str] | None, options: Mapping[str, Any]) -> Database:
        """The open database. Raises `RuntimeError` without an address."""
        found = self._open.get("it")
        if found is None:
            if address is None:
                raise RuntimeError(NO_ADDRESS)
            opened = connect(address, **options)
            found = self._open.setdefault("it", opened)
            if found is not opened:  # another thread was first
                opened.close()
        return found

    def secret(self, db: Database) -> bytes:
        """The key of its store."""
        if self._key is None:
            self._key = import_key(db.store)
        return self._key

    def close(self) -> None:
        """Close it; the next request opens it again."""
        self._key = None
        while self._open:
            self._open.popitem()[1].close()


class Openings:
    """Those of several applications, which may use one `Backstory`. None is kept longer than its application."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Flask, Opening] = WeakKeyDictionary()

    def add(self, app: Flask) -> None:
        """Begin with an application."""
        self._of.setdefault(app, Opening())

    def of(self, app: Flask) -> Opening:
        """That of an application. Raises `RuntimeError` for one that was not begun with."""
        found = self._of.get(app)
        if found is None:
            raise RuntimeError(f"the application {app.name!r} has no database yet: call init_app(app)")
        return found

    def close(self, app: Flask | None) -> None:
        """Close that of an application, or all."""
        for each, opening in list(self._of.items()):
            if app is None or app is each:
                opening.close()
