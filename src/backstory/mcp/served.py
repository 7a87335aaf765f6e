"""The things that a server serves: a database as its reader may see it, an application, the rules of the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from backstory.decide.latest import Latest
from backstory.errors import InputError
from backstory.forks import on_fork
from backstory.model import scenarios
from backstory.model.observed import observed
from backstory.model.reading import beside, model_of
from backstory.rows.written import rows_of
from backstory.scope import Scope, scoped
from backstory.texts import states
from backstory.texts.absent import absent
from backstory.timelimit import OutOfTime
from backstory.values.masking import personal_shown

if TYPE_CHECKING:
    from backstory.application import Application
    from backstory.database import Database
    from backstory.decide.commands import CommandType
    from backstory.decide.state import State
    from backstory.history.refs.revision import Point
    from backstory.model import Model
    from backstory.model.elements import Scenario
    from backstory.store import Caches, Log


COUNTING = (
    "The events of the store are counted once, and the count goes on from where it was: ask again."
    " `backstory model` on the command line keeps it in the store, for every server."
)
"""The advice where the time is over while events are counted."""


class Served:
    """A database, as the reader with a scope sees it, with its application.

    Nothing can be written through `db`. `writes_as` is the author of the commands that the reader may execute on
    `whole`; empty: none may be. `personal` shows personal values. `folder` is that of the application's project, where
    its recorded scenarios and its schema lock are. `settings` are those of `backstory check`, with their file. `clock`
    gives the seconds by which answers are bounded.
    """

    def __init__(
        self,
        db: Database,
        application: Application | None = None,
        *,
        folder: Path | None = None,
        scope: Scope | None = None,
        personal: bool = False,
        writes_as: str = "",
        settings: tuple[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.whole = db
        self.scope = scope or Scope()
        if writes_as and not self.scope.is_whole:
            raise InputError(
                "a reader who does not see everything appends nothing: a preview with gaps would mislead"
            )
        self.db = scoped(db, self.scope)
        self.known = application
        self.folder = Path.cwd() if folder is None else folder
        self.personal = personal
        self.writes_as = writes_as
        self.settings = settings
        self.clock = clock
        self._caches = Summaries(self.db.store.caches)
        self._model: tuple[Sequence[Scenario] | None, Model] | None = None
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._reading_code = Lock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Mask as the rules say, and refuse questions about hidden fields, in a block of code."""
        with self.scope.applied(), personal_shown() if self.personal else nullcontext():
            yield

    @property
    def application(self) -> Application:
        """The application. Raises `InputError` without one."""
        if self.known is None:
            raise InputError("this server was started without an application, so it knows no classes").hinted(
                "A tag, such as account:a-7, can be asked about without one.",
                "Start it with one: backstory mcp --app bank",
            )
        return self.known

    @property
    def commands(self) -> Mapping[str, CommandType[...]] | None:
        """The commands of the application by the names that commits record; None without one."""
        return None if self.known is None else self.known.commands_by_name()

    def model(self, *, seen: bool = False) -> Model:
        """The event model: of the code, of the scenarios of its tests, and with `seen` of all that the store has seen.

        That is counted where nobody has counted it: `backstory model` keeps the counts in the store, and here they are
        kept in the process. A reader with a scope is told nothing of it. Raises `ModelError`.
        """
        read, db, found = self._read(), self.db, None
        if seen and self.scope.is_whole:
            try:
                found = observed(db.log, self._caches, db.name or "")
            except OutOfTime as over:
                raise over.hinted(COUNTING) from None
        return read if found is None else beside(read, found)

    def _read(self) -> Model:
        """The model of the code and its scenarios: read once, and again when other scenarios are recorded."""
        app, path = self.application, self.folder / scenarios.NAME
        recorded = scenarios.read(path).scenarios if path.exists() else None
        with self._reading_code:
            if self._model is None or self._model[0] != recorded:
                self._model = recorded, model_of(app, self.folder, scenarios=recorded)
            return self._model[1]

    def prepare(self) -> None:
        """Read the code before somebody asks, so that the first answer is quick. Answers tell why it cannot be read."""
        if self.known is not None:
            with suppress(Exception):
                self._read()

    def point(self, at: str | None) -> Point:
        """The point that a revision means. Raises `RevisionError`."""
        return self.db.point(at or "HEAD")

    def view(self, at: str | None) -> tuple[Log, int]:
        """The log that a revision is on, and its position there."""
        point = self.point(at)
        return self.db.handle.line(point.chain).log, point.position

    def need_events(self, log: Log, reference: State, upto: int, at: str | None) -> None:
        """Raise `InputError` with states that may be meant, if no event up to a position concerns this one."""
        if next(iter(log.read(reference.query(), upto=upto, limit=1)), None) is None:
            raise InputError(absent(log, reference, at))

    def kind(self, name: str) -> type[State]:
        """The class of this name: a state, the rows of a table, or with `tags` the latest values of each tag."""
        if name == "tags":
            return Latest
        rows = rows_of(self.db.log, name, () if self.known is None else self.known.states)
        return rows or self.application.state(name)

    def reference(self, state: str, id: str | Sequence[str]) -> State:
        """The empty state that is meant: a tag, or a class with the values of its identity. Raises `InputError`."""
        if not state:
            raise InputError("state is the name of a class, such as Account, or a tag, such as account:a-7")
        return states.reference([state, *([id] if isinstance(id, str) else id)], self.kind)


class Summaries:
    """The caches of a store, to look into; what is kept is kept in this process alone."""

    def __init__(self, caches: Caches) -> None:
        self._caches = caches
        self._own: dict[str, bytes] = {}
        self.get_all, self.names = caches.get_all, caches.names

    def get(self, name: str) -> bytes | None:
        """The value that this process kept, else that of the store."""
        return self._own.get(name) or self._caches.get(name)

    def set(self, name: str, value: bytes | None) -> None:
        """Keep a value."""
        self._own[name] = value or b""
