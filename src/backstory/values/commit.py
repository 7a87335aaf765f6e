"""Commits: events that were appended together, and the hashes that chain them.

    digest   of a salt and a part: author, message, command, metadata, the condition's query, an event's data
    leaf     SHA-256 of 0x00, then type, version, tags, the digest of the stored data
    root     the RFC 6962 tree over the leaves
    content  id, authored time, the digests of author, message, command, metadata and query, root
    commit   the parent's commit hash, the content hash, the position that it was decided on

The content hash covers the decision without its place: it survives a merge, and an author signs it. The commit hash
covers the place too. `docs/design/format.md` has every byte, and test vectors for other languages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from backstory.errors import InvalidEvent
from backstory.values import digest
from backstory.values.event_data import (
    RESERVED,
    Decided,
    EventData,
    RecordedEvent,
    check_object,
    check_text,
    reserved,
)
from backstory.values.forms import free_json
from backstory.values.hashes import commit_hash, leaf_hash, merkle_root
from backstory.values.ids import ID_LIMIT, new_secret
from backstory.values.limits import check_size
from backstory.values.query import Condition, Query, to_json
from backstory.values.salts import digests, places_withheld, without

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NO_HASH = bytes(32)
"""The parent of a log's first commit."""

CONTENT = b"backstory content 1\n"

AUTHOR, MESSAGE, COMMAND, METADATA, QUERY, DATA = range(6)
"""The places of the parts that have a digest each; from `DATA` on, that of each event."""


EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)
"""Between these lies a commit's time: a day within the ends of the calendar, so that every time zone can show it."""


SHOWN = 60
"""Characters of a message that the `repr` of its commit shows."""


class Draft(Decided, frozen=True):
    """A commit that is not in the log yet. Build one with `draft`, which checks and encodes.

    `parent` is the hash of the commit that it must stand on, None if it may stand on any; it is not content. `time` is
    the time of the decision by its author's clock. `signature` stands beside the hashes, which do not cover it. Its
    salts come from `secret`. `content` is its content hash: a draft with another one is another draft. `command_json`
    is empty if no command made it; `metadata_json` is a JSON object. Both are kept byte for byte.
    """

    id: str
    time: datetime
    events: tuple[EventData, ...]
    secret: bytes
    content: bytes
    condition: Condition | None = None
    author: str = ""
    message: str = ""
    command_json: bytes = b""
    metadata_json: bytes = b"{}"
    parent: bytes | None = None
    signature: bytes = b""


class Commit(Decided, frozen=True, dict=True):
    """A commit that is in a log.

    `position` is that of its last event, so it is also the end of the log just after the commit; `size` counts its
    events. `authored` is the time of the decision by its author's clock; `time` is the log's own time, the latest
    `authored` so far, which never goes back. The salts of its parts come from `secret`. With it, anybody can test
    guesses at a withheld part, so it goes into copies of the history, and never into output for people.
    """

    position: int
    size: int
    id: str
    time: datetime
    authored: datetime
    author: str
    message: str
    command_json: bytes
    metadata_json: bytes
    condition: Condition | None
    secret: bytes
    content: bytes
    hash: bytes
    signature: bytes = b""

    def __repr__(self) -> str:
        """In a line: `<Commit #2 0f3a9c1b by ann: rent>`. All of it is in its fields."""
        by, line = f" by {self.author}" if self.author else "", self.message.strip().partition("\n")[0]
        said = f": {line[:SHOWN]}{'…' if len(line) > SHOWN else ''}" if line else ""
        events = f", {self.size} events" if self.size > 1 else ""
        shown = f"<Commit #{self.position} {self.hash.hex()[:8]}{by}{events}{said}>"
        return "".join(part if part.isprintable() else ascii(part)[1:-1] for part in shown)

    @property
    def new(self) -> bool:
        """Whether the call that returned it has appended it; False if its id was known, and for a commit that was read.

        It is no part of the commit: not compared, not hashed, not stored, not copied.
        """
        return "new" in self.__dict__

    @property
    def first(self) -> int:
        """The position of its first event."""
        return self.position - self.size + 1

    @property
    def withheld(self) -> frozenset[int]:
        """The places of its parts that are withheld, `AUTHOR` to `DATA` and on; see `withheld`."""
        return places_withheld(self.secret, DATA + self.size)

    @property
    def point(self) -> Head:
        """The end of the log just after this commit."""
        return Head(self.position, self.hash, self.time)

    @property
    def command(self) -> dict[str, Any] | None:
        """The command that made it, as plain data; None if it was appended without one."""
        return msgspec.json.decode(self.command_json) if self.command_json else None

    @property
    def metadata(self) -> dict[str, Any]:
        """Its free metadata."""
        return msgspec.json.decode(self.metadata_json, type=dict[str, Any])


