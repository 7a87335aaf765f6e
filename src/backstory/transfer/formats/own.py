"""Backstory's own JSON Lines: a commit to a line, with every byte that its hashes cover.

    {"backstory":1,"after":0,"upto":2,"hash":"9c1f..."}
    {"position":2,"id":"rent","time":"...Z","events":[{"type":"Withdrawn","data":{...}}],"content":"...","hash":"..."}

`docs/design/imports.md` has every field. Empty fields are left out. JSON that was stored (data, command, metadata)
stands in a line as it is, byte for byte; if it holds a line break, it stands as a JSON string of its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from backstory.errors import InvalidEvent
from backstory.transfer.ids import KeyedIds
from backstory.values.commit import Commit, Draft, draft
from backstory.values.event_data import EventData, RecordedEvent, encoded
from backstory.values.query import Clause, Condition, Query

FORMAT = 1

NOTHING = msgspec.Raw(b"")


class Header(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The first line: the range that the file holds, and the commit hash at its end, so that a cut is noticed."""

    backstory: int
    after: int = 0
    upto: int = 0
    hash: str = ""


class EventLine(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An event of a commit."""

    type: str
    version: int = 1
    tags: tuple[str, ...] = ()
    data: msgspec.Raw = msgspec.Raw(b"{}")


class ClauseLine(msgspec.Struct, forbid_unknown_fields=True):
    """One way to match, of a condition's query."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class ConditionLine(msgspec.Struct, forbid_unknown_fields=True):
    """The condition that a commit was decided on."""

    query: tuple[ClauseLine, ...]
    after: int = 0


class CommitLine(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A commit. Only `events` must be there in a file that was written by hand."""

    events: tuple[EventLine, ...]
    position: int = 0
    id: str = ""
    time: datetime | None = None
    authored: datetime | None = None
    author: str = ""
    message: str = ""
    command: msgspec.Raw = NOTHING
    metadata: msgspec.Raw = NOTHING
    condition: ConditionLine | None = None
    more: bool = False
    secret: str = ""
    signature: str = ""
    content: str = ""
    hash: str = ""


_encode = msgspec.json.Encoder().encode
decode_header = msgspec.json.Decoder(Header).decode
decode_commit = msgspec.json.Decoder(CommitLine).decode


def commit_line(commit: Commit, events: Sequence[EventData | RecordedEvent], *, more: bool = False) -> bytes:
    """The line of a commit, without its end; `more` if the next commit goes into a log together with it."""
    condition = commit.condition
    line: dict[str, Any] = {"position": commit.position, "id": commit.id, "time": commit.time}
    if commit.authored != commit.time:
        line["authored"] = commit.authored
    if commit.author:
        line["author"] = commit.author
    if commit.message:
        line["message"] = commit.message
    if commit.command_json:
        line["command"] = embedded(commit.command_json)
    if commit.metadata_json != b"{}":
        line["metadata"] = embedded(commit.metadata_json)
    if condition is not None:
        clauses = [{"types": clause.types, "tags": clause.tags} for clause in condition.query.clauses]
        line["condition"] = {"query": clauses, "after": condition.after}
    if more:
        line["more"] = True
    line["events"] = [
        EventLine(event.type, event.version, event.tags, embedded(event.data)) for event in events
    ]
    line["secret"] = commit.secret.hex()
    if commit.signature:
        line["signature"] = commit.signature.hex()
    line["content"] = commit.content.hex()
    line["hash"] = commit.hash.hex()
    return _encode(line)


def embedded(json: bytes) -> msgspec.Raw:
    """Stored JSON as a part of a line: itself, or its text as a string if it would break the line."""
    if b"\n" in json or b"\r" in json or json[:1] != b"{":
        return msgspec.Raw(_encode(json.decode()))
    return msgspec.Raw(json)


def stored(raw: msgspec.Raw) -> bytes:
    """The JSON that `embedded` made a part of a line."""
    json = bytes(raw)
    return msgspec.json.decode(json, type=str).encode() if json.startswith(b'"') else json


def drafted(line: CommitLine, number: int, now: datetime, ids: KeyedIds) -> Draft:
    """The draft of a line, the same that its commit once was. `now` is the time of a line that has none.

    A line with a content hash is history: it keeps ids and types that only the library may give.
    Raises one of `source.MALFORMED`, also if the line names a content hash and its content has another.
    """
    events = list(map(_event, line.events))
    time = line.authored or line.time
    if time is not None and time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    made = draft(
        events,
        id=line.id
        or ids.of(number, str(time), line.author, line.message, [_plain(event) for event in events]),
        time=time or now,
        condition=None if line.condition is None else _condition(line.condition),
        author=line.author,
        message=line.message,
        command=stored(line.command) or None,
        metadata=stored(line.metadata) or None,
        secret=_bytes(line.secret, "secret") or None,
        reserved_id=bool(line.content) or not line.id,
        reserved_types=bool(line.content),
    )
    if not line.content and not all(event.data for event in events):
        raise InvalidEvent(
            f"commit {made.id} has an event without data, and no content hash that vouches for it"
        )
    if line.content and made.content.hex() != line.content:
        raise InvalidEvent(
            f"commit {made.id} differs from the exported one in its content hash; was the file edited or reformatted?"
        )
    return msgspec.structs.replace(made, signature=_bytes(line.signature, "signature"))


def _event(line: EventLine) -> EventData:
    """The event of a line; its data is empty if it is withheld, and the commit's content hash vouches for that."""
    data = stored(line.data)
    made = encoded(line.type, data or b"{}", line.tags, line.version)
    return made if data else msgspec.structs.replace(made, data=b"")


def _bytes(hex: str, what: str) -> bytes:
    try:
        return bytes.fromhex(hex)
    except ValueError:
        raise InvalidEvent(f"the {what} is not written in hex") from None


def _condition(line: ConditionLine) -> Condition:
    return Condition(Query(tuple(Clause.of(clause.types, clause.tags) for clause in line.query)), line.after)


def _plain(event: EventData) -> tuple[str, int, tuple[str, ...], str]:
    return event.type, event.version, event.tags, event.data.decode()
