"""Sessions: a store, a branch of it, and an application, as they are named in a folder.

    with Session(folder, environment, store="bank.db") as session:
        session.database.load(Account("a-7"), at="main~3")

Parts that nobody names are found: the store in `BACKSTORY_STORE` or in the project of the folder, the application in
`BACKSTORY_APP` or there, the branch in the folder's memory. Each is asked for once, and only if it is needed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backstory.errors import SessionError
from backstory.refs import BRANCH, MAIN, MAIN_REF
from backstory.session.project import nearest, setting, table
from backstory.stores import open_store, scheme_of
from backstory.stores.guarded import GuardedLog
from backstory.told import pasted
from backstory.unit import SetRef

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from backstory.application import Application
    from backstory.database import Database
    from backstory.decide.state import State
    from backstory.history.refs.branches import Branches
    from backstory.history.refs.revision import Point
    from backstory.session.memory import Memory
    from backstory.store import Log, Store

HOW_TO_NAME = (
    "Name the module that has its events, states and commands, in any of these ways:",
    "  backstory ... --app bank            for one command; a list or a class in it: --app bank:parts",
    "  export BACKSTORY_APP=bank           for this shell",
    "  [tool.backstory]                    for a project, in its pyproject.toml, seen from its folder",
    '  app = "bank"',
)


class Session:
    """A store, a branch of it, and an application; each is None until it is asked for.

    `explicit` says that the store was named by its user, and not only by the project of the folder.
    """

    def __init__(
        self,
        folder: str,
        environment: Mapping[str, str],
        *,
        store: str | None = None,
        branch: str | None = None,
        app: str | None = None,
    ) -> None:
        self.folder = folder
        self.explicit = bool(store or environment.get("BACKSTORY_STORE"))
        self._named_branch = branch or None
        self._named_app = app or environment.get("BACKSTORY_APP") or None
        self._address = store or environment.get("BACKSTORY_STORE") or None
        self._store: Store | None = None
        self._branch: str | None = None
        self._memory: Memory | None = None
        self._branches: Branches | None = None
        self._log: Log | None = None
        self._app: Application | None = None
        self._settings: dict[str, tuple[str, str] | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store, if it was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def has_store(self) -> bool:
        """Whether a store is named; it may not be there."""
        return self._found_address() is not None

    @property
    def address(self) -> str:
        """The address of the store. Raises `SessionError` with all ways to name one."""
        address = self._found_address()
        if address is None:
            raise _no_store()
        return address

    @property
    def present_address(self) -> str | None:
        """The address of the store, if one is named and may be asked: one that only the project names may not be there
        yet, as in CI.
        """
        if not self.has_store:
            return None
        address = self.address
        return address if self.explicit or scheme_of(address) or os.path.exists(address) else None

    def _found_address(self) -> str | None:
        if self._address is None and (found := self._setting("store")) is not None:
            folder, named = found
            self._address = named if scheme_of(named) else os.path.join(folder, os.path.expanduser(named))
        return self._address

    @property
    def store(self) -> Store:
        """The store, which must exist; open until the end of the session."""
        return self.open(create=False)

    def open(self, *, create: bool | None) -> Store:
        """The same; `create` is that of `open_store`, if it is not open yet."""
        if self._store is None:
            self._store = open_store(self.address, create=create)
        return self._store

    @property
    def memory(self) -> Memory:
        """The folder's memory of the store."""
        if self._memory is None:
            from backstory.session.memory import recall

            self._memory = recall(self.folder, self.address)
        return self._memory

    def remember(self, memory: Memory) -> None:
        """Let the folder remember this of the store."""
        from backstory.session.memory import remember

        remember(self.folder, self.address, memory)
        self._memory = memory

    @property
    def branch(self) -> str:
        """The name of the branch: the one that is named, else the one that the folder is on, else main."""
        if self._branch is None:
            remembers = self._named_branch is None and nearest(self.folder, ".backstory") is not None
            self._branch = self._named_branch or (self.memory.branch if remembers else MAIN)
        return self._branch

    def check(self, branch: str) -> None:
        """Raise `SessionError` if this is the branch that the folder is on, and it is gone."""
        if self._named_branch is None and branch != MAIN and self.store.refs.get(BRANCH + branch) is None:
            raise SessionError(f"this folder is on the branch {branch}, which is gone").hinted(
                f"  {pasted('switch', MAIN):<34} to leave it",
                f"  {pasted('branch', '--restore', branch):<34} to have it back",
            )

    @property
    def branches(self) -> Branches:
        """The branches of the store."""
        if self._branches is None:
            from backstory.history.refs.branches import Branches

            self._branches = Branches(self.store)
        return self._branches

    @property
    def log(self) -> Log:
        """The log of the branch. For main little is loaded. Raises `UnknownRevision`, `SessionError`."""
        if self._log is None:
            self._log = self._opened_log()
        return self._log

    def _recorded(self) -> Collection[str]:
        """The types that nobody but a capture writes; asked before a write alone, so that readers load none of it."""
        from backstory.stores.recorded import recorded_types

        return recorded_types(self.store)

    def _opened_log(self) -> Log:
        if self.branch == MAIN and (value := self.store.refs.get(MAIN_REF)) == "0":
            return GuardedLog(self.store.log(), MAIN, SetRef(MAIN_REF, value, value), self._recorded)
        self.check(self.branch)
        return self.branches.log(self.branch)

    @property
    def database(self) -> Database:
        """The branch as the object that a program would hold."""
        from backstory.database import Database

        self.check(self.branch)
        db = Database(self.store)
        return db if self.branch == MAIN else db.switch(self.branch)

    def point(self, revision: str | int) -> Point:
        """The point that a revision means, seen from the branch. Raises `RevisionError`, `SessionError`."""
        from backstory.history.refs.revision import resolve

        self.check(self.branch)
        return resolve(self.branches, revision, self.branch)

    def view(self, revision: str | None) -> tuple[Log, int | None]:
        """The log that a revision is on, and its position there; the whole branch without one."""
        if revision is None:
            return self.log, None
        point = self.point(revision)
        return self.branches.view(point.chain), point.position

    @property
    def has_application(self) -> bool:
        """Whether an application is named; it may not be there."""
        return self._found_app() is not None

    @property
    def application_folder(self) -> Path:
        """The folder that the application is seen from. Raises `SessionError` with all ways to name one."""
        from pathlib import Path

        return Path(self._needed_app()[1])

    @property
    def application(self) -> Application:
        """The application. Raises `SessionError`, `ApplicationError`."""
        if self._app is None:
            from backstory.application import load

            self._app = load(self._needed_app()[0], self.application_folder)
        return self._app

    def state(self, name: str) -> type[State]:
        """The state of the application that has this name, or the rows of a table.

        Raises `SessionError`, `ApplicationError`.
        """
        found = self.rows(name)
        if found is not None:
            return found
        where = "To see the tables: backstory table"
        if self.has_application:
            if self.application.is_empty:
                raise SessionError(f"there is no table {name} with rows").hinted(where)
        elif self.has_store:
            raise SessionError(
                f"there is no table {name}, and no application is named that may have a state {name}"
            ).hinted(where, *HOW_TO_NAME)
        else:
            raise _no_store()  # where it may be a table
        return self.application.state(name)

    def rows(self, name: str) -> type[State] | None:
        """The rows of the table that has this name; None if none was ever written, or if it is a state."""
        from backstory.rows.written import rows_of

        if not self.has_store:
            return None
        return rows_of(self.log, name, self.application.states if self.has_application else ())

    def _needed_app(self) -> tuple[str, str]:
        found = self._found_app()
        if found is None:
            raise SessionError("no application is named").hinted(*HOW_TO_NAME)
        return found

    def _found_app(self) -> tuple[str, str] | None:
        """The name of the application, and the folder that it is seen from."""
        if self._named_app:
            return self._named_app, self.folder
        found = self._setting("app")
        return None if found is None else (found[1], found[0])

    def table(self, name: str) -> tuple[str, Any] | None:
        """The file and content of the table `[tool.backstory.NAME]` of the application's project, if there is one."""
        return table(str(self.application_folder), name)

    def _setting(self, name: str) -> tuple[str, str] | None:
        """A setting of the folder's project; each is looked for once."""
        if name not in self._settings:
            self._settings[name] = setting(self.folder, name)
        return self._settings[name]

    @contextmanager
    def masking(self, *, personal: bool) -> Iterator[None]:
        """Mask by the marks of the application, if one is named; `personal` shows its personal values.

        Raises `ApplicationError` if the application cannot be imported: marked values must not be shown by mistake.
        """
        if not self.has_application:
            yield
            return
        _ = self.application
        if not personal:
            yield
            return
        from backstory.values.masking import personal_shown

        with personal_shown():
            yield


def _no_store() -> SessionError:
    return SessionError("no store is named").hinted(
        "Name one in any of these ways:",
        "  backstory -s bank.db ...            for one command",
        "  export BACKSTORY_STORE=bank.db      for this shell",
        "  [tool.backstory]                    for a project, in its pyproject.toml; a path is relative to it",
        '  store = "bank.db"',
        f"If you have no store yet, make one with: {pasted('init', 'bank.db')}",
    )
