"""The memory store: plain Python, for tests, and the oracle that the other stores are compared with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backstory.errors import LogDropped, StoreClosed, StoreRefused
from backstory.forks import on_fork
from backstory.refs import MAIN_REF
from backstory.stores.hooks import run_hooks
from backstory.stores.inside import INSIDE
from backstory.stores.memory.log import MemoryLog
from backstory.stores.memory.writing import Now, Writing
from backstory.stores.watchers import Watchers
from backstory.tables import Transaction
from backstory.unit import Outcome, Unit
from backstory.values.commit import ORIGIN, Head
from backstory.values.ids import new_id

if TYPE_CHECKING:
    from backstory.stores.memory.tables import MemoryTables, MemoryTransaction


class MemoryStore:
    """Logs and refs that are gone when the process ends. Its first log stands on `origin`."""

    persistent = False
    spans_logs = True
    joins = True

    def __init__(self, origin: Head = ORIGIN) -> None:
        self.seat = f"memory {new_id()}"
        self.refs = MemoryRefs(self)
        self.caches = MemoryCaches(self)
        self.closed = False
        self._holder: int | None = None  # the thread that is inside of a transaction
        self._tables: MemoryTables | None = None
        self._transaction: MemoryTransaction | None = None  # that this store is inside of
        self._withheld = False
        self._now = Now({0: MemoryLog(self, 0, origin, "")}, {0: origin}, {MAIN_REF: "0"}, 1)
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self.lock = threading.RLock()
        self._watchers = Watchers()

    def __repr__(self) -> str:
        return "MemoryStore()"

    @property
    def tables(self) -> MemoryTables:
        """Tables in memory; see `Store.tables`."""
        from backstory.stores.memory.tables import MemoryTables

        with self.lock:
            if self._tables is None:
                self._tables = MemoryTables(self)
            return self._tables

    @property
    def now(self) -> Now:
        """The current state of the store. Raises `StoreClosed`."""
        self.check_open()
        return self._now

    def check_open(self) -> None:
        """Raise `StoreClosed` where it is closed, `StoreRefused` where the transaction that it is inside of is over."""
        if self.closed:
            raise StoreClosed("this store is closed")
        if self._transaction is not None:
            self._transaction.check_lasts()

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit whole or not at all; see `Store.write`."""
        self.check_outside()
        with self.lock:
            outcomes = self._write(units)
        self._watchers.call()
        return outcomes

    def _write(self, units: Sequence[Unit]) -> list[Outcome]:
        writing = Writing(self, self.now)
        outcomes = [writing.do(unit) for unit in units]
        if any(unit.within is not None for unit in units):
            with self.held(), self.tables.hooks() as transaction:
                run_hooks(transaction, units, outcomes, writing.added)
        self._now = writing.done()
        if writing.withheld:
            self._withheld = True
            self.caches.clear()
        return outcomes

    def check_outside(self) -> None:
        """Raise `StoreRefused` if this thread is inside of a transaction, whose end would undo its write."""
        if self._holder == threading.get_ident():
            raise StoreRefused(INSIDE)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Refuse writes of this thread beside the transaction, for the length of a block; with the lock held."""
        try:
            self._holder = threading.get_ident()
            yield
        finally:
            self._holder = None

    def inside(self, transaction: MemoryTransaction) -> MemoryStore:
        """This store as it is now, to be written inside a transaction of its tables."""
        joined = MemoryStore()
        joined._now = self.now.at(joined)
        joined._transaction, joined._tables = transaction, transaction.tables
        return joined

    def adopt(self, joined: MemoryStore) -> None:
        """Let the writes inside a transaction of the tables become true; with the store's lock held."""
        self._now = joined._now.in_place_of(self._now, self)
        if joined._withheld:
            self.caches.clear()

    def log(self, number: int = 0) -> MemoryLog:
        """Open a log; see `Store.log`."""
        return self.now.logs[number]

    def logs(self) -> Sequence[int]:
        """The numbers of all logs."""
        return list(self.now.logs)

    def origin(self, number: int = 0) -> Head:
        """The point that a log stands on."""
        return self.log(number).origin

    def holding(self, position: int, hash: bytes) -> Sequence[int]:
        """The logs that have this commit; see `Store.holding`."""
        now = self.now
        return [number for number, log in now.logs.items() if log.has(position, hash, now.heads[number])]

    def head(self, number: int) -> Head:
        """The end of a log. Raises `LogDropped`."""
        try:
            return self.now.heads[number]
        except KeyError:
            raise LogDropped(f"log {number} was dropped") from None

    def joined(self, transaction: Transaction) -> MemoryStore:
        """This store inside a transaction of its tables; see `Store.joined`."""
        from backstory.stores.memory.tables import MemoryTransaction

        if isinstance(transaction, MemoryTransaction) and transaction.store is self:
            return transaction.joined
        raise StoreRefused("a store in memory joins only a transaction of its own tables")

    def join(self, connection: Any) -> Transaction:  # noqa: ARG002 - it is refused whatever it is
        """Refuse: nobody else has a connection to this memory."""
        raise StoreRefused(
            "a store in memory has no connections that somebody else could have begun a transaction on"
        )

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each write; see `Store.watch`."""
        return self._watchers.add(callback)

    def wake(self) -> None:
        """Tell the watchers; nobody else can have appended."""
        self._watchers.call()

    def problems(self) -> Iterator[str]:
        """Nothing can be wrong inside a list."""
        return iter(())

    def close(self) -> None:
        """Refuse every later call, and wake the threads that wait."""
        with self.lock:
            self.closed = True
        self._watchers.call()


class MemoryRefs:
    """Refs in a dict."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def get(self, name: str) -> str | None:
        """The value of a ref, None if there is none."""
        return self._store.now.refs.get(name)

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        return {
            name: value for name, value in sorted(self._store.now.refs.items()) if name.startswith(prefix)
        }


class MemoryCaches:
    """Caches in a dict."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._values: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The value that is kept under a name."""
        self._store.check_open()
        return self._values.get(name)

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are kept under some of these names."""
        self._store.check_open()
        return {name: value for name in names if (value := self._values.get(name)) is not None}

    def names(self, prefix: str = "") -> Sequence[str]:
        """All names that start with `prefix`, sorted."""
        self._store.check_open()
        return sorted(name for name in list(self._values) if name.startswith(prefix))

    def set(self, name: str, value: bytes | None) -> None:
        """Keep a value, or forget it."""
        self._store.check_open()
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