class Head(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """The end of a log: the position of its last event, its last commit's hash, and its time.

    `withheld` is a mark of the store, where it was read from one; see `marked`. Ends are equal whatever their marks.
    """

    position: int
    hash: bytes
    time: datetime
    withheld: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Head):
            return False
        return (self.position, self.hash, self.time) == (other.position, other.hash, other.time)

    def __hash__(self) -> int:
        return hash((self.position, self.hash, self.time))

    def marked(self, withheld: str | None) -> Head:
        """The same end, with this mark: another one says that values which were read before may be withheld since."""
        return self if self.withheld == withheld else Head(self.position, self.hash, self.time, withheld)


ORIGIN = Head(0, NO_HASH, EPOCH)
"""The head of an empty log."""


def draft(
    events: Iterable[EventData],
    *,
    id: str,
    time: datetime,
    condition: Condition | None = None,
    author: str = "",
    message: str = "",
    command: Mapping[str, Any] | bytes | None = None,
    metadata: Mapping[str, Any] | bytes | None = None,
    secret: bytes | None = None,
    reserved_id: bool = False,
    reserved_types: bool = False,
) -> Draft:
    """Check the parts of a commit and put them together. Raises `InvalidEvent` that says which part is wrong.

    A command or metadata that is JSON already is kept byte for byte. Without a `secret` it gets a new one.
    `reserved_id` and `reserved_types` are for the library alone: the id, or the types of events, may have the form that
    is reserved for it.
    """
    events = tuple(events)
    if not events:
        raise InvalidEvent("a commit has at least one event")
    if not isinstance(id, str) or not id or len(id) > ID_LIMIT:
        given = f"of {len(id):,}" if isinstance(id, str) else repr(id)
        raise InvalidEvent(f"a commit id is text of 1 to {ID_LIMIT} characters, not {given}")
    time = checked_time(time)
    check_text(id, "commit id")
    if not reserved_id and id.startswith(RESERVED):
        raise reserved(id, "the commit id")
    if not reserved_types:
        for event in events:
            if event.type.startswith(RESERVED):
                raise reserved(event.type, "the event type")
    try:
        check_text(author, "author")
        check_text(message, "message")
    except (TypeError, AttributeError):
        raise InvalidEvent(f"author and message are text, not {author!r} and {message!r}") from None
    if condition is not None and condition.after < 0:
        raise InvalidEvent(f"a condition's position counts from 0, got {condition.after}")
    command_json = b"" if command is None else _to_json(command, "command")
    metadata_json = _to_json(metadata, "metadata") if metadata else b"{}"
    said = parts(author, message, command_json, metadata_json, condition, events)
    check_size(events, said)
    secret = new_secret() if secret is None else secret
    content = _content_hash(id, time, secret, said, events)
    return Draft(id, time, events, secret, content, condition, author, message, command_json, metadata_json)


def checked_time(time: datetime) -> datetime:
    """A commit's time in UTC. Raises `InvalidEvent` if it has no zone, or if some zone could not show it."""
    if time.tzinfo is None:
        raise InvalidEvent(f"a commit's time has a time zone, {time!r} has none")
    try:
        utc = time.astimezone(UTC)
    except OverflowError:
        utc = None
    if utc is None or not EARLIEST <= utc <= LATEST:
        raise InvalidEvent(
            f"a commit's time lies between {EARLIEST.date()} and {LATEST.date()} in UTC,"
            f" so that every time zone can show it; got {time.isoformat()}"
        )
    return utc


def chained(draft: Draft, parent: Head) -> Commit:
    """The commit that this draft becomes on top of `parent`: pure, so every store and every node gives the same."""
    after = None if draft.condition is None else draft.condition.after
    return Commit(
        parent.position + len(draft.events),
        len(draft.events),
        draft.id,
        max(draft.time, parent.time),
        draft.time,
        draft.author,
        draft.message,
        draft.command_json,
        draft.metadata_json,
        draft.condition,
        draft.secret,
        draft.content,
        commit_hash(parent.hash, draft.content, after),
        draft.signature,
    )


def recorded(events: Iterable[EventData], commit: Commit) -> list[RecordedEvent]:
    """The events of a commit as they are in its log."""
    return [
        RecordedEvent(position, commit.position, event.type, event.version, event.tags, event.data)
        for position, event in enumerate(events, commit.first)
    ]


