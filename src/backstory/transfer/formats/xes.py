"""Reading IEEE XES, the event logs of process mining: each event a commit at its own time, by its own resource.

    type      the event's concept:name; its lifecycle:transition stays in the data
    tags      case:<the trace's concept:name>, resource:<org:resource>
    time      time:timestamp, UTC if it names no zone; author: org:resource
    data      the event's attributes; with a trace's first event also the trace's, as case:<key>

The history goes by time, across cases. A commit's id follows from the event's identity:id; without one from case, name,
transition and time (and how often the last 100,000 events had the same). So a log that has grown adds its new events.
In file order an event may lack a time: it gets that of the import, and an id of its place in the file.
`docs/design/imports.md` has the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from backstory.errors import InvalidEvent, SourceError
from backstory.transfer.formats.feed import Feed
from backstory.transfer.ids import KeyedIds, Repeats
from backstory.transfer.order import Row, as_it_lies, in_order
from backstory.transfer.source import (
    MALFORMED,
    Entry,
    InputFile,
    Item,
    Progress,
    Rejected,
    no_progress,
    rejected,
)
from backstory.values.commit import checked_time, draft, from_micros, micros
from backstory.values.event_data import RESERVED, EventData, check_tag, check_text, reserved, sorted_tags

DEPTH = 64
"""Attributes nested deeper than this are an attack, not a log."""

IDENTITY = "identity:id"
NAME, TIME, RESOURCE, TRANSITION = "concept:name", "time:timestamp", "org:resource", "lifecycle:transition"

_encode = msgspec.json.Encoder().encode


class _Event(msgspec.Struct, array_like=True):
    """An event on its way through the sorter."""

    micros: int
    id: str
    line: int
    type: str
    tags: tuple[str, ...]
    author: str
    data: bytes


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Event).decode


def read_xes(
    file: InputFile,
    *,
    key: bytes,
    in_file_order: bool = False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    progress: Progress = no_progress,
) -> Iterator[Item]:
    """The entries of an XES file, by time. The whole file is read before the first one comes.

    `key` is the store's own, from `local.import_key`. With `in_file_order`, the entries come as they lie in the file,
    and `clock` gives the time of events that have none.

    A document type or an entity is refused: XES has none, and they are how XML is made to explode. A file that stops
    in the middle gives its complete parts, and says so.
    """
    rows = _rows(_Log(file, KeyedIds("xes", key), clock if in_file_order else None), file, progress)
    for item in as_it_lies(rows) if in_file_order else in_order(rows, progress):
        if isinstance(item, Rejected):
            yield item
            continue
        event = _unpack(item)
        encoded = EventData(event.type, 1, event.tags, event.data)
        yield Entry(
            draft(
                (encoded,), id=event.id, time=from_micros(event.micros), author=event.author, reserved_id=True
            ),
            file.name,
            event.line,
        )


def _rows(log: _Log, file: InputFile, progress: Progress) -> Iterator[Row | Rejected]:
    try:
        for chunk in file.chunks():
            log.feed.take(chunk)
            yield from log.taken()
            progress("reading", file.done(), file.total)
        log.feed.finish()
        yield from log.taken()
    except SourceError as wrong:
        yield from log.taken()
        yield Rejected(wrong)
        yield from log.cut_off()


class _Log:
    """Follows the parser through log, trace, event and attributes, and keeps one trace at a time."""

    def __init__(self, file: InputFile, ids: KeyedIds, clock: Callable[[], datetime] | None) -> None:
        """`clock` gives the time of events that have none; without it, they are rejected."""
        self.name = file.name
        self._ids = ids
        self._clock = clock
        self._repeats = Repeats()
        self.feed = Feed(file, self._start, self._end)
        self._rows: list[Row | Rejected] = []
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._event: dict[str, Any] = {}
        self._trace: dict[str, Any] = {}
        self._prefixes: set[str] = set()
        self._misplaced: list[tuple[int, dict[str, Any]]] = []
        self._traces = self._loose = 0
        self._open: list[Any] = []

    def taken(self) -> list[Row | Rejected]:
        """The rows since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def cut_off(self) -> Iterator[Rejected]:
        """The events of a trace whose end was not read: without the whole trace, nobody knows its case."""
        for line, event in self._events:
            why = "the end of this event's trace was not read, so the event was left out"
            yield Rejected(SourceError(self.name, line, why), _encode(event).decode())

        while self._misplaced:
            yield self._reject_misplaced()

    def _reject_misplaced(self) -> Rejected:
        line, event = self._misplaced.pop()
        why = "the event stands neither in a trace of the log nor in the log itself"
        return Rejected(SourceError(self.name, line, why), _encode(event).decode())

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        opened = self._open
        read = SCALARS.get(name)
        if read is not None and opened:
            parent = opened[-1]
            if parent is None:
                opened.append(None)
                return
            if len(opened) > DEPTH:
                self.feed.fail(f"attributes are nested deeper than {DEPTH}")
            try:
                key, text = attributes["key"], attributes["value"]
            except KeyError as missing:
                self.feed.fail(f"<{name}> has no {missing.args[0]}")
            try:
                value = read(text)
            except ValueError:
                value = text
            opened.append(_put(parent, key, value))
        else:
            self._start_other(name, attributes)

    def _start_other(self, name: str, attributes: dict[str, str]) -> None:
        opened = self._open
        if len(opened) > DEPTH:
            self.feed.fail(f"elements are nested deeper than {DEPTH}")
        if not opened:
            prefix, colon, local = name.rpartition(":")
            if local != "log":
                self.feed.fail(f"this is no XES log: it begins with <{name}>")
            ours = attributes.get(f"xmlns{colon}{prefix}")
            same = [key[6:] for key, uri in attributes.items() if key.startswith("xmlns:") and uri == ours]
            self._prefixes = {prefix, *same} - {""}
            opened.append(None)
        elif ":" in name and name.partition(":")[0] in self._prefixes:
            self._start(name.partition(":")[2], attributes)
        elif name == "event":
            opened.append(self._begin_event())
        elif name == "trace" and len(opened) == 1:
            self._trace, self._events = {}, []
            self.feed.begin_record()
            opened.append(self._trace)
        elif name in ("list", "container") and opened[-1] is not None and "key" in attributes:
            nested: Any = [] if name == "list" else {}
            _put(opened[-1], attributes["key"], nested)
            opened.append(nested)
        elif name == "values":
            opened.append(opened[-1])
        elif opened[-1] is None:
            opened.append(None)
        else:  # no element of XES: kept all the same
            other: dict[str, Any] = dict(attributes)
            _put(opened[-1], name, other)
            opened.append(other)

    def _begin_event(self) -> dict[str, Any]:
        """The dict for the attributes of an event."""
        line = self.feed.line
        if self._open[-1] is not self._trace and len(self._open) > 1:
            self._misplaced.append((line, {}))
            return self._misplaced[-1][1]
        self._event = {}
        self._events.append((line, self._event))
        self.feed.begin_record()
        return self._event

    def _end(self, _name: str) -> None:
        closed = self._open.pop()
        if self._misplaced and closed is self._misplaced[-1][1]:
            self._rows.append(self._reject_misplaced())
            return
        if closed is self._event and self._open[-1] is not closed:  # it is, where <values> closes
            self.feed.begin_record()  # attributes of its trace may follow
        if closed is not None and len(self._open) == 1:
            if closed is self._trace:
                self._traces += 1
                self._take(closed.get(NAME) or f"trace-{self._traces}", closed)
            else:
                self._loose += 1
                self._take("", {})
            self.feed.end_records()

    def _take(self, case: Any, trace: dict[str, Any]) -> None:
        """Turn a trace, or one event that stands outside of any, into rows."""
        for number, (line, event) in enumerate(self._events, 1):
            place = (self._traces, number) if case else (0, self._loose)
            try:
                row = self._row(case, line, _joined(trace, event) if trace else event, place)
            except MALFORMED as wrong:
                self._rows.append(rejected(self.name, line, wrong, _encode(event).decode()))
            else:
                self._rows.append(row)
                trace = {}
        self._events = []

    def _row(self, case: Any, line: int, event: dict[str, Any], place: tuple[int, int]) -> Row:
        case, author = _word(NAME, case), _word(RESOURCE, event.get(RESOURCE, ""))
        type = _word(NAME, event.get(NAME) or "event")
        transition = _word(TRANSITION, event[TRANSITION]) if TRANSITION in event else None
        check_text(type, "event type")
        if type.startswith(RESERVED):
            raise reserved(type, "the event type")
        clock = self._clock if event.get(TIME) in (None, "") else None
        at = micros(clock()) if clock else _time(event.get(TIME))
        tags = [check_tag(f"case:{case}")] if case else []
        if author:
            tags.append(check_tag(f"resource:{author}"))
        if identity := event.get(IDENTITY):
            id = self._ids.named(_word(IDENTITY, identity))
        elif clock:
            id = self._ids.of(case, type, transition, *place)
        else:
            said = (case, type, transition, at)
            id = self._ids.timed(at, *said, self._repeats.count(said))
        return at, _pack(_Event(at, id, line, type, sorted_tags(tuple(tags)), author, _encode(event)))


