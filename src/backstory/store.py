"""The contract of a store, as a few small Protocols: immutable logs, mutable refs, and one way to write to both.

`backstory.conformance` is the specification as tests: a class of any author that passes them is a store.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias

import msgspec

from backstory.errors import AppendError, RefMoved
from backstory.tables import Tables, Transaction
from backstory.unit import Batch, Hook, Outcome, SetRef, Step, Unit, Written, new_log
from backstory.values.commit import Commit, Draft, Head
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key
from backstory.values.query import Query

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    E = TypeVar("E", covariant=True, default=Any)  # noqa: PLC0105 - it is the parameter of functions, too
    """The class of an event."""
else:
    from typing import TypeVar

    E = TypeVar("E")

ALL = Query.all()
"""The query that every event matches."""

Verdict: TypeAlias = tuple[Commit, ...] | AppendError
"""The verdict on a batch: its commits, or the error that says why it did not go in, which a caller may raise."""


class Log(Protocol):
    """The ordered, gapless sequence of commits of one branch. Safe for many threads, and for many processes."""

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch, in order, and durably; return a verdict for each.

        The verdict on a batch is the first of these that fits:

        1. One id stands twice in the batch: `IdReused`.
        2. All of its ids are known, with the same content: the recorded commits. So a retry is safe for ever. A
           retry may carry another time, position or parent: these are not content.
        3. Some of its ids are known, or known with other content: `IdReused`.
        4. Its first draft names a parent, and that is not the head: `HeadMoved`.
        5. A draft was decided on a position that neither the log nor the drafts before it reach: `AheadOfLog`.
        6. The log has an event that a draft's condition forbids: `Conflict`.
        7. A step beside it cannot be done: the verdict on that step.
        8. The batch goes in whole: its new commits.

        Cases 5 and 6 are asked of one draft after the other. The log is as it was before the batch, with the batches
        before it. Each batch is a unit, together with the steps `beside` it and the hook `within`; see `Store.write`.
        Raises `StoreError` if nothing of any batch was kept.
        """
        ...

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """Stream the events that match, with `after < position <= upto`, in order of position.

        The stream is of the log as it was when the read began; `upto=None` means its head then.
        """
        ...

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits with `after < position <= upto`, a commit's position being that of its last event."""
        ...

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """The commits that hold these positions, each once, in order; none for a position that is not in the log."""
        ...

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean: the one with this id, and those whose hash, in hex, starts with it."""
        ...

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits whose metadata names this id under a key of `backstory.values.links`.

        Bounds are those of `commits`. It is a look-up: its cost does not grow with the log. Raises `InvalidEvent` for
        an id that no metadata can have.
        """
        ...

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """Count the events of the commits with `after < position <= upto`, by command, type and version.

        The same three may come several times: then their events add up. A store may count all of them in one step,
        which nothing stops: ask for some thousand positions at a time.
        """
        ...

    def head(self) -> Head:
        """The end of the log now."""
        ...

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`, at most for `timeout` seconds; return the head's position then."""
        ...


class Refs(Protocol):
    """Small mutable values by name: branches, marks, settings. A unit with a `SetRef` changes them.

    Names are paths such as `mark/q3`; values are texts. `backstory.refs` lists the names that the library uses.
    """

    def get(self, name: str) -> str | None:
        """The value of a ref; None if there is no such ref."""
        ...

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        ...


class Caches(Protocol):
    """Values by name that may be gone at any time, and that no truth depends on: the snapshots of states."""

    def get(self, name: str) -> bytes | None:
        """The value that is kept under a name; None if there is none."""
        ...

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are kept under some of these names."""
        ...

    def names(self, prefix: str = "") -> Sequence[str]:
        """All names that start with `prefix`, sorted."""
        ...

    def set(self, name: str, value: bytes | None) -> None:
        """Keep a value (None: forget it). Of several at the same time, one is kept. Raises if it cannot be written."""
        ...


class Store(Protocol):
    """Logs and refs that live in one place.

    A new store has one log, which stands on nothing, and the ref `branch/main`, which names it.
    """

    @property
    def persistent(self) -> bool:
        """Whether its content is there again after it was closed and opened."""
        ...

    @property
    def spans_logs(self) -> bool:
        """Whether one unit may append to several logs; else more than one raises `StoreRefused`."""
        ...

    @property
    def joins(self) -> bool:
        """Whether it can write inside a transaction of its tables; see `joined`."""
        ...

    @property
    def seat(self) -> str | None:
        """The one place where this store lies, as a text that no copy of it has; None if nobody can say.

        For a file it is its path and its inode. A store that is moved, restored or copied has another seat, or none.
        """
        ...

    @property
    def refs(self) -> Refs:
        """The pointers of this store."""
        ...

    @property
    def caches(self) -> Caches:
        """Values that this store keeps to be quicker."""
        ...

    @property
    def tables(self) -> Tables | None:
        """The tables that are written in the transactions of this store's units; None if it has no tables."""
        ...

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit whole or not at all, in order, and durably; return the outcome of each.

        1. Each step of a unit is judged on the store as it was before the unit, with the units before it.
        2. A step that holds already is done: a batch whose commits are known (`Log.append`, case 2), a ref that has the
           new value, a log that was made under this id, a part that is withheld, a log that is not there any more.
        3. If each step that writes holds already, the unit is done, whatever its guards say.
        4. Otherwise the first step that cannot be done gives the verdict, and nothing of the unit is done.
        5. Judging and writing are one step: nothing that a unit was judged by changes before the unit is done.
        6. The hook of a unit runs after all units were judged and written, and before any of them is kept. Units with
           the same hook share one run of it. An error that it raises is raised here, and no unit is done.

        Raises `StoreError` if nothing of any unit was kept, or if that is not known: then write the units again.
        """
        ...

    def log(self, number: int = 0) -> Log:
        """Open a log by its number; 0 is the one that a new store has. Raises `KeyError` for one that is not there."""
        ...

    def logs(self) -> Sequence[int]:
        """The numbers of all logs, in the order in which they were made. No number is given twice."""
        ...

    def origin(self, number: int = 0) -> Head:
        """The point that a log stands on: its first event has the position after this. Raises `KeyError`."""
        ...

    def holding(self, position: int, hash: bytes) -> Sequence[int]:
        """The numbers of the logs that have this commit end at this position themselves, in order."""
        ...

    def joined(self, transaction: Transaction) -> Store:
        """This store inside a transaction of its tables, which somebody else began and ends.

        Its writes are kept with the transaction or not at all. Until then nobody else sees them, and every other
        write that could conflict with them waits. It reads the store as the transaction sees it. It wakes no watcher,
        keeps nothing in caches, and ends with the transaction. A savepoint of the transaction takes the commits back
        that were appended since; a store that cannot do that refuses the savepoint.

        Raises `StoreRefused` if this store joins nothing.
        """
        ...

    def join(self, connection: Any) -> Transaction:
        """A transaction that somebody else began, and will end, on a connection of theirs to this store's database.

        Raises `StoreRefused` for a connection of another driver, to another database or without a transaction, and if
        this store cannot join any.
        """
        ...

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function soon after each time that a log may have grown; return a function that ends this.

        The call may come from any thread, once for many appends, or without any: also when the store was closed, or
        cannot look. It must be short. An error that it raises goes to `threading.excepthook`, and to nobody else.
        A child of a fork has no watchers. All watchers of a store together cost at most one thread.
        """
        ...

    def wake(self) -> None:
        """Look now for events of others, because somebody has heard of them."""
        ...

    def problems(self) -> Iterator[str]:
        """The faults inside the store that its contract does not show: indexes, pages. Each names its place."""
        ...

    def close(self) -> None:
        """Let go of files and connections. A second call does nothing."""
        ...


class Held(msgspec.Struct, frozen=True):
    """A commit in the place of a function that finds it."""

    commit: Commit | None

    def __call__(self, _position: int) -> Any:
        """The commit."""
        return self.commit


class Record(Generic[E]):
    """An event in a log, with its place and its commit, which is looked up when it is asked for.

    `find` looks it up, by its position: mostly for many records at once. It is let go of then.
    """

    __slots__ = ("_commit", "event", "stored")

    def __init__(self, event: E, stored: RecordedEvent, find: Callable[[int], Commit]) -> None:
        self.event = event
        self.stored = stored
        self._commit: Commit | Callable[[int], Commit] = find

    def __repr__(self) -> str:
        return f"Record(#{self.position} {self.event!r})"

    def _repr_html_(self) -> str:
        """For notebooks: a row for each field of the event, masked."""
        from backstory.values.masking import own_html

        return own_html(self.event, f"#{self.position} {self.type}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.event, self.stored) == (other.event, other.stored)

    def __hash__(self) -> int:
        return hash(self.stored)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, also by pickle, holds its commit: the log may be out of its reach."""
        return Record, (self.event, self.stored, Held(self.commit))

    @property
    def position(self) -> int:
        """Its place in the log, from 1."""
        return self.stored.position

    @property
    def type(self) -> str:
        """The name under which it is stored."""
        return self.stored.type

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the event."""
        return self.stored.tags

    @property
    def commit(self) -> Commit:
        """The commit that it came in."""
        commit = self._commit
        if not isinstance(commit, Commit):
            commit = self._commit = commit(self.stored.commit)
        return commit

    @property
    def authored(self) -> datetime:
        """When it happened: the time at which its commit was decided, which goes with it into every log.

        Rules of the business and lists for people use this one.
        """
        return self.commit.authored

    @property
    def time(self) -> datetime:
        """The log's time when it got the event, by which `@{time}` goes: the latest `authored` so far.

        It never goes back, so an old fact that came in late has the time of a later one.
        """
        return self.commit.time

    @property
    def author(self) -> str:
        """The author of its commit."""
        return self.commit.author

    @property
    def message(self) -> str:
        """The message of its commit."""
        return self.commit.message

    @property
    def metadata(self) -> dict[str, Any]:
        """The free metadata of its commit."""
        return self.commit.metadata


def append(log: Log, *drafts: Draft) -> tuple[Commit, ...]:
    """Append one batch and return its commits, or raise the error that says why it did not go in."""
    [verdict] = log.append([drafts])
    if isinstance(verdict, tuple):
        return verdict
    raise verdict


def write(store: Store, *steps: Step) -> Written:
    """Do one unit of these steps, or raise the error that says why it was not done."""
    [outcome] = store.write([Unit(steps)])
    if isinstance(outcome, Written):
        return outcome
    raise outcome


def set_ref(store: Store, name: str, value: str | None, *, old: str | None) -> bool:
    """Set a ref (None: delete it) if its value is still `old` (None: no ref); return whether it has `value` now."""
    [outcome] = store.write([Unit((SetRef(name, value, old),))])
    if isinstance(outcome, Written | RefMoved):
        return isinstance(outcome, Written)
    raise outcome


def create_log(store: Store, origin: Head) -> int:
    """Make an empty log whose first commit will stand on `origin`, and return its number."""
    return write(store, new_log(origin)).logs[0]
