"""Compares the code with a log: types and versions that it cannot read, and, if asked for, stored events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

from backstory.history.ask.summary import TypeCount, types
from backstory.rows.kinds import row_event
from backstory.schema.check import Finding
from backstory.store import Log
from backstory.values.event_data import RESERVED, RecordedEvent
from backstory.values.event_types import EventType
from backstory.values.query import Query


def check_log(
    log: Log,
    kinds: Iterable[EventType],
    *,
    retired: Collection[str] = (),
    sample: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Finding]:
    """The stored types and versions that these events cannot read; `sample` events of each are decoded.

    Retired types need no class, and neither do the events of the library itself, such as deadlines; those of
    rows of tables have theirs. Half of the sample are the first of their type and version, and half the last.
    """
    known = {kind.name: kind for kind in kinds}
    for count in types(log, progress):
        where = (
            f"{count.events:,} stored, #{count.first} to #{count.last}"
            if count.events > 1
            else f"#{count.first}"
        )
        kind = known.get(count.type) or row_event(count.type)
        if kind is None and (count.type in retired or count.type.startswith(RESERVED)):
            continue
        if kind is None:
            yield _broken(
                count,
                f"is in the log ({where}), and no event class here has this name",
                "Bring the class back, or retire it.",
            )
        elif count.version > kind.version:
            why = (
                f"is in the log in version {count.version} ({where}), and the code has version {kind.version}"
            )
            yield _broken(count, why, "The log was written by newer code: update this one.")
        else:
            yield from _decoded(log, kind, count, sample)


def _decoded(log: Log, kind: EventType, count: TypeCount, sample: int) -> Iterator[Finding]:
    """The first event of a sample that its class does not read as it is stored, and the first with other tags."""
    warned = False
    for record in _sample(log, count, sample):
        try:
            tags = kind.tags(kind.decode(record.version, record.data))
        except Exception as wrong:  # noqa: BLE001 - an upcaster is anybody's code
            why = f"#{record.position} (version {record.version}) cannot be read: {type(wrong).__name__}: {wrong}"
            yield _broken(count, why, "Mend the class, or the upcaster.")
            return
        if set(tags) != set(record.tags) and not warned:
            warned = True
            yield Finding(
                "warning",
                count.type,
                count.version,
                f"#{record.position} has {_listed(record.tags)}, and its class would give it {_listed(tags)}",
                remedy="Stored events keep their tags: states find this one under those that it has.",
            )


def _sample(log: Log, count: TypeCount, size: int) -> Iterator[RecordedEvent]:
    query = Query.of([count.type])
    early = log.read(query, after=count.first - 1, upto=count.last)
    late = log.read(query, after=count.first - 1, upto=count.last, backwards=True)
    for records, share in ((early, size - size // 2), (late, size // 2)):
        yield from islice((record for record in records if record.version == count.version), share)


def _broken(count: TypeCount, what: str, remedy: str) -> Finding:
    return Finding("broken", count.type, count.version, what, remedy=remedy)


def _listed(tags: Iterable[str]) -> str:
    return " and ".join(sorted(tags)) or "no tags"
