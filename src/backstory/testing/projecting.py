"""Projections in tests: the rows that follow from events, and the proof that they follow however they are fed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

import apsw

from backstory.database import Database
from backstory.errors import ProjectionError
from backstory.projections.applying import FailedError, apply, decoded
from backstory.projections.catalog import Row
from backstory.projections.feed import Feed, Step
from backstory.projections.homes import Home, SharedHome
from backstory.projections.names import Own, declared, suffix_of
from backstory.projections.projection import AnyProjection, Group
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite.tables import SqliteTransaction
from backstory.tables import Row as Values
from backstory.tables import Transaction
from backstory.testing.history import History, as_commits
from backstory.testing.story import Story
from backstory.values.codec import PLAIN

MOST_CRASHES = 200
"""Statements at which `check_projection` lets a projection crash; of more, it takes so many of them, evenly."""

TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


class Projected:
    """The tables of a projection, made from given events in SQLite: compare their rows with the expected ones."""

    def __init__(self, story: Story, past: History, projection: AnyProjection) -> None:
        __tracebackhide__ = True
        self._group = Group([projection])
        self._story = story
        story.facts.projects.extend(each.name for each in self._group.members)
        story.tell("When", [f"it is projected by {self._group.name}"])
        self._tx = SqliteTransaction(apsw.Connection(":memory:"))
        self._own = Own(self._tx)
        self._own.execute(self._group.schema("sqlite"))
        records = [record for record in past.records if record.type in self._group.types]
        try:
            apply(self._group, decoded(self._group, records, PLAIN), self._own, past.commits.__getitem__)
        except FailedError as failed:
            raise story.failure(f"{self._group.name} failed: {failed.why}") from failed.__cause__

    def then_rows(self, sql: str, rows: Iterable[Sequence[Any]], arguments: Sequence[Any] = ()) -> Projected:
        """Expect these rows of a query, in this order. Times and decimals are texts, as SQLite has them."""
        __tracebackhide__ = True
        expected, actual = list(map(tuple, rows)), self._own.rows(sql, arguments)
        if expected != actual:
            lines = [f"- {row!r}   expected" for row in expected if row not in actual]
            lines += [f"+ {row!r}   not expected" for row in actual if row not in expected]
            raise self._story.failure(
                f"{sql} gave other rows than expected", lines or list(map(repr, actual))
            )
        self._story.tell("Then", list(map(repr, actual)) or ["no rows"])
        return self


def check_projection(projection: AnyProjection, history: Iterable[Any]) -> None:
    """Fail if the tables depend on anything but the events: on how they come in batches, on a crash, on a rebuild.

    `history` are events and `committed(...)`, as `given` takes them. The projection is fed a commit at a time; then in
    batches of each size, split in two at each place, and with a crash at every statement, after which it goes on. Each
    time its tables are made anew, and all must be the same. It runs in memory, on SQLite.
    """
    __tracebackhide__ = True
    commits = as_commits(history)
    with closing(Database(MemoryStore())) as db:
        for each in commits:
            db.append(*each.events, author=each.author, message=each.message, metadata=dict(each.metadata))
        expected = _fed(db, projection, [1])
        for size in range(2, len(commits) + 1):
            _compare(expected, _fed(db, projection, [size]), f"in batches of {size}")
        for size in range(1, len(commits)):
            _compare(expected, _fed(db, projection, [size, len(commits)]), f"split after event {size}")
        statements = _Crashes()
        _fed(db, projection, [len(commits)], statements)
        step = 1 + statements.count // MOST_CRASHES
        for number in range(1, statements.count + 1, step):
            crashed = _Crashes(number)
            _compare(
                expected, _fed(db, projection, [len(commits)], crashed), f"with a crash at statement {number}"
            )


def _compare(expected: dict[str, list[Values]], actual: dict[str, list[Values]], how: str) -> None:
    __tracebackhide__ = True
    for table, rows in expected.items():
        if rows != actual[table]:
            lines = [f"  - {row!r}" for row in rows if row not in actual[table]]
            lines += [f"  + {row!r}" for row in actual[table] if row not in rows]
            raise AssertionError(
                "\n".join([f"fed {how}, {table} has other rows than fed a commit at a time:", *lines])
            )


class _CrashError(Exception):
    """The process dies here."""


class _Crashes:
    """Counts statements, and crashes once, at the one with a number."""

    def __init__(self, at: int = 0) -> None:
        self.count = 0
        self._at = at

    def pass_one(self) -> None:
        """One more statement."""
        self.count += 1
        if self.count == self._at:
            raise KeyboardInterrupt(_CrashError())


class _Counted:
    """A transaction whose statements are counted."""

    def __init__(self, tx: Transaction, crashes: _Crashes) -> None:
        self.dialect = tx.dialect
        self._tx = tx
        self._crashes = crashes

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        self._tx.execute(sql, arguments)
        self._crashes.pass_one()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self.execute(sql, row)

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Values]:
        return self._tx.rows(sql, arguments)


class _CrashingHome(SharedHome):
    """A home whose own statements are counted."""

    def __init__(self, group: Group, db: Database, crashes: _Crashes) -> None:
        assert db.store.tables is not None
        super().__init__(group, db.store.tables)
        self._crashes = crashes

    def own(self, tx: Transaction, generation: int) -> Own:
        return super().own(_Counted(tx, self._crashes), generation)


def _fed(
    db: Database, projection: AnyProjection, sizes: Sequence[int], crashes: _Crashes | None = None
) -> dict[str, list[Values]]:
    """The rows of all tables, fed in batches of these sizes, of which the last is that of all others."""
    group = Group([projection])
    home = _CrashingHome(group, db, _Crashes())
    row = home.make(1 + max((row.generation for row in home.rows()), default=0))
    home._crashes = crashes or home._crashes
    try:
        left = list(sizes)
        while True:
            feed = Feed(home, db.views.source, row, size=left.pop(0) if len(left) > 1 else left[0])
            try:
                step = feed.step()
            except KeyboardInterrupt as crash:
                if not (crash.args and isinstance(crash.args[0], _CrashError)):
                    raise
                [row] = [one for one in home.rows() if one.generation == row.generation]
                continue
            row = feed.row
            if step is Step.KEPT:
                raise ProjectionError(f"projection {group.name} is {row.state}: {row.why}")
            if step is Step.AT_END:
                return _tables(home, row)
    finally:
        home.drop(row)


def _tables(home: Home, row: Row) -> dict[str, list[Values]]:
    """All rows of all tables, sorted."""
    names = sorted(declared(home.group.schema("sqlite")))
    with home.writing(row.generation) as tx:
        suffix = suffix_of(*row.key)
        tables = {name for [name] in tx.rows(TABLES)}
        return {
            name: sorted(tx.rows(f'SELECT * FROM "{name}{suffix}"'), key=repr)  # noqa: S608 - its own names
            for name in names
            if f"{name}{suffix}" in tables
        }
