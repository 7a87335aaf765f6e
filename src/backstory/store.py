"""The contract of a store, as two small Protocols: an immutable log, and mutable refs.

`backstory.conformance` is the specification that runs: a class that passes it is a store, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Protocol, TypeAlias

from backstory.commit import Commit, Draft, Head
from backstory.errors import AheadOfLog, Conflict, HeadMoved, IdReused, RefMoved, StoreCorrupt
from backstory.query import Query
from backstory.record import Recorded

ALL = Query.all()

Batch: TypeAlias = Sequence[Draft]
"""Drafts that go in whole or not at all."""

Verdict: TypeAlias = tuple[Commit, ...] | Conflict | IdReused | AheadOfLog | HeadMoved | RefMoved
"""What became of a batch: its commits, or why it did not go in, as the error that a caller may raise."""


class Log(Protocol):
    """The ordered, gapless sequence of commits of one branch. Safe for many threads, and for many processes."""

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch, in order, and durably; return a verdict for each.

        The verdict on a batch is the first of these that fits:

        1. One id stands twice in the batch: `IdReused`.
        2. All of its ids are known, with the same content: the recorded commits. So a retry is safe for ever, whatever
           happened since. A retry may carry another time, position, parent or guard: these are not content.
        3. Some of its ids are known, or known with other content: `IdReused`.
        4. Its first draft names a parent, and that is not the head: `HeadMoved`.
        5. A draft was decided on a position that neither the log nor the drafts before it reach: `AheadOfLog`.
        6. The log has an event that a draft's condition forbids: `Conflict`.
        7. Its first draft has a guard, and that ref of this store has another value: `RefMoved`.
        8. The batch goes in whole: its new commits.

        Cases 5 and 6 are asked of one draft after the other. The log is as it was before the batch, with the batches
        before it. Judging and appending are one step: between them, neither the log nor the ref of a guard changes.
        Raises `StoreError` where nothing of any batch was kept.
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
    ) -> Iterator[Recorded]:
        """Stream the events that match, with `after < position <= upto`, in order of position.

        What is streamed is the log as it was when the read began; `upto=None` means its head then.
        """
        ...

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits with `after < position <= upto`, a commit's position being that of its last event."""
        ...

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean: the one with this id, and those whose hash, in hex, starts with it."""
        ...

    def head(self) -> Head:
        """Where the log ends now."""
        ...

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`, or for `timeout` seconds; return the head's position then."""
        ...


class Refs(Protocol):
    """Small mutable pointers by name: branches, marks, checkpoints.

    Names are paths such as `mark/q3`; values are text.
    """

    def get(self, name: str) -> str | None:
        """The value of a ref, None where there is none."""
        ...

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        ...

    def set(self, name: str, value: str | None, *, old: str | None) -> bool:
        """Set a ref (None: delete it) if its value is still `old` (None: there is none); say whether it was."""
        ...


class Store(Protocol):
    """Logs and refs that live in one place."""

    @property
    def refs(self) -> Refs:
        """The pointers of this store."""
        ...

    def log(self, number: int = 0) -> Log:
        """Open a log by its number; 0 is `main`, which always exists. Raises `KeyError` for one that does not."""
        ...

    def create_log(self, origin: Head) -> int:
        """Make an empty log whose first commit will stand on `origin`, and return its number."""
        ...

    def logs(self) -> Sequence[int]:
        """The numbers of all logs, main's first."""
        ...

    def origin(self, number: int = 0) -> Head:
        """What a log stands on: its first event has the position after this."""
        ...

    def problems(self) -> Iterator[str]:
        """What is wrong inside the store, beyond what its contract shows: indexes, pages. Each names its place."""
        ...

    def close(self) -> None:
        """Let go of files and connections. A second call does nothing."""
        ...


class Record:
    """An event in a log, with what there is to know about it. Its commit is looked up when it is asked for."""

    __slots__ = ("_commit_at", "event", "stored")

    def __init__(self, event: Any, stored: Recorded, commit_at: Callable[[int], Commit]) -> None:
        self.event = event
        self.stored = stored
        self._commit_at = commit_at

    def __repr__(self) -> str:
        return f"Record(#{self.position} {self.event!r})"

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
        """What it is about."""
        return self.stored.tags

    @property
    def commit(self) -> Commit:
        """The commit that it came in."""
        return self._commit_at(self.stored.commit)

    @property
    def time(self) -> datetime:
        """When it was appended: the commit's time in this log."""
        return self.commit.time

    @property
    def author(self) -> str:
        """Who appended it."""
        return self.commit.author

    @property
    def message(self) -> str:
        """Why."""
        return self.commit.message

    @property
    def metadata(self) -> dict[str, Any]:
        """The free metadata of its commit."""
        return self.commit.metadata


def commit_at(log: Log, position: int) -> Commit:
    """The commit that holds a position up to the head. Raises `StoreCorrupt` where there is none."""
    for commit in log.commits(after=position - 1, limit=1):
        return commit
    raise StoreCorrupt(f"the commit that holds #{position} is missing; run: backstory verify")


def commit_finder(log: Log) -> Callable[[int], Commit]:
    """A function from an event's position to its commit, which remembers the last few."""

    return lru_cache(maxsize=256)(partial(commit_at, log))


def append(log: Log, *drafts: Draft) -> tuple[Commit, ...]:
    """Append one batch and return its commits, or raise why it did not go in."""
    [verdict] = log.append([drafts])
    if isinstance(verdict, tuple):
        return verdict
    raise verdict
