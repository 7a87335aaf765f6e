"""Reading Debezium's change events as JSON Lines: with the wrapper of their schema or without, with their keys or not.

A line is the value of a message, or an object of its key and its value (`payload`, as kcat writes it, or `value`).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from backstory.errors import DefinitionError, SourceError
from backstory.rows.forms import formed
from backstory.rows.kinds import kind
from backstory.rows.texts import value_of
from backstory.transfer.formats.audit.changes import Change, Found, Place, whole_key
from backstory.transfer.formats.audit.known import Asked
from backstory.transfer.source import MALFORMED, InputFile, Progress, Rejected, no_progress
from backstory.values.commit import EPOCH, LATEST, micros

OPERATIONS = ("c", "u", "d", "r")
VOLATILE = ("ts_ms", "ts_us", "ts_ns")
"""Fields of an event that differ when Debezium sends it once more."""

POSITIONS = ("lsn", "pos", "scn", "change_lsn", "ord", "commit_lsn")
"""Fields of a source that say where in the database's own log the change is."""

MICROS = {"io.debezium.time.Timestamp": 1_000, "io.debezium.time.MicroTimestamp": 1}
MICROS_A_DAY = {"io.debezium.time.Time": 1_000, "io.debezium.time.MicroTime": 1}

DAY = 24 * 3600 * 1_000_000
"""Microseconds."""

MOST_DIGITS = 200_000
"""More than any database has in a number."""

KINDS = {
    "io.debezium.time.ZonedTimestamp": "instant",
    "io.debezium.time.MicroDuration": "micros",
    "io.debezium.data.Uuid": "uuid",
    "io.debezium.data.Json": "json",
}
"""The kinds of values whose schema has these names."""

_decode = msgspec.json.Decoder().decode


def changes(file: InputFile, asked: Asked, progress: Progress = no_progress) -> Iterator[Found]:
    """The changes of a file, in its order. Tombstones, which follow a deletion and say nothing new, are left out."""
    reader = _Reader(file.name, asked)
    try:
        for number, line in enumerate(file.lines(), 1):
            if isinstance(line, Rejected):
                yield line
            elif text := line.strip():
                place = Place(file.name, number, raw=text)
                try:
                    change = reader.change(text, place)
                except MALFORMED as wrong:
                    yield place.refused(wrong)
                except (
                    AttributeError,
                    KeyError,
                    TypeError,
                ):  # a part is of another kind than in change events
                    yield place.refused(
                        ValueError("it is no change event of Debezium: a part has another form")
                    )
                else:
                    if change is not None:
                        yield change
            if not number % 1024:
                progress("reading", file.done(), file.total)
    except SourceError as wrong:
        yield Rejected(wrong)


