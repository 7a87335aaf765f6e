"""CloudEvents 1.0 in JSON: an event of ours as one of theirs, and back.

| theirs | ours |
|---|---|
| source, id | together the commit's id, with a space between; both in the metadata |
| type, time | the event's type, the commit's authored time |
| subject | the tag `subject:<subject>` |
| data | the data; a value that is not an object stands in it under `value`, binary data under `base64` |
| datacontenttype, dataschema, extensions | the commit's metadata |

Events that Backstory exported carry their tags, version, author and message in extensions, and get them back.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from backstory.errors import InvalidEvent
from backstory.values.commit import Commit, Draft, draft
from backstory.values.event_data import RecordedEvent, encoded
from backstory.values.ids import derived
from backstory.values.masking import masked_data

TAGS, VERSION, AUTHOR, MESSAGE = "backstorytags", "backstoryversion", "backstoryauthor", "backstorymessage"
COMMIT, POSITION = "backstorycommit", "backstoryposition"

CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")

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
    if envelope.subject and TAGS not in attributes:
        tags = (*tags, f"subject:{envelope.subject}")
    time = envelope.time or now
    return draft(
        [encoded(envelope.type, _data(attributes), tags, envelope.backstoryversion)],
        id=derived("cloudevents", f"{envelope.source.replace(' ', '%20')} {envelope.id}"),
        time=time if time.tzinfo else time.replace(tzinfo=UTC),
        author=envelope.backstoryauthor,
        message=envelope.backstorymessage,
        metadata={
            name: msgspec.json.decode(value)
            for name, value in attributes.items()
            if name not in OURS and name not in ("data", "data_base64")
        },
        reserved_id=True,
    )


def _data(attributes: dict[str, msgspec.Raw]) -> bytes:
    if "data_base64" in attributes:
        return _encode({"base64": _text(attributes["data_base64"])})
    data = bytes(attributes.get("data", b"{}"))
    return data if data.startswith(b"{") else _encode({"value": msgspec.Raw(data)})


def event_line(commit: Commit, event: RecordedEvent, source: str) -> bytes:
    """An event as a CloudEvent in one line, without its end.

    Text attributes may hold no control characters there: they become spaces, and an id that has some gives way to the
    commit's content hash. It is for others to read, so personal and secret values are masked.
    """
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
        line[TAGS] = CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", _encode(event.tags).decode())
    if event.version != 1:
        line[VERSION] = event.version
    if commit.author:
        line[AUTHOR] = _printable(commit.author)
    if commit.message:
        line[MESSAGE] = _printable(commit.message)
    line[COMMIT] = _printable(commit.id)
    line[POSITION] = str(event.position)
    if event.data:  # it is withheld else
        line["datacontenttype"] = "application/json"
        line["data"] = msgspec.Raw(masked_data(event).replace(b"\n", b" ").replace(b"\r", b" "))
    return _encode(line)


def _printable(text: str) -> str:
    return CONTROL.sub(" ", text)
