"""CloudEvents 1.0 in JSON: an event of ours as one of theirs, and back.

| theirs | ours |
|---|---|
| source, id | together the commit's id, with a space between; both in the metadata |
| type, time | the event's type, the commit's authored time |
| subject | the tag `subject:<subject>` |
| data | the data; a value that is not an object stands in it under `value`, binary data under `base64` |
| datacontenttype, dataschema, extensions | the commit's metadata |

Events that Backstory exported carry their tags, version, author and message in extensions, and get them back. An event
that came in goes out with the same id, source, subject, data and extensions: its metadata has them, and, under `data`,
the form of data that are no object.
"""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import msgspec

from backstory.errors import InvalidEvent
from backstory.values.commit import Commit, Draft, draft
from backstory.values.event_data import RESERVED, RecordedEvent, encoded
from backstory.values.ids import derived
from backstory.values.masking import masked_data

TAGS, VERSION, AUTHOR, MESSAGE = "backstorytags", "backstoryversion", "backstoryauthor", "backstorymessage"
COMMIT, POSITION = "backstorycommit", "backstoryposition"

CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")

CAME_IN = f"{RESERVED}cloudevents."
"""How the ids of commits begin that came in as a CloudEvent."""

VALUE, BASE64, NONE = "value", "base64", "none"
"""Forms of data that are no object. The first two are also the field in which such data stand."""

_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_texts = msgspec.json.Decoder(tuple[str, ...]).decode


class Envelope(msgspec.Struct):
    """The attributes that the specification knows. Extensions are read from the line as a whole."""

    specversion: str
    type: str
    source: str
    id: str
    subject: str = ""
    time: datetime | None = None
    datacontenttype: str = ""
    backstorytags: str = "[]"
    backstoryversion: int = 1
    backstoryauthor: str = ""
    backstorymessage: str = ""


OURS = frozenset(Envelope.__struct_fields__) - {"source", "id", "subject", "datacontenttype"}
"""Attributes that do not go into the metadata: they have a place of their own."""

_envelope = msgspec.json.Decoder(Envelope).decode


def drafted(line: bytes, now: datetime) -> Draft:
    """The draft of one CloudEvent; `now` is the time of one that has none. An attribute that is null counts as absent.

    Raises one of `source.MALFORMED`.
    """
    attributes = _object(line)
    if b"null" in line:
        attributes = {name: value for name, value in attributes.items() if bytes(value) != b"null"}
        line = _encode(attributes)
    envelope = _envelope(line)
    if envelope.specversion != "1.0":
        raise InvalidEvent(f"this is CloudEvents {envelope.specversion!r}; only 1.0 is known")
    if not envelope.source or not envelope.id:
        raise InvalidEvent("a CloudEvent has a source and an id")
    tags = _texts(envelope.backstorytags)
    if TAGS not in attributes:
        tags = _subject_tags(envelope.subject)
    form, data = _data(attributes)
    metadata = {
        name: msgspec.json.decode(attributes[name])
        for name in sorted(attributes.keys() - OURS - {"data", "data_base64"})
    }
    time = envelope.time or now
    return draft(
        [encoded(envelope.type, data, tags, envelope.backstoryversion)],
        id=derived("cloudevents", f"{envelope.source.replace(' ', '%20')} {envelope.id}"),
        time=time if time.tzinfo else time.replace(tzinfo=UTC),
        author=envelope.backstoryauthor,
        message=envelope.backstorymessage,
        metadata=metadata | ({"data": form} if form else {}),
        reserved_id=True,
    )


def _data(attributes: dict[str, msgspec.Raw]) -> tuple[str, bytes]:
    """The form of the data if they are no object, and the data as an object, without white space between its parts."""
    if "data_base64" in attributes:
        if "data" in attributes:
            raise InvalidEvent("a CloudEvent has data or data_base64, and not both")
        text = _text(attributes["data_base64"])
        try:
            b64decode(text, validate=True)
        except ValueError as wrong:
            raise InvalidEvent(f"data_base64 is not base64: {wrong}") from wrong
        return BASE64, _encode({BASE64: text})
    if "data" not in attributes:
        return NONE, b"{}"
    data = msgspec.json.format(attributes["data"], indent=-1)
    return ("", data) if data.startswith(b"{") else (VALUE, _encode({VALUE: msgspec.Raw(data)}))


def event_line(commit: Commit, event: RecordedEvent, source: str) -> bytes:
    """An event as a CloudEvent in one line, without its end.

    Text attributes may hold no control characters there: they become spaces, and an id that has some gives way to the
    commit's content hash. It is for others to read, so personal and secret values are masked.
    """
    if commit.id.startswith(CAME_IN) and commit.metadata_json != b"{}":  # it is withheld else
        return _encode(_came_in(commit, event))
    name = commit.id if commit.id.isprintable() else commit.content.hex()
    line: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{name}/{event.position - commit.first + 1}",
        "source": source,
        "type": _printable(event.type),
        "time": commit.authored,
    }
    if event.tags:
        line["subject"] = _printable(event.tags[0])
    line |= _ours(commit, event)
    line[COMMIT] = _printable(commit.id)
    line[POSITION] = str(event.position)
    if event.data:  # it is withheld else
        line["datacontenttype"] = "application/json"
        line["data"] = msgspec.Raw(masked_data(event).replace(b"\n", b" ").replace(b"\r", b" "))
    return _encode(line)


def _came_in(commit: Commit, event: RecordedEvent) -> dict[str, Any]:
    """The attributes of an event as it came in."""
    metadata = commit.metadata
    form = metadata.pop("data", "")
    line = {
        "specversion": "1.0",
        "id": metadata.pop("id"),
        "source": metadata.pop("source"),
        "type": _printable(event.type),
        "time": commit.authored,
        **metadata,
        **_ours(commit, event),
    }
    if event.tags == _subject_tags(metadata.get("subject", "")):
        line.pop(TAGS, None)
    if event.data and form != NONE:
        data = masked_data(event)
        name = "data_base64" if form == BASE64 else "data"
        line[name] = _object(data)[form] if form else msgspec.Raw(data)
    return line


def _ours(commit: Commit, event: RecordedEvent) -> dict[str, Any]:
    """The extensions for parts that a CloudEvent does not have."""
    line: dict[str, Any] = {}
    if event.tags:
        line[TAGS] = CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", _encode(event.tags).decode())
    if event.version != 1:
        line[VERSION] = event.version
    if commit.author:
        line[AUTHOR] = _printable(commit.author)
    if commit.message:
        line[MESSAGE] = _printable(commit.message)
    return line


def _subject_tags(subject: str) -> tuple[str, ...]:
    return (f"subject:{subject}",) if subject else ()


def _printable(text: str) -> str:
    return CONTROL.sub(" ", text)