class _Reader:
    """Makes a change of each line."""

    def __init__(self, name: str, asked: Asked) -> None:
        self._name = name
        self._asked = asked

    def change(self, line: bytes, place: Place) -> Change | None:
        """The change on a line; None for a tombstone. Raises one of `MALFORMED`."""
        key, value = _message(_decode(line))
        schemas, event = _unwrapped(value)
        if event is None:
            return None
        operation, source = event.get("op"), event.get("source") or {}
        if operation not in OPERATIONS:
            raise ValueError(_other(operation))
        before, after = (self._row(event, name, schemas) for name in ("before", "after"))
        row = before if operation == "d" else after
        if row is None and operation != "d":
            raise ValueError("it has no row: `after` is null")
        table = str(source.get("table") or source.get("collection") or "")
        name = self._asked.tables.get(table) or table or next(iter(self._asked.tables), "")
        if not name:
            raise ValueError("it names no table in its source; say --table")
        try:
            kind(name)
        except DefinitionError as wrong:
            raise ValueError(f"{wrong}. Name it: --table {table}=NAME") from None
        keys = self._keys(key, row or {})
        fields = {each: value for each, value in (row or {}).items() if each not in self._asked.drop}
        said = {"operation": operation, "source": source}
        if event.get("transaction"):
            said["transaction"] = event["transaction"]
        author = self._asked.author
        return Change(
            place,
            name,
            whole_key(list(keys.values())),
            _time(source, event),
            _identity(source, event, keys),
            {each: value for each, value in fields.items() if [each] != list(keys)},
            operation == "d",
            author=str((row or {}).get(author) or "") if author else "",
            said=said,
        )

    def _row(self, event: Mapping[str, Any], name: str, schemas: Mapping[str, Any]) -> dict[str, Any] | None:
        row = event.get(name)
        if row is not None and not isinstance(row, dict):
            raise ValueError(f"`{name}` is no row: {str(row)[:80]}")
        kinds = schemas.get(name) or {}
        return None if row is None else {each: _read(value, kinds.get(each)) for each, value in row.items()}

    def _keys(self, key: Mapping[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any]:
        if not self._asked.key and key:
            return dict(key)
        named = self._asked.key or ("id",)
        if missing := [name for name in named if name not in row]:
            raise ValueError(f"the row has no field {missing[0]!r} for its key; say --key")
        return {name: row[name] for name in named}


def _message(line: Any) -> tuple[Mapping[str, Any] | None, Any]:
    """The key and the value of a message."""
    if not isinstance(line, dict) or "op" in line or not ({"key", "topic", "value"} & set(line)):
        return None, line
    value = line.get("value", line.get("payload"))
    key = _decoded(line.get("key"))
    if isinstance(key, dict) and "payload" in key:
        key = key["payload"]
    return key if isinstance(key, dict) else None, _decoded(value)


def _decoded(value: Any) -> Any:
    """A part of a message, which kcat writes as a text of JSON."""
    return _decode(value) if isinstance(value, str) and value[:1] in ("{", "[", "n") else value


def _unwrapped(value: Any) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The kinds of fields by the part of an event, if its schema is there, and the event; None for a tombstone."""
    schemas: dict[str, Any] = {}
    if isinstance(value, dict) and "payload" in value and "op" not in value:
        for part in (value.get("schema") or {}).get("fields") or ():
            schemas[part.get("field")] = {each.get("field"): each for each in part.get("fields") or ()}
        value = value["payload"]
    if value is None:
        return schemas, None
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - of a record, as every wrong one
            f"it is no change event but {str(value)[:80]!r}"
        )
    return schemas, value


def _other(operation: Any) -> str:
    if operation == "t":
        return "a truncation names no rows: delete those of the table by hand, or import what comes after it elsewhere"
    if operation is None:
        return "it is no change event of Debezium: it has no `op`"
    return f"its `op` is {operation!r}, which is no change of a row"


def _time(source: Mapping[str, Any], event: Mapping[str, Any]) -> datetime:
    """The time of the change in its database, else that of the event."""
    for said in (source, event):
        for name, unit in (("ts_us", 1), ("ts_ms", 1_000)):
            if isinstance(value := said.get(name), int) and value > 0:
                if value * unit > micros(LATEST):
                    raise ValueError(f"{name}: the time {value} is beyond the year 9999")
                return EPOCH + timedelta(microseconds=value * unit)
    raise ValueError("it has no time: neither `source.ts_ms` nor `ts_ms`")


def _identity(
    source: Mapping[str, Any], event: Mapping[str, Any], keys: Mapping[str, Any]
) -> tuple[Any, ...]:
    """The parts that tell a change apart, the same however often Debezium sends it."""
    place = {name: value for name, value in source.items() if name not in (*VOLATILE, "version", "sequence")}
    if not any(source.get(name) is not None for name in POSITIONS):
        place |= {name: event.get(name) for name in ("before", "after", *VOLATILE)}
    if source.get("snapshot") not in (None, False, "false") or event.get("op") == "r":
        place.pop("snapshot", None)
    return ("debezium", event.get("op"), dict(keys), sorted(place.items()))


def _read(value: Any, schema: Mapping[str, Any] | None) -> Any:
    """A value as its schema means it: numbers that stand for times and bytes that stand for numbers are told."""
    name = (schema or {}).get("name")
    if value is None or name is None or schema is None:
        return value
    try:
        return _meant(value, name, schema)
    except OverflowError:
        raise ValueError(f"{str(value)[:40]} is beyond what {name} can be") from None


def _meant(value: Any, name: str, schema: Mapping[str, Any]) -> Any:
    if name in MICROS:
        return msgspec.to_builtins(
            (EPOCH + timedelta(microseconds=value * MICROS[name])).replace(tzinfo=None)
        )
    if name == "io.debezium.time.NanoTimestamp":
        return msgspec.to_builtins((EPOCH + timedelta(microseconds=value // 1_000)).replace(tzinfo=None))
    if name == "io.debezium.time.Date":
        return (EPOCH + timedelta(days=value)).date().isoformat()
    if name in MICROS_A_DAY:
        return _clock(value * MICROS_A_DAY[name])
    if name in KINDS:
        return formed(value_of(value) if KINDS[name] == "json" else value, KINDS[name])
    if name == "org.apache.kafka.connect.data.Decimal":
        return _decimal(value, int((schema.get("parameters") or {}).get("scale", 0)))
    if name == "io.debezium.data.VariableScaleDecimal":
        return _decimal(value["value"], int(value["scale"]))
    return value


def _clock(value: int) -> str:
    """A time of day of so many microseconds; MySQL has them below zero, and beyond a day."""
    if 0 <= value < DAY:
        return (EPOCH + timedelta(microseconds=value)).time().isoformat()
    seconds, rest = divmod(abs(value), 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    sign, fraction = "-" if value < 0 else "", f".{rest:06}" if rest else ""
    return f"{sign}{hour:02}:{minute:02}:{second:02}{fraction}"


def _decimal(encoded: str, scale: int) -> Any:
    """The digits of a number, all of them: arithmetic with decimals would round to 28."""
    if abs(scale) > MOST_DIGITS:
        raise ValueError(f"a number has no {scale:,} digits after the point")
    sign, digits, _ = Decimal(int.from_bytes(b64decode(encoded), "big", signed=True)).as_tuple()
    return formed(Decimal((sign, digits, -scale)), "decimal")
