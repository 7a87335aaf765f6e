"""Between event objects and the bytes that a store keeps: there is no other way from one to the other.

    codec.encode(Deposited("a-7", 5)) -> EventData("Deposited", 1, ("account:a-7",), b'{"account":"a-7","cents":5}')
    codec.decode(record)              -> Deposited("a-7", 5), or an Unknown that says why

The first step is that of the event's class: its name, version, upcasters, tags and JSON (`event_types.py`). An
encoded event is decoded once more before it may be appended, and must come back equal: an event that its own class
could not read, or would read as another one, would be in the log for ever.

Then come the codec's transformations, such as one that encrypts. `seal` takes encoded events through them, to the
stored form; `opened` is the way back. `backstory.stores.opened` gives a log that is read so, for all code that needs
data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from backstory.errors import InvalidEvent
from backstory.values import event as events
from backstory.values.event import WITHHELD, Unknown
from backstory.values.event_data import EventData, RecordedEvent, encoded
from backstory.values.event_types import compiled_types, event_type

_fields = msgspec.json.Decoder(dict[str, Any]).decode


def fields(data: bytes) -> dict[str, Any]:
    """The data of an event as plain values, whether a class here has its name or not; none if it is withheld."""
    return _fields(data) if data else {}


class Transformation(Protocol):
    """A step between the JSON of an event and the stored data, which is a JSON object too.

    It changes data alone: events are found by type, version and tags.
    """

    def seal(self, event: EventData) -> bytes:
        """The data in the form that the next step takes, or the store."""
        ...

    def open(self, record: RecordedEvent) -> bytes:
        """The data that `seal` was given. Raises `UnreadableEvent`. Not called for data that are withheld."""
        ...


class Codec:
    """The way in which one program writes and reads events: their classes by name, and the steps for their JSON.

    It never changes, and is safe for many threads. Without transformations its cost is too small to be measured.
    """

    def __init__(
        self,
        transformations: Iterable[Transformation] = (),
        *,
        classes: Mapping[str, type[Any]] = events.definitions,
    ) -> None:
        self.transformations = tuple(transformations)
        self._classes = classes

    def encode(self, event: Any) -> EventData:
        """An event object with its name, version, tags and JSON; one that is in that form is returned as it is.

        Raises `InvalidEvent` or `InvalidTag` if its class would not give it back equal.
        """
        compiled = compiled_types.get(type(event))
        if compiled is not None:
            return compiled.encode(event)
        if type(event) is EventData:
            return event
        if type(event) is Unknown:
            return _again(event)
        return event_type(type(event)).encode(event)

    def decode(self, record: EventData | RecordedEvent) -> Any:
        """The event object of a record that is open, or `Unknown` if no class has its name and version.

        `Unknown` too for data of a row that are withheld: the tags still say which row it is about.

        Raises `UnreadableEvent` if the class is known and the data do not fit it.
        """
        cls = events.class_of(record.type, self._classes)
        if cls is None:
            return _unknown(record, f"no event class here is named {record.type!r}")
        if not record.data and getattr(cls, "tells_without_data", False):
            return withheld(record)
        compiled = compiled_types.get(cls) or event_type(cls)
        if record.version > compiled.version:
            return _unknown(record, f"it has version {record.version}, the class here has {compiled.version}")
        return compiled.read(record)

    def seal(self, encoded: Sequence[EventData]) -> Sequence[EventData]:
        """Encoded events as they are stored."""
        for step in self.transformations:
            encoded = [msgspec.structs.replace(event, data=step.seal(event)) for event in encoded]
        return encoded

    def opened(self, records: Iterator[RecordedEvent]) -> Iterator[RecordedEvent]:
        """Stored events as they were before they were sealed."""
        return map(self._open, records) if self.transformations else records

    def _open(self, record: RecordedEvent) -> RecordedEvent:
        for step in reversed(self.transformations) if record.data else ():
            record = msgspec.structs.replace(record, data=step.open(record))
        return record


PLAIN = Codec()
"""The codec that stores encoded bytes as they are, with the event classes of this process: nothing is encrypted yet."""


def withheld(record: EventData | RecordedEvent) -> Unknown:
    """An event whose data are withheld, in the place of the object that it was."""
    return _unknown(record, WITHHELD)


def _unknown(record: EventData | RecordedEvent, why: str) -> Unknown:
    """The raw data of an event that no class here can read."""
    data = fields(record.data) if record.data else None
    return Unknown(record.type, record.version, record.tags, data, why)


def _again(event: Unknown) -> EventData:
    """An event that no class here can read, in stored form: it says the same as the one that it was read from."""
    if event.data is None:
        raise InvalidEvent(f"{event.type}: {WITHHELD}, so it cannot be appended again")
    return encoded(event.type, msgspec.json.encode(event.data), event.tags, event.version)