def drafted(commit: Commit, events: Iterable[EventData | RecordedEvent]) -> Draft:
    """The draft that this commit was, so that it can be judged again on another log."""
    encoded = tuple(EventData(event.type, event.version, event.tags, event.data) for event in events)
    return Draft(
        commit.id,
        commit.authored,
        encoded,
        commit.secret,
        content_hash(commit, encoded),
        commit.condition,
        commit.author,
        commit.message,
        commit.command_json,
        commit.metadata_json,
        signature=commit.signature,
    )


def withheld(draft: Draft, places: Collection[int]) -> Draft:
    """This draft without its parts at these places, `AUTHOR` to `DATA` and on: its hashes are the same.

    Empty text stands for a withheld part, `{}` for metadata, and for a query the one that matches no event.
    """
    events = tuple(
        msgspec.structs.replace(event, data=b"") if place in places else event
        for place, event in enumerate(draft.events, DATA)
    )
    rest = _rest(draft, places, [event.data for event in draft.events])
    return msgspec.structs.replace(draft, events=events, **rest)


def kept_back(commit: Commit, places: Collection[int], data: Sequence[bytes] = ()) -> Commit:
    """A commit without its parts at these places, as for `withheld`; its hashes are the same.

    `data` is that of its events, which is needed where any of it is withheld.
    """
    return msgspec.structs.replace(commit, **_rest(commit, places, data or [b""] * commit.size))


def _rest(one: Draft | Commit, places: Collection[int], data: Iterable[bytes]) -> dict[str, Any]:
    """The fields of a draft or a commit that are others once these parts are withheld."""
    condition = one.condition
    said = parts(one.author, one.message, one.command_json, one.metadata_json, condition, ())
    if condition is not None and QUERY in places:
        condition = Condition(Query.none(), condition.after)
    return {
        "secret": without(one.secret, [*said, *data], places),
        "condition": condition,
        "author": "" if AUTHOR in places else one.author,
        "message": "" if MESSAGE in places else one.message,
        "command_json": b"" if COMMAND in places else one.command_json,
        "metadata_json": b"{}" if METADATA in places else one.metadata_json,
    }


def content_hash(commit: Draft | Commit, events: Iterable[EventData | RecordedEvent]) -> bytes:
    """The content hash of a commit of these events: it covers everything but the commit's place.

    Raises `InvalidEvent` if its secret has a wrong form.
    """
    events = tuple(events)
    authored = commit.authored if isinstance(commit, Commit) else commit.time
    said = (commit.author, commit.message, commit.command_json, commit.metadata_json, commit.condition)
    return _content_hash(commit.id, authored, commit.secret, parts(*said, events), events)


def parts(
    author: str,
    message: str,
    command_json: bytes,
    metadata_json: bytes,
    condition: Condition | None,
    events: Iterable[EventData | RecordedEvent],
) -> list[bytes]:
    """The parts of a commit that have a digest each, in the order of their salts; a part may be empty.

    Only a commit without a condition has no query: that of a condition is a list at least.
    """
    return [
        author.encode(),
        message.encode(),
        command_json,
        b"" if metadata_json == b"{}" else metadata_json,
        b"" if condition is None else to_json(condition.query),
        *[event.data for event in events],
    ]


def _content_hash(
    id: str,
    authored: datetime,
    secret: bytes,
    said: Sequence[bytes],
    events: Sequence[EventData | RecordedEvent],
) -> bytes:
    found = digests(secret, said)
    query = found[QUERY] if said[QUERY] else b""
    return content_of(
        id, authored, found[:QUERY], query, merkle_root(list(map(leaf_hash, events, found[DATA:])))
    )


def content_of(id: str, authored: datetime, said: Sequence[bytes], query: bytes, root: bytes) -> bytes:
    """The content hash, of the digests of author to metadata; that of the query is empty without a condition."""
    name = id.encode()
    covered = (
        CONTENT,
        len(name).to_bytes(8),
        name,
        micros(authored).to_bytes(8, signed=True),
        *said,
        b"\x01" + query if query else b"\x00",
        root,
    )
    return digest.sha256(b"".join(covered)).digest()


def micros(time: datetime) -> int:
    """Microseconds since 1970 in UTC, the form in which times are stored and hashed."""
    return (time - EPOCH) // MICROSECOND


def from_micros(value: int) -> datetime:
    """The time that `micros` gave."""
    return EPOCH + timedelta(microseconds=value)


def _to_json(value: Mapping[str, Any] | bytes, what: str) -> bytes:
    if isinstance(value, bytes):
        return check_object(value, f"the {what}")
    return free_json(value, f"the {what}")
