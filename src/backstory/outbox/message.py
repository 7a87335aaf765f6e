"""`Outbox`, the base of all that send events elsewhere, and the messages that they get."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from types import UnionType
from typing import Any

import msgspec

from backstory.decide.read_query import wanted
from backstory.errors import BackstoryError
from backstory.place import After
from backstory.values.query import Query

Events = Sequence[type[Any] | UnionType | str]


class Message(msgspec.Struct, frozen=True):
    """An event that goes out: the CloudEvent as JSON in `body`, and what a sender may need of it besides.

    `id` is the same each time that the event is sent, from this store. `key` is what it stays in order with.
    """

    id: str
    type: str
    time: datetime
    key: str | None
    body: bytes

    @classmethod
    def of(cls, type: str, time: datetime, key: str | None, body: bytes) -> Message:
        """The message of a CloudEvent, whose id and source make its own id."""
        envelope = msgspec.json.decode(body, type=_Envelope)
        digest = hashlib.sha256(f"{envelope.source} {envelope.id}".encode()).hexdigest()
        return cls(f"msg_{digest[:32]}", type, time, key, body)


class _Envelope(msgspec.Struct):
    id: str
    source: str


class Later(BackstoryError):
    """A receiver asks to be sent this again after so many seconds."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class StopSending(BackstoryError):
    """A receiver wants no more messages at all."""


class Begins(msgspec.Struct, frozen=True):
    """Where an outbox begins: `now`, or `start`."""

    since: str


class Outbox:
    """Sends events elsewhere. Derive from it, and write `send`; `db.run` and `backstory run` do the rest.

    `name` is what its checkpoint goes by, for ever. `events` are those that it sends: classes, unions and names; all
    without any. With `partition`, a field of the events, those of one value go out in order, and others do not wait for
    them. It begins at the end of the log when it is first run, or after `after`. A message that could not be sent is
    sent again after a pause, which doubles from a second to an hour; it is parked after `attempts`.
    """

    threads = 1
    """How many messages, or batches of them, are sent at a time."""

    batch = 1
    """How many messages `send` gets at most."""

    in_order = False
    """Whether all messages go out in the order of the log: then one that fails is tried again before any other."""

    def __init__(
        self,
        name: str,
        *,
        events: Events = (),
        partition: str | None = None,
        after: After | None = None,
        attempts: int = 20,
        source: str | None = None,
    ) -> None:
        self.name = name
        self.partition = partition
        self.after = after
        self.attempts = attempts
        self.source = source
        self._events = tuple(events)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def query(self) -> Query:
        """The events that it sends."""
        return wanted(self._events, ())

    @property
    def types(self) -> frozenset[str]:
        """The names of the events that it sends; none for all."""
        return frozenset(type for clause in self.query.clauses for type in clause.types)

    @property
    def policy(self) -> Begins:
        """Where it begins, for those who look after it."""
        return Begins("now" if self.after is None else "start")

    def send(self, messages: Sequence[Message]) -> None:
        """Send these, in order. They are sent again if it raises: `Later`, `StopSending`, or any error."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of connections and files. It may be used again."""
