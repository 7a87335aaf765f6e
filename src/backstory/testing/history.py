"""A history in memory: events as a log would hold them, and the states that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from backstory.decide.invariants import broken
from backstory.decide.state import State, state_type
from backstory.testing import wording
from backstory.values.codec import PLAIN
from backstory.values.commit import ORIGIN, Commit, Head, chained, draft, recorded
from backstory.values.event_data import RecordedEvent

S = TypeVar("S", bound=State)


NO_SECRET = bytes(16)
"""The secrets of a history that is never kept: the same history has the same hashes in each run."""


class Broken(AssertionError):
    """An invariant of a state does not hold after an event."""


class Committed(msgspec.Struct, frozen=True):
    """Events that were appended together, and the fields of their commit. Make one with `committed`."""

    events: tuple[Any, ...]
    author: str = ""
    time: datetime | None = None
    message: str = ""
    metadata: Mapping[str, Any] = {}

    def told(self) -> list[str]:
        """Its events, each with the author and the time."""
        by = f" by {self.author}" if self.author else ""
        at = f" at {wording.time(self.time)}" if self.time else ""
        return [f"{wording.event(event)}{by}{at}" for event in self.events]


def committed(
    *events: Any,
    author: str = "",
    time: datetime | str | None = None,
    message: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Committed:
    """Events of one commit, with its author, time, message and metadata, for an `apply` that looks at its record.

    `time` may be text in ISO 8601, and is in UTC if it names no zone; without one, it is that of the commit before.
    """
    return Committed(events, author, as_time(time), message, metadata or {})


def as_time(time: datetime | str | None) -> datetime | None:
    """A time in UTC; text is in ISO 8601, and a time without a zone is in UTC."""
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


class History(msgspec.Struct, frozen=True):
    """Commits and their events. It never changes: later events give another one."""

    head: Head = ORIGIN
    records: tuple[RecordedEvent, ...] = ()
    commits: Mapping[int, Commit] = {}

    def extended(self, commit: Committed) -> History:
        """This history and one more commit. Raises `InvalidEvent` or `InvalidTag`, as appending would."""
        drafted = draft(
            map(PLAIN.encode, commit.events),
            id=f"commit-{len(self.commits) + 1}",
            time=commit.time or self.head.time,
            author=commit.author,
            message=commit.message,
            metadata=commit.metadata,
            secret=NO_SECRET,
        )
        made = chained(drafted, self.head)
        return History(
            Head(made.position, made.hash, made.time),
            (*self.records, *recorded(drafted.events, made)),
            {**self.commits, made.position: made},
        )

    def load(self, reference: S) -> S:
        """The state of this identity, filled. Raises `Broken` after the first event that breaks an invariant."""
        compiled = state_type(type(reference))
        state = compiled.empty(reference)
        for record in filter(reference.query().matches, self.records):
            compiled.fold(state, [record], self.commits.__getitem__)
            for words in broken(state):
                raise Broken(
                    f"{wording.state(state)} breaks {words!r} after {wording.event(PLAIN.decode(record))}"
                )
        return state


def history(given: Iterable[Committed]) -> History:
    """The history of these commits."""
    past = History()
    for commit in given:
        past = past.extended(commit)
    return past


def as_commits(events: Iterable[Any]) -> tuple[Committed, ...]:
    """Events and commits as commits: an event that is given alone is a commit of its own."""
    return tuple(event if isinstance(event, Committed) else Committed((event,)) for event in events)
