"""The columns of events: where each stands in the log, who wrote it when, and its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import pyarrow as pa

from backstory.frames.columns import Column
from backstory.frames.kinds import INSTANT, JSON, PLAIN, Kind, kind_of
from backstory.lookup import Commits
from backstory.store import Log
from backstory.values.codec import Codec
from backstory.values.commit import micros
from backstory.values.event_data import RecordedEvent
from backstory.values.event_types import event_classes, event_type
from backstory.values.fields import hints
from backstory.values.masking import masked_data
from backstory.values.query import Query
from backstory.values.veil import OPEN, field_names, veil_of

PREFIX = "commit_"
"""Stands before the name of a column about the commit where a field of the events has that name."""


class Written(NamedTuple):
    """A commit as its columns have it; times are microseconds since 1970."""

    authored: int
    time: int
    author: str | None
    message: str | None
    id: str


class Row(NamedTuple):
    """An event with its commit; `event` is None where its data are withheld, or where no column is of its fields."""

    stored: RecordedEvent
    commit: Written
    event: Any = None


def rows(log: Log, codec: Codec, query: Query, *, typed: bool, **bounds: Any) -> Iterator[Row]:
    """The events of a query, with their commits. Raises `UnreadableEvent`."""
    commits, decode = Commits(log), codec.decode
    last, written = 0, Written(0, 0, None, None, "")
    for stored in commits.of(log.read(query, **bounds)):
        if stored.commit != last:
            last = stored.commit
            commit = commits.chunk(last)
            said = commit.author or None, commit.message or None
            written = Written(micros(commit.authored), micros(commit.time), *said, commit.id)
        yield Row(stored, written, decode(stored) if typed and stored.data else None)


def columns(what: Sequence[Any]) -> tuple[list[Column], bool]:
    """The columns of these selections, and whether they are of fields: of event classes; else the data are JSON."""
    if not what or any(isinstance(each, str) or not _is_class(each) for each in what):
        return [*_about(()), *_untyped()], False
    classes = list(dict.fromkeys(cls for each in what for cls in event_classes(each)))
    fields = _fields(classes)
    of_many = [Column("type", PLAIN[str], lambda row: row.stored.type)] if len(classes) > 1 else []
    return [*_about([column.name for column in fields], of_many), *fields], True


def _is_class(what: Any) -> bool:
    try:
        return bool(event_classes(what))
    except Exception:  # noqa: BLE001 - a state or a query, of which `wanted` says more
        return False


def _about(fields: Iterable[str], more: Sequence[Column] = ()) -> Iterator[Column]:
    """The columns about the place of an event, and about its commit."""
    taken = set(fields)
    found: list[tuple[str, Kind, Callable[[Row], Any]]] = [
        ("position", PLAIN[int], attrgetter("stored.position")),
        ("authored", INSTANT, attrgetter("commit.authored")),
        ("time", INSTANT, attrgetter("commit.time")),
        ("author", PLAIN[str], attrgetter("commit.author")),
        ("message", PLAIN[str], attrgetter("commit.message")),
        ("commit", PLAIN[str], attrgetter("commit.id")),
        *((column.name, column.kind, column.of) for column in more),
    ]
    for name, kind, of in found:
        own = name
        while own in taken:
            own = PREFIX + own
        yield Column(own, kind, of)


def _untyped() -> Iterator[Column]:
    yield Column("type", PLAIN[str], lambda row: row.stored.type)
    yield Column("version", PLAIN[int], lambda row: row.stored.version)
    yield Column("tags", Kind(pa.list_(pa.string()), list), lambda row: row.stored.tags)
    yield Column("data", Kind(JSON.arrow), _data)


def _data(row: Row) -> str | None:
    return masked_data(row.stored).decode() if row.stored.data else None


def _fields(classes: Sequence[type[Any]]) -> list[Column]:
    """The fields of classes; those of one name are one column. Raises `ValueError` if they are of two types."""
    found: dict[str, dict[type[Any], Kind]] = {}
    for cls in classes:
        veil, annotations = veil_of(cls) or OPEN, hints(cls) or {}
        for name, step in (field_names(cls) or {}).items():
            kinds = found.setdefault(name, {})
            kinds[cls] = kind = kind_of(annotations.get(name), veil.at(step))
            first = next(iter(kinds))
            if kinds[first].arrow != kind.arrow:
                one, other = event_type(first).name, event_type(cls).name
                raise ValueError(
                    f"{name} is {kinds[first].arrow} in {one} and {kind.arrow} in {other}: make a frame of each"
                )
    return [_field(name, kinds) for name, kinds in found.items()]


def _field(name: str, kinds: Mapping[type[Any], Kind]) -> Column:
    """The column of a field that these classes have."""
    [kind, *others] = kinds.values()
    if not others:
        return Column(name, kind, lambda row: getattr(row.event, name, None))
    makers = {cls: each.make for cls, each in kinds.items()}

    def of(row: Row) -> Any:
        value = getattr(row.event, name, None)
        make = makers.get(type(row.event))
        return value if make is None or value is None else make(value)

    return Column(name, Kind(kind.arrow), of)