def _time(when: Any) -> int:
    if when in (None, ""):
        raise InvalidEvent(
            f"the event has no {TIME}, so only the order of the file (--order file) has a place for it"
        )
    if not isinstance(when, str):
        raise InvalidEvent(f"{TIME} is a date, not {when!r}")
    try:
        time = datetime.fromisoformat(when.strip())
    except ValueError:
        raise InvalidEvent(f"{TIME}: {when!r} is not an ISO 8601 time") from None
    return micros(checked_time(time if time.tzinfo else time.replace(tzinfo=UTC)))


def _word(key: str, value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise InvalidEvent(f"{key} is a text, not a list or a container")
    return str(value)


def _joined(trace: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """A trace's attributes, as case:<key>, and its first event's, which may have one of that name."""
    joined = {f"case:{key}": value for key, value in trace.items()}
    for key, value in event.items():
        if joined.get(key) != value:
            _put(joined, key, value)
    return joined


def _put(parent: Any, key: str, value: Any) -> Any:
    """Put an attribute in its place; return the dict for its own attributes.

    Those of a plain value stand beside it, as key/subkey. If a key is there already, later values stand in a list
    beside it, as key#more.
    """
    if type(parent) is list:
        parent.append({key: value})
        return parent[-1], key
    if type(parent) is tuple:
        parent, above = parent
        key = f"{above}/{key}"
    if key in parent:
        return _put(_more(parent, f"{key}#more"), key, value)
    parent[key] = value
    return parent, key


def _more(parent: dict[str, Any], key: str) -> list[Any]:
    """The list of that key, made if there is none."""
    there = parent.setdefault(key, [])
    if type(there) is not list:
        there = parent[key] = [{key: there}]
    return there


def _integer(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


SCALARS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "date": str,
    "id": str,
    "int": _integer,
    "float": _number,
    "boolean": _boolean,
}
"""How the value of an attribute reads. One that does not fit its own kind stays text: nothing is lost."""
