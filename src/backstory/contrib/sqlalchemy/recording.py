"""The recording of some models: the migration that it needs, and what brings their rows to a history."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.orm import InstanceState, Session, object_session
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from backstory.capture import Capture
from backstory.capture.capture import HOME
from backstory.capture.forgetting import forgotten
from backstory.capture.running import EVERY, Running
from backstory.capture.undo import Undone, undone
from backstory.contrib.sqlalchemy.describing import captured, table_of, versions
from backstory.contrib.sqlalchemy.restoring import (
    Part,
    by_themselves,
    in_order,
    key_of_driver,
    key_of_row,
    write,
)
from backstory.contrib.sqlalchemy.saying import Speaker, acting
from backstory.contrib.sqlalchemy.transactions import ConnectionTransaction, check_dialect, drains_by
from backstory.database import Database
from backstory.errors import DefinitionError, StoreRefused
from backstory.rows.kinds import Row

if TYPE_CHECKING:
    from typing import Self

    from sqlalchemy import Column, Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from backstory.capture import Drained
    from backstory.history.refs.revision import Revision
    from backstory.table import Table
    from backstory.tables import Transaction


class Recording:
    """Some models whose rows get a history. Safe for many threads.

    `capture` is the same without SQLAlchemy. Everything here blocks: async code calls it with `asyncio.to_thread`.
    """

    def __init__(
        self,
        capture: Capture,
        engine: Engine | AsyncEngine,
        history: Database,
        parts: Mapping[str, Sequence[Part]],
        versions: Collection[Column[Any]] = (),
    ) -> None:
        asynchronous = getattr(engine, "sync_engine", None)
        self._engine = cast("Engine", asynchronous or engine)
        check_dialect(self._engine.dialect)
        self._own = self._engine
        if asynchronous is not None:
            url = drains_by(self._engine.url)
            self._own = create_engine(url, poolclass=NullPool)  # nothing stays open that nobody would close
        if (
            self._own.dialect.name == "postgresql"
        ):  # a drainer that has waited for another must see what that one did
            self._own = self._own.execution_options(isolation_level="READ COMMITTED")
        self.capture = capture
        self.history = history
        self._parts = parts
        self._versions = versions
        self._drainer = capture.drainer(history, self._begin, "call recording.adopt()")
        Speaker(self._engine, capture)

    @contextmanager
    def _begin(self) -> Iterator[Transaction]:
        with self._own.begin() as connection:
            yield ConnectionTransaction(connection)

    def install(self, connection: Connection) -> None:
        """Make the outbox and the triggers, or make them fit the tables as they are now: after each run of migrations.

        The models may be ahead of the tables, as they are when Alembic writes the next migration: what is not there yet
        is left out until it is, and `check` names it.
        """
        self.capture.install(ConnectionTransaction(connection), is_ahead=True)

    def remove(self, connection: Connection) -> None:
        """Drop the triggers. Rows in the outbox stay for the drainer."""
        self.capture.remove(ConnectionTransaction(connection))

    def check(self, connection: Connection | None = None) -> list[str]:
        """The faults, in words: tables whose triggers do not fit as they are now; empty if all changes are recorded."""
        if connection is not None:
            return self.capture.check(ConnectionTransaction(connection))
        with self._begin() as tx:
            return self.capture.check(tx)

    def begin(self) -> Self:
        """Do all that is needed: the outbox and the triggers, the rows that are there already, and a first drain.

        Done again, it does what is missing: a copy that was killed goes on. A large application calls `install` in a
        migration, and `copy` in a job.
        """
        with self._begin() as tx:
            if self.capture.check(tx):
                self.capture.install(tx)
        self.copy()
        self.drain()
        return self

    def adopt(self) -> None:
        """Take a database that was copied, restored or moved for the one that the history goes on with.

        The drainer refuses such a database until then.
        """
        with self._begin() as tx:
            self.capture.adopt(tx, self.history)

    def copy(self, *, again: bool = False, author: str | None = None) -> int:
        """Bring the rows that were there before into the outbox, a page at a time; see `Capture.copy`."""
        return self.capture.copy(self._begin, again=again, author=author)

    def drain(self) -> Drained:
        """Bring all that was committed to the history. Its `position` is what reads are given as `after=`."""
        return self._drainer.drain()

    @contextmanager
    def running(self, every: float = EVERY) -> Iterator[Running]:
        """Drain in a thread for the length of a block: soon after each commit of this process, and every so often."""
        with Running(self._drainer, every) as running:

            def committed(session: Session) -> None:  # noqa: ARG001 - of which session does not matter
                running.wake()

            event.listen(Session, "after_commit", committed)
            try:
                yield running
            finally:
                event.remove(Session, "after_commit", committed)

    def revert(
        self,
        session: Session,
        commits: Revision,
        *objects: Any,
        author: str | None = None,
        message: str | None = None,
        force: bool = False,
        skip: bool = False,
    ) -> int:
        """Undo a commit of rows, or those of a range, by writing the values from before to the session's tables.

        They are written with the session's transaction, so the caller looks, and commits or rolls back; then they are
        recorded, and their metadata names the commits that they revert. With `objects`, which may be rows, too
        (`recording.row`), it is undone for these alone. A column with `onupdate` gets its value as with any write, and
        a `version_id_col` the next one. Returns the number of rows that were written.

        Raises `RevertError` if later commits own the fields that would change, unless `force`, which writes them all
        the same, or `skip`, which leaves such rows as they are. An `AsyncSession` lends its session:
        `await session.run_sync(recording.revert, commits, author="dan")`.
        """
        if hasattr(session, "sync_session"):
            raise TypeError(
                "revert takes the session inside of an AsyncSession: await session.run_sync(recording.revert, ...)"
            )
        rows = [one if isinstance(one, Row) else self.row(one) for one in objects]
        given = {history: by_themselves(tables, self._versions) for history, tables in self._parts.items()}

        def looked_up() -> Undone:
            self.drain()
            return undone(self.history, commits, rows, force=force, skip=skip, by_themselves=given)

        is_async = session.connection().dialect.is_async  # its event loop goes on meanwhile
        found = await_only(asyncio.to_thread(looked_up)) if is_async else looked_up()
        said = f"Revert {commits}" if message is None else message
        written = set()
        with acting(session, author=author, message=said, metadata=found.metadata):
            for history, event in found.events:
                if write(session.connection(), event, self._parts[history], self._versions):
                    written.add((history, event.key))
            session.expire_all()
        return len(written)

    def forget(self, *objects: Any, message: str, author: str | None = None) -> int:
        """Take the values that objects have had out of the history, for good; return how many events had them.

        Delete an object before, or empty its fields, and commit: what it has now begins its history anew. One that is
        gone may be named by its row, `recording.row(Customer, 7)`. That something happened, when and by whom stays, and
        so does every hash. Other objects that tell of the same person are to be named, too; their messages are not
        looked at.

        Raises `StoreRefused` if the session of an object is in a transaction: what that has written would come to the
        history after this.
        """
        rows: list[Row] = []
        for one in objects:
            session = None if isinstance(one, Row) else object_session(one)
            if session is not None and session.in_transaction():
                raise StoreRefused(
                    "forget after session.commit(): the session is in a transaction, and what that has written would"
                    " come to the history at its end"
                )
            rows.append(one if isinstance(one, Row) else self.row(one))
        return forgotten(
            self.history,
            rows,
            message=message,
            author=author,
            drain=self.drain,
            copy=lambda row, author: self._begin_again(row, author, message),
        )

    def _begin_again(self, row: Row, author: str | None, message: str) -> None:
        """Let the history have a row that is still there as it is now."""
        for part in self._parts.get(row.table, ()):
            with self._own.begin() as connection:
                key = key_of_driver(connection, part, row.key)
                if key is not None:
                    capture = Capture([part[0]], home=self.capture.home)
                    capture.copy_row(ConnectionTransaction(connection), key, author=author, message=message)

    def table(self, model: Any) -> Table[Any]:
        """The table of the history that has the rows of a model."""
        return self.history.table(self._history_of(model))

    def row(self, model: Any, *key: Any) -> Row:
        """The row of an object, or of a model and a key, for verbs of the database: `db.blame(recording.row(ann))`.

        Raises `TypeError` for anything else, and `LookupError` for an object that has no key yet, and for a model that
        is not recorded.
        """
        if not key:
            model, key = type(model), _key_of(model)
        history = self._history_of(model)
        return self.history.table(history).row(key_of_row(self._own.dialect, self._parts[history][0], key))

    def _history_of(self, model: Any) -> str:
        table = table_of(model)
        for each in self.capture.tables:
            if (each.table, each.schema or None) == (table.name, table.schema):
                return each.history
        raise LookupError(f"{table.fullname} is not recorded")


def _key_of(given: Any) -> tuple[Any, ...]:
    """The key of an object of a model."""
    state = inspect(given, raiseerr=False)
    if not isinstance(state, InstanceState):
        name = given.__name__ if isinstance(given, type) else type(given).__name__
        raise TypeError(
            f"{name} is no object of a model: give one, or a model and a key, as in row(Customer, 7)"
        )
    key = state.identity or tuple(state.mapper.primary_key_from_instance(given))
    if None in key:
        raise LookupError(f"this {type(given).__name__} has no key yet: flush the session first")
    return key


def _check(models: Sequence[Any], engine: object, history: object) -> None:
    """Raise `DefinitionError` for what cannot be recorded, from or to."""
    if not models:
        raise DefinitionError(
            "no model is given, so nothing would be recorded: record(Base, engine=..., history=...)"
        )
    if not isinstance(getattr(engine, "sync_engine", engine), Engine):
        raise DefinitionError(f"engine is a {type(engine).__name__}: give what create_engine(...) makes")
    if isinstance(getattr(history, "db", None), Database):
        raise DefinitionError(
            "a recording blocks, so its history is the Database of an AsyncDatabase: history=db.db"
        )
    if not isinstance(history, Database):
        raise DefinitionError(
            f"history is a {type(history).__name__}: give an open database, history=connect('history.db'), which stays"
            " open as long as the recording"
        )


def record(
    *models: Any,
    engine: Engine | AsyncEngine,
    history: Database,
    names: Mapping[Any, str] | None = None,
    leave_out: Iterable[Any] = (),
    home: str = HOME,
) -> Recording:
    """Record what is written to the tables of models into a history, by whatever means it is written.

    The models are mapped classes, a declarative base (all of its classes) or `Table` objects; tables of subclasses and
    of many-to-many relationships belong to them. A row is in `history.table(name)`, whose name is that of the table
    unless `names` gives another. `leave_out` are attributes whose values are never recorded, such as a password. `home`
    is the schema of the outbox in PostgreSQL. Nothing is made in the database: `begin`, or `install` in a migration,
    does that. Raises `DefinitionError`.
    """
    _check(models, engine, history)
    described = captured(*models, names=names, leave_out=leave_out)
    parts: dict[str, list[Part]] = {}
    for table, one in described.items():
        parts.setdefault(one.history, []).append((one, table))
    return Recording(
        Capture(list(described.values()), home=home),
        engine,
        history,
        {name: in_order(some) for name, some in parts.items()},
        versions(*models),
    )
