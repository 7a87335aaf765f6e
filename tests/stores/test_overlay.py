"""Branches of branches, as a store: every append stands on a new log, so that whatever is read crosses borders."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import msgspec
import pytest

from backstory.conformance import LogConformance
from backstory.conformance.sample import decided, fact, fill, ids, one, positions
from backstory.errors import Conflict, HeadMoved, IdReused, RefMoved
from backstory.store import ALL, Log, Refs, Store, Verdict, append, create_log
from backstory.stores.memory import MemoryStore
from backstory.stores.overlay import OverlayLog
from backstory.stores.sqlite import SqliteStore
from backstory.unit import Append, Batch, Hook, NewLog, Outcome, SetRef, Step, Unit, Written
from backstory.values.commit import ORIGIN, Commit, Head
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key
from backstory.values.query import Query

DEPTH = 6
"""How many logs lie on top of each other at most."""


class ForkingLog:
    """A log that is forked before each append, into the next of some stores."""

    def __init__(self, base: Log, origin: Head, stores: Iterator[Store]) -> None:
        self._stores = stores
        self._forking = threading.RLock()
        self._depth = 0
        self._fork(base, origin)

    def _fork(self, base: Log, origin: Head) -> None:
        store = next(self._stores)
        self.now = OverlayLog(base, origin, store.log(create_log(store, origin)))
        self._depth += 1

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        with self._forking:
            if self._depth < DEPTH:
                self._fork(self.now, self.now.head())
            return self.now.append(batches, beside=beside, within=within)

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        return self.now.read(query, after=after, upto=upto, backwards=backwards, limit=limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        return self.now.commits(after=after, upto=upto, backwards=backwards, limit=limit)

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        return self.now.commits_at(positions)

    def find(self, name: str) -> list[Commit]:
        return self.now.find(name)

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        return self.now.linked(key, id, after=after, upto=upto, limit=limit)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        return self.now.counts(after=after, upto=upto)

    def head(self) -> Head:
        return self.now.head()

    def wait(self, after: int, timeout: float | None = None) -> int:
        """In short turns: the log that one waits for may be forked meanwhile."""
        until = time.monotonic() + (1e9 if timeout is None else timeout)
        while (head := self.now.wait(after, min(0.01, max(until - time.monotonic(), 0)))) <= after:
            if time.monotonic() >= until:
                break
        return head


class ForkingStore:
    """Such logs, as a store. The base of each goes on beyond the point that the log stands on.

    Refs are the same in each of the stores, because a log judges guards by the refs of its own store. A unit is one
    batch with its guards, one ref, or one new log: what spans stores cannot be one transaction.
    """

    persistent = False
    tables = None
    seat = None
    joins = False

    def __init__(self, *stores: Store) -> None:
        self._stores = stores
        self._next = cycle(stores)
        self.refs: Refs = stores[0].refs
        self._origins: list[Head] = []
        self._logs: list[ForkingLog] = []
        self._setting = threading.Lock()
        self._make(ORIGIN)

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        return list(map(self._write, units))

    def _write(self, unit: Unit) -> Outcome:
        first, *guards = unit.steps
        if isinstance(first, Append):
            assert isinstance(first.log, int)
            [verdict] = self._logs[first.log].append([first.batch], beside=guards)
            return Written((verdict,)) if isinstance(verdict, tuple) else verdict
        with self._setting:
            if isinstance(first, NewLog):
                return Written((), (self._make(first.origin),))
            outcomes = [store.write([unit])[0] for store in self._stores]
            return outcomes[0]

    def _make(self, origin: Head) -> int:
        base = next(self._next)
        beyond = base.log(create_log(base, origin))
        one(beyond, *[fact("A", "x:1"), fact("Paid", "seat:1")] * 3)
        self._logs.append(ForkingLog(beyond, origin, self._next))
        self._origins.append(origin)
        return len(self._logs) - 1

    def log(self, number: int = 0) -> ForkingLog:
        self.origin(number)
        return self._logs[number]

    def logs(self) -> Sequence[int]:
        self._stores[0].logs()  # refuses where it is closed
        return range(len(self._logs))

    def origin(self, number: int = 0) -> Head:
        if not 0 <= number < len(self._logs):
            raise KeyError(number)
        return self._origins[number]

    def problems(self) -> Iterator[str]:
        for store in self._stores:
            yield from store.problems()

    def close(self) -> None:
        for store in self._stores:
            store.close()


class TestOverlaysInMemory(LogConformance):
    def open_store(self, tmp_path: Path) -> ForkingStore:
        return ForkingStore(MemoryStore())


@pytest.mark.usefixtures("few")
class TestOverlaysThatAlternateBetweenTwoStores(LogConformance):
    def open_store(self, tmp_path: Path) -> ForkingStore:
        return ForkingStore(SqliteStore(tmp_path / "history.db"), MemoryStore())


@pytest.fixture
def base() -> Log:
    """Three events, by which a branch stands, and one beyond."""
    log = MemoryStore().log()
    append(log, decided(fact("A", "x:1"), id="one"), decided(fact("B"), fact("B"), id="two"))
    return log


@pytest.fixture
def branch(base: Log) -> OverlayLog:
    """A branch of it, with one event of its own."""
    store = MemoryStore()
    made = OverlayLog(base, base.head(), store.log(create_log(store, base.head())))
    one(base, fact("Beyond", "x:1"))
    append(made, decided(fact("C"), id="three"))
    return made


def test_a_retry_is_known_whatever_its_condition_says_of_the_base(branch: OverlayLog) -> None:
    again = decided(fact("C"), id="three", query=Query.of(["A"]), after=0)
    assert isinstance(branch.append([[again]])[0], IdReused)  # another condition is another content
    kept = decided(fact("D"), id="four", query=Query.of(["A"]), after=4)
    first = append(branch, kept)
    [verdict] = branch.append([[decided(fact("D"), id="four", query=Query.of(["A"]), after=0)]])
    assert verdict == first


def test_ids_of_base_and_branch_in_one_batch_were_used_in_others(branch: OverlayLog) -> None:
    for batch in (["two", "new"], ["new", "two"]):
        [verdict] = branch.append([[decided(id=id) for id in batch]])
        assert isinstance(verdict, IdReused)
    [verdict] = branch.append([[decided(fact("A", "x:1"), id="one"), decided(fact("A", "x:1"), id="one")]])
    assert isinstance(verdict, IdReused)
    assert branch.head().position == 4


def test_a_batch_that_names_a_parent_is_moved_before_it_is_in_conflict(branch: OverlayLog) -> None:
    conflicting = decided(query=Query.of(["A"]), after=0)
    [verdict] = branch.append([[msgspec.structs.replace(conflicting, parent=bytes(32))]])
    assert isinstance(verdict, HeadMoved)


def test_batches_beside_one_that_the_base_refuses_go_in(branch: OverlayLog) -> None:
    verdicts = branch.append(
        [
            [decided(id="a")],
            [decided(query=Query.of(["A"]), after=0, id="b")],
            [decided(id="c", query=Query.of(["A"]), after=1)],
            [decided(fact("B"), fact("B"), id="two")],
        ]
    )
    assert [type(verdict) for verdict in verdicts] == [tuple, Conflict, tuple, tuple]
    assert ids(branch.commits()) == ["one", "two", "three", "a", "c"]


def test_an_id_that_is_the_beginning_of_a_hash_in_the_base_is_a_new_id(branch: OverlayLog) -> None:
    prefix = next(branch.base.commits()).hash.hex()[:12]
    [commit] = append(branch, decided(id=prefix))
    assert list(branch.commits())[-1] == commit
    assert ids(branch.find(prefix)) == [prefix, "one"]


def test_nothing_beyond_the_point_is_seen(branch: OverlayLog) -> None:
    fill(branch.base)
    assert positions(branch.read(Query.of(tags=["x:1"]))) == [1]
    assert branch.find(list(branch.base.commits())[2].id) == []
    append(branch, decided(query=Query.of(["Beyond"]), after=0))
    assert branch.head().position == 5


def test_a_batch_that_the_base_knows_is_done_with_what_stands_beside_it() -> None:
    store = MemoryStore()
    known = decided()
    commits = append(store.log(), known)
    branch = OverlayLog(store.log(), commits[-1].point, store.log(create_log(store, commits[-1].point)))
    setting, moved = SetRef("settled/trial", "[]", None), SetRef("settled/trial", "1", "0")
    assert branch.append([[known]], beside=[setting]) == [commits]
    assert store.refs.get("settled/trial") == "[]"
    assert isinstance(branch.append([[known]], beside=[moved])[0], RefMoved)


def test_nothing_beside_a_batch_that_the_base_refuses_is_done() -> None:
    store = MemoryStore()
    [commit] = append(store.log(), decided(fact("A")))
    branch = OverlayLog(store.log(), commit.point, store.log(create_log(store, commit.point)))
    refused = decided(query=Query.of(["A"]), after=0)
    [verdict] = branch.append([[refused]], beside=[SetRef("settled/trial", "[]", None)])
    assert isinstance(verdict, Conflict)
    assert store.refs.get("settled/trial") is None
