"""One store through two objects that have it open: each call goes to the other one than the call before.

What one of them kept to itself, the other would not see, and the suite would fail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from backstory.store import ALL, Caches, Log, Refs, Store, Verdict
from backstory.unit import Batch, Hook, Outcome, Step, Unit
from backstory.values.commit import Commit, Head
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key
from backstory.values.query import Query


class Turns:
    """Gives one of two things, and then the other."""

    def __init__(self) -> None:
        self._calls = count()

    def take(self, first: Any, second: Any) -> Any:
        return second if next(self._calls) % 2 else first


class SharedLog:
    """A log through two objects."""

    def __init__(self, first: Log, second: Log, turns: Turns) -> None:
        self._both = (first, second)
        self._turns = turns

    def _one(self) -> Log:
        log: Log = self._turns.take(*self._both)
        return log

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        return self._one().append(batches, beside=beside, within=within)

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        return self._one().read(query, after=after, upto=upto, backwards=backwards, limit=limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        return self._one().commits(after=after, upto=upto, backwards=backwards, limit=limit)

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        return self._one().commits_at(positions)

    def find(self, name: str) -> list[Commit]:
        return self._one().find(name)

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        return self._one().linked(key, id, after=after, upto=upto, limit=limit)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        return self._one().counts(after=after, upto=upto)

    def head(self) -> Head:
        return self._one().head()

    def wait(self, after: int, timeout: float | None = None) -> int:
        return self._one().wait(after, timeout)


class SharedRefs:
    """Refs through two objects."""

    def __init__(self, first: Refs, second: Refs, turns: Turns) -> None:
        self._both = (first, second)
        self._turns = turns

    def _one(self) -> Refs:
        refs: Refs = self._turns.take(*self._both)
        return refs

    def get(self, name: str) -> str | None:
        return self._one().get(name)

    def list(self, prefix: str = "") -> Mapping[str, str]:
        return self._one().list(prefix)


class SharedCaches:
    """Caches through two objects."""

    def __init__(self, first: Caches, second: Caches, turns: Turns) -> None:
        self._both = (first, second)
        self._turns = turns

    def _one(self) -> Caches:
        caches: Caches = self._turns.take(*self._both)
        return caches

    def get(self, name: str) -> bytes | None:
        return self._one().get(name)

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        return self._one().get_all(names)

    def names(self, prefix: str = "") -> Sequence[str]:
        return self._one().names(prefix)

    def set(self, name: str, value: bytes | None) -> None:
        self._one().set(name, value)


class SharedStore:
    """A store through two objects; a transaction is joined through the one that began it."""

    def __init__(self, first: Store, second: Store) -> None:
        self._both = (first, second)
        self._turns = Turns()
        self.persistent = first.persistent
        self.spans_logs = first.spans_logs
        self.joins = first.joins
        self.tables = first.tables
        self.seat = first.seat
        self.joined = first.joined
        self.join = first.join
        self.refs = SharedRefs(first.refs, second.refs, self._turns)
        self.caches = SharedCaches(first.caches, second.caches, self._turns)

    def _one(self) -> Store:
        store: Store = self._turns.take(*self._both)
        return store

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        return self._one().write(units)

    def log(self, number: int = 0) -> SharedLog:
        first, second = self._both
        return SharedLog(first.log(number), second.log(number), self._turns)

    def logs(self) -> Sequence[int]:
        return self._one().logs()

    def origin(self, number: int = 0) -> Head:
        return self._one().origin(number)

    def holding(self, position: int, hash: bytes) -> Sequence[int]:
        return self._one().holding(position, hash)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self._both[0].watch(callback)

    def wake(self) -> None:
        self._both[0].wake()

    def problems(self) -> Iterator[str]:
        return self._one().problems()

    def close(self) -> None:
        for store in self._both:
            store.close()
