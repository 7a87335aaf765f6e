"""The groups of an open database: reading their rows, waiting for them, and bringing them up to date."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from backstory.decide.state import State
from backstory.errors import (
    Behind,
    FoldedWarning,
    ProjectionError,
    ScannedWarning,
    StoreClosed,
    WithheldWarning,
)
from backstory.forks import on_fork
from backstory.place import Place
from backstory.projections.building import Tick, feed_to_end, ignore, rebuild
from backstory.projections.catalog import DIVERGED, RUNNING, Row, newest
from backstory.projections.count import size
from backstory.projections.find import Asked, Page, in_table, scans
from backstory.projections.homes import Home, ensured, home_of
from backstory.projections.materialize import Materialized
from backstory.projections.moves import Moves
from backstory.projections.projection import AnyProjection, Group, groups, instance
from backstory.projections.source import Source
from backstory.store import Store
from backstory.tables import Transaction
from backstory.told import pasted, warn

T = TypeVar("T")

FIRST_LOOK, LOOK, SLOWER = 0.0003, 0.005, 1.3
"""Seconds between two looks of a reader who waits, if nothing wakes it: another process may feed the tables.

They grow from the first to the last, because most who wait have just appended, and what they wait for is on its way.
"""

SCANNED = 10_000
"""Rows of a table from which on it is said once that a search looks at all of them."""


class Views:
    """The groups that a database knows, by name: those that are inline, that it runs, or that somebody read."""

    def __init__(self, store: Store, source: Source) -> None:
        self._store = store
        self._source = source
        self._groups: dict[str, Group] = {}
        self._homes: dict[tuple[str, str], Home] = {}
        self.inline: set[str] = set()
        self.warned: set[type[State]] = set()
        self._warned_of_withheld: set[type[State]] = set()
        self._scanned: set[tuple[Any, ...]] = set()
        self._running: list[AbstractContextManager[Any]] = []
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self.moved = threading.Condition()
        self._moves = Moves(self._source)

    @property
    def source(self) -> Source:
        """The events that the groups are made from."""
        return self._source

    def know(self, projections: Iterable[AnyProjection]) -> list[Group]:
        """The groups of these projections, which are known from now on. Raises `DefinitionError`."""
        found = groups(projections)
        self._groups |= found
        return list(found.values())

    def begin_inline(self, projections: Iterable[AnyProjection]) -> None:
        """Know these as inline, and bring them to the end of the log. Raises `ProjectionError`."""
        own = self.know(projections)
        self.inline.update(group.name for group in own)
        for group in own:
            self.catch_up(group)

    def group_of(self, projection: AnyProjection) -> Group:
        """The group of a projection. Raises `ProjectionError` if it has other members that are not known here."""
        one = instance(projection)
        known = self._groups.get(one.group)
        if known is not None and any(map(one.is_same, known.members)):
            return known
        if one.group != one.name:
            raise ProjectionError(
                f"{one.name} belongs to the group {one.group}, whose members are not known here; name all of them:"
                " db.project(...)"
            )
        return self.know([one])[0]

    def home(self, group: Group) -> Home:
        """Where the tables of a group lie. Raises `StoreRefused`."""
        known = self._homes.get(group.key)
        if known is None:
            known = home_of(group, self._store, inline=self.is_inline(group))
            self._homes[group.key] = known
        return known

    def is_inline(self, group: Group) -> bool:
        """Whether appends feed it: here, or in another process, whose tables are in the database of the log."""
        if group.name in self.inline or group.into is not None:
            return group.into is None
        beside, inside = (home_of(group, self._store, inline=inline) for inline in (False, True))
        return type(beside) is not type(inside) and not beside.rows() and bool(inside.rows())

    def ensured(self, group: Group) -> Home:
        """The home of a group, which has a generation at least. Raises `ProjectionError`."""
        home = self.home(group)
        ensured(home)
        return home

    def catch_up(self, group: Group) -> None:
        """Bring the tables of an inline group to the end of the log, in this thread. Raises `ProjectionError`."""
        rows = ensured(home := self.home(group))
        row = newest(row for row in rows if row.live) or newest(rows)
        assert row is not None
        feed_to_end(home, self._source, row)

    def rebuild(self, group: Group, tick: Tick = ignore, *, wait: bool = True) -> None:
        """Make the tables of a group anew beside those that readers see; see `building.rebuild`."""
        rebuild(self.ensured(group), self._source, tick, wait=wait)

    def rows(
        self,
        projection: AnyProjection,
        sql: str,
        arguments: Sequence[Any],
        *,
        after: int | None,
        timeout: float,
        into: Callable[..., T] | None,
    ) -> list[Any]:
        """The rows of a query; see `Database.rows`."""
        group = self.group_of(projection)
        self._see(group, after, timeout)
        with self._reading(group, timeout) as tx:
            found = tx.rows(sql, arguments)
        return found if into is None else [into(*row) for row in found]

    def _see(self, group: Group, after: int | None, timeout: float) -> None:
        """Wait until readers see a position; of an inline group they see all, whoever appended it."""
        if after is None and group.name in self.inline:
            after = self._source.head().position
        if after is not None:
            self.wait(group, after, timeout)

    @contextmanager
    def _reading(self, group: Group, timeout: float) -> Iterator[Transaction]:
        home, until = self.home(group), time.monotonic() + timeout
        while True:
            with home.reading() as found:
                if found is not None:
                    row, tx = found
                    self._check(row)
                    yield tx
                    return
            self._wait_to_be_built(group, until)

    def _wait_to_be_built(self, group: Group, until: float) -> None:
        head = self._source.head().position
        building = newest(self.home(group).rows())
        if (building is not None and building.state != RUNNING) or time.monotonic() > until:
            raise self._behind(group, building, head, head)
        self._sleep(until)

    def _check(self, row: Row) -> None:
        if row.state == DIVERGED:
            raise ProjectionError(f"projection {row.name} cannot be read: {row.why}")

    def wait(self, group: Group, position: int, timeout: float) -> None:
        """Sleep until readers see all events of the group up to a position. Raises `Behind`, with the reason."""
        home, until = self.home(group), time.monotonic() + timeout
        pause = FIRST_LOOK
        while True:
            rows = home.rows()
            row = newest(row for row in rows if row.live)
            if (
                row is not None
                and row.state != DIVERGED
                and (
                    row.position >= position
                    or not self._source.lies_between(row.position, position, group.types)
                )
            ):
                return
            if group.name in self.inline and (row is None or row.state == RUNNING):
                self.catch_up(group)
                continue
            row = row or newest(rows)
            if (row is not None and row.state != RUNNING) or time.monotonic() > until:
                raise self._behind(group, row, position, self._source.head().position)
            self._sleep(until, pause)
            pause = min(LOOK, SLOWER * pause)

    def _behind(self, group: Group, row: Row | None, asked: int, head: int) -> Behind:
        run = f"run it with db.run(...) or {pasted('run')}"
        if row is None:
            return Behind(group.name, 0, asked, head, f"nobody has ever run it; {run}")
        if row.state != RUNNING:
            why = f"it is {row.state}: {row.why}" if row.why else f"it is {row.state}"
        else:
            with self.home(group).writing(row.generation) as tx:
                left = self.home(group).catalog.leases(tx, [row]).get(row.key, 0.0)
            why = f"nobody runs it; {run}" if left <= 0 else "" if row.live else "it is being built"
        return Behind(group.name, row.position, asked, head, why)

    def _sleep(self, until: float, pause: float = LOOK) -> None:
        with self.moved:
            self.moved.wait(min(pause, max(0.0, until - time.monotonic())))

    def tell(self) -> None:
        """Wake those who wait: some tables have moved."""
        with self.moved:
            self.moved.notify_all()
        self._moves.look_now.set()

    def watch(self, group: Group, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function soon after the tables of a group have moved; return a function that ends this."""
        return self._moves.add(self.home(group), callback)

    def seen(
        self, group: Group, sql: str, arguments: Sequence[Any], into: Callable[..., Any] | None
    ) -> tuple[list[Any], Place] | None:
        """The rows of a query now, and the place that they are of; None where no tables are there to be read yet."""
        if self._moves.closed:
            raise StoreClosed("this database is closed")
        with self.home(group).reading() as found:
            if found is None:
                return None
            row, tx = found
            self._check(row)
            rows: list[Any] = tx.rows(sql, arguments)
        rows = rows if into is None else [into(*each) for each in rows]
        return rows, Place.at(row.position, row.hash)

    def kept(self, cls: type[State]) -> Materialized | None:
        """The table that is kept of a class, where one is known."""
        for group in self._groups.values():
            for each in group.members:
                if isinstance(each, Materialized) and each.cls is cls:
                    return each
        return None

    def find(self, kept: Materialized, asked: Asked, after: int | None, timeout: float) -> Page[Any]:
        """Find in a table; see `Database.find`."""
        group = self.group_of(kept)
        self._see(group, after, timeout)
        with self._reading(group, timeout) as tx:
            if scans(kept, asked):
                self._warn_of_scanning(kept, asked, tx)
            return in_table(kept, asked, tx)

    def _warn_of_scanning(self, kept: Materialized, asked: Asked, tx: Transaction) -> None:
        """Say once for each condition and order that all rows of a large table are looked at."""
        question = (kept.cls, re.sub(r"'[^']*'|\"[^\"]*\"|[\d.]+", "", asked.where), asked.order_by)
        if question in self._scanned or size(kept, tx) <= SCANNED:
            return
        self._scanned.add(question)
        name = kept.cls.__qualname__
        cls = f'db.table("{name}").state' if kept.cls.inside else name
        words = (
            f"find({name}) looks at every row of a large table for where={asked.where!r} and"
            f" order_by={asked.order_by!r}; name the fields: db.materialize({cls}, index=[...])"
        )
        warn(words, ScannedWarning)

    def warn_of_folding(self, cls: type[State]) -> None:
        """Say once that states of a class are found by folding, which takes longer with each event."""
        if cls not in self.warned:
            self.warned.add(cls)
            name = cls.__qualname__
            words = (
                f'find folds all events of the table {name}; keep its rows: db.materialize(db.table("{name}").state)'
                if cls.inside
                else f"find({name}) folds all events of every {name}; keep a table of them: db.materialize({name})"
            )
            warn(words, FoldedWarning)

    def warn_of_withheld(self, cls: type[State], keys: Sequence[str]) -> None:
        """Say once that rows of a table are left out, because nobody knows all of their fields."""
        if cls not in self._warned_of_withheld:
            self._warned_of_withheld.add(cls)
            some = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
            words = f"find leaves out rows of {cls.__qualname__}, because data of their events are withheld: {some}"
            warn(words, WithheldWarning)

    def keep_running(self, runner: AbstractContextManager[Any]) -> None:
        """Let a runner work until this is closed."""
        runner.__enter__()
        self._running.append(runner)

    def close(self) -> None:
        """End what runs here, and let go of files."""
        self._moves.close()
        while self._running:
            self._running.pop().__exit__(None, None, None)
        for home in self._homes.values():
            getattr(home, "close", lambda: None)()
