"""Reading IEEE XES, the event logs of process mining: each event a commit at its own time, by its own resource.

    type      the event's concept:name; its lifecycle:transition stays in the data
    tags      case:<the trace's concept:name>, resource:<org:resource>
    time      time:timestamp, UTC where it names no zone; author: org:resource
    data      the event's attributes; with a trace's first event also the trace's, as case:<key>

The history goes by time, across cases. A commit's id follows from case, name, transition and time (and how often the
case had the same before), so a log that has grown adds what is new. `docs/design/imports.md` says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn
from xml.parsers import expat

import msgspec

from backstory.commit import draft, from_micros, micros
from backstory.errors import EventError, SourceError
from backstory.record import Encoded, check_tag, check_text, sorted_tags
from backstory.sync.order import Row, in_order
from backstory.sync.source import Entry, InputFile, Item, Progress, Rejected, no_progress, timed_id

DEPTH = 64
"""Attributes nested deeper than this are an attack, not a log."""

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


def read_xes(file: InputFile, *, progress: Progress = no_progress) -> Iterator[Item]:
    """The entries of an XES file, by time. The whole file is read before the first one comes.

    A document type or an entity is refused: XES has none, and they are how XML is made to explode. A file that stops
    in the middle gives what it has, and says so.
    """
    for item in in_order(_rows(file, progress), progress):
        if isinstance(item, Rejected):
            yield item
            continue
        event = _unpack(item)
        encoded = Encoded(event.type, 1, event.tags, event.data)
        yield Entry(
            draft((encoded,), id=event.id, time=from_micros(event.micros), author=event.author),
            file.name,
            event.line,
        )


def _rows(file: InputFile, progress: Progress) -> Iterator[Row | Rejected]:
    log = _Log(file.name)
    try:
        for chunk in file.chunks():
            log.parse(chunk)
            yield from log.taken()
            progress("reading", file.done(), file.total)
        log.parse(b"", last=True)
        yield from log.taken()
    except SourceError as wrong:
        yield from log.taken()
        yield Rejected(wrong)


class _Log:
    """Follows the parser through log, trace, event and attributes, and keeps one trace at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._rows: list[Row | Rejected] = []
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._trace: dict[str, Any] = {}
        self._traces = 0
        self._open: list[Any] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse

    def parse(self, chunk: bytes, *, last: bool = False) -> None:
        """Take more of the file. Raises `SourceError` where it is not XML, or not a log."""
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as wrong:
            why = f"this is not well-formed XML, and the rest was not read: {expat.ErrorString(wrong.code)}"
            raise SourceError(self.name, wrong.lineno, why) from wrong

    def taken(self) -> list[Row | Rejected]:
        """The rows since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _refuse(self, *_: object) -> NoReturn:
        self._fail("a document type or an entity has no place in XES")

    def _fail(self, why: str) -> NoReturn:
        raise SourceError(self.name, self._parser.CurrentLineNumber, why)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        opened = self._open
        read = SCALARS.get(name)
        if read is not None and opened:
            parent = opened[-1]
            if parent is None:
                opened.append(None)
                return
            if len(opened) > DEPTH:
                self._fail(f"attributes are nested deeper than {DEPTH}")
            try:
                key, text = attributes["key"], attributes["value"]
            except KeyError as missing:
                self._fail(f"<{name}> has no {missing.args[0]}")
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
            self._fail(f"elements are nested deeper than {DEPTH}")
        if not opened:
            if name != "log":
                self._fail(f"this is no XES log: it begins with <{name}>")
            opened.append(None)
        elif name == "event" and (opened[-1] is self._trace or len(opened) == 1):
            event: dict[str, Any] = {}
            self._events.append((self._parser.CurrentLineNumber, event))
            opened.append(event)
        elif name == "trace":
            self._trace, self._events = {}, []
            opened.append(self._trace)
        elif name in ("list", "container") and opened[-1] is not None and "key" in attributes:
            nested: Any = [] if name == "list" else {}
            _put(opened[-1], attributes["key"], nested)
            opened.append(nested)
        elif name == "values":
            opened.append(opened[-1])
        else:
            opened.append(None)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == "trace":
            self._traces += 1
            self._take(str(self._trace.get(NAME) or f"trace-{self._traces}"), self._trace)
        elif name == "event" and len(self._open) == 1:
            self._take("", {})

    def _take(self, case: str, trace: dict[str, Any]) -> None:
        """Turn a trace, or one event that stands outside of any, into rows."""
        seen: dict[tuple[Any, ...], int] = {}
        extra = {f"case:{key}": value for key, value in trace.items()}
        for line, event in self._events:
            try:
                row = self._row(case, line, {**extra, **event} if extra else event, seen)
            except (EventError, ValueError) as wrong:
                raw = _encode(event).decode()
                self._rows.append(Rejected(SourceError(self.name, line, str(wrong)), raw))
            else:
                self._rows.append(row)
                extra = {}
        self._events = []

    def _row(self, case: str, line: int, event: dict[str, Any], seen: dict[tuple[Any, ...], int]) -> Row:
        when = event.get(TIME)
        if not when:
            raise ValueError(f"the event has no {TIME}, so it has no place in a history")
        time = datetime.fromisoformat(when)
        at = micros(time if time.tzinfo else time.replace(tzinfo=UTC))
        type, transition = str(event.get(NAME) or "event"), event.get(TRANSITION)
        author = str(event.get(RESOURCE, ""))
        tags = [check_tag(f"case:{case}")] if case else []
        if author:
            tags.append(check_tag(f"resource:{author}"))
        same = (type, transition, at)
        count = seen[same] = seen.get(same, -1) + 1
        id = timed_id(at, "xes", case, type, transition, at, count)
        check_text(type, "event type")
        return at, _pack(_Event(at, id, line, type, sorted_tags(tuple(tags)), author, _encode(event)))


def _put(parent: Any, key: str, value: Any) -> Any:
    """Put an attribute where it belongs; return what its own attributes are put into.

    Those of a plain value stand beside it, as key/subkey.
    """
    if type(parent) is dict:
        parent[key] = value
    elif type(parent) is list:
        parent.append({key: value})
        parent = parent[-1]
    else:
        parent, above = parent
        key = f"{above}/{key}"
        parent[key] = value
    return parent, key


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
