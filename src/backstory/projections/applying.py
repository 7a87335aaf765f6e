"""A batch of events, applied to the tables of a group, each in the order of the log."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from backstory.errors import EventError
from backstory.projections.names import Own
from backstory.projections.projection import Group, Projection
from backstory.projections.values import written
from backstory.store import Record
from backstory.values.codec import Codec
from backstory.values.commit import Commit
from backstory.values.event import Unknown
from backstory.values.event_data import RecordedEvent
from backstory.values.masking import event_veil, masked_words

PASSING = ("BUSY", "LOCKED", "FULL", "IOERR")
"""Errors of SQLite that may pass."""

CommitAt = Callable[[int], Commit]

EVENTS = {
    "sqlite": """
        CREATE TEMP TABLE IF NOT EXISTS events (
            position INTEGER PRIMARY KEY, type TEXT, version INTEGER, data TEXT, time TEXT, author TEXT, authored TEXT
        )
    """,
    "postgresql": """
        CREATE TEMP TABLE IF NOT EXISTS events (
            position BIGINT PRIMARY KEY, type TEXT, version INTEGER, data JSONB, time TIMESTAMPTZ, author TEXT,
            authored TIMESTAMPTZ
        ) ON COMMIT DELETE ROWS
    """,
    "duckdb": """
        CREATE TEMP TABLE IF NOT EXISTS events (
            position BIGINT, type TEXT, version INTEGER, data JSON, time TIMESTAMPTZ, author TEXT,
            authored TIMESTAMPTZ
        )
    """,
}
"""The table over which declared SQL runs: the events of one batch."""

FILL_FROM_JSON = """
INSERT INTO events
SELECT (e->>0)::BIGINT, e->>1, (e->>2)::INTEGER, e->3, (e->>4)::TIMESTAMPTZ, e->>5, (e->>6)::TIMESTAMPTZ
FROM (SELECT unnest(from_json(?, '["JSON"]')) AS e)
"""
FILL = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"
FILL_TOGETHER = """
INSERT INTO events
SELECT
    (e->>0)::bigint, e->>1, (e->>2)::integer, e->3, (e->>4)::timestamptz, e->>5, (e->>6)::timestamptz
FROM jsonb_array_elements(?) e
"""


Opened: TypeAlias = tuple[RecordedEvent, Any]
"""An event of a batch: as the log has it, and as an object."""


class FailedError(Exception):
    """An event cannot be applied. `opened` is that event where it is known: else one of the batch."""

    def __init__(self, stored: RecordedEvent | None, why: str) -> None:
        super().__init__(why)
        self.stored = stored
        self.why = why


def decoded(group: Group | None, records: Iterable[RecordedEvent], codec: Codec) -> list[Opened]:
    """The events of a batch as objects. Raises `FailedError` for one that the code at hand cannot read."""
    found, decode = [], codec.decode
    for stored in records:
        try:
            event = decode(stored)
        except EventError as wrong:
            raise FailedError(stored, str(wrong)) from wrong
        if type(event) is Unknown and (stored.data or group is None or not group.takes_withheld):
            raise FailedError(stored, f"{stored.type}: {event.why}")
        found.append((stored, event))
    return found


def apply(group: Group, batch: Sequence[Opened], tx: Own, commit_at: CommitAt) -> None:
    """Apply a batch to the tables of a group. Raises `FailedError`, and errors of the database that may pass."""
    for member in group.members:
        names = {kind.name for kind in member.event_types()}
        own = batch if names == group.types else [each for each in batch if each[0].type in names]
        if own:
            _apply(member, own, tx, commit_at)


def _apply(member: Projection, batch: Sequence[Opened], tx: Own, commit_at: CommitAt) -> None:
    stored: RecordedEvent | None = batch[0][0] if len(batch) == 1 else None
    one: Callable[..., None] | None = getattr(member, "apply", None)
    many: Callable[..., None] | None = getattr(member, "apply_many", None)
    try:
        member.check()
        if one is not None and wants_record(member):
            for stored, event in batch:
                one(event, tx, Record(event, stored, commit_at))
        elif one is not None:
            for stored, event in batch:  # noqa: B007 - it is looked at where this raises
                one(event, tx)
        elif many is not None:
            many([(event, Record(event, stored, commit_at)) for stored, event in batch], tx)
        else:
            _run_sql(member, batch, tx, commit_at)
    except Exception as error:
        if passes(error):
            raise
        raise FailedError(stored, told(error, (kind.name for kind in member.event_types()))) from error


def wants_record(member: Projection) -> bool:
    """Whether `apply` takes the record too."""
    code = getattr(member.apply, "__code__", None)  # type: ignore[attr-defined]
    return code is not None and code.co_argcount == 4


def _run_sql(member: Projection, batch: Sequence[Opened], tx: Own, commit_at: CommitAt) -> None:
    sqlite = tx.dialect == "sqlite"
    form: Callable[[bytes], Any] = bytes.decode if sqlite else msgspec.Raw
    versions = {kind.name: kind.version for kind in member.event_types()}
    rows, known = [], 0
    about: tuple[Any, ...] = ()
    for stored, event in batch:
        if stored.commit != known:
            known, commit = stored.commit, commit_at(stored.commit)
            about = (written(commit.time), commit.author, written(commit.authored))
        version = versions[stored.type]
        data = stored.data if stored.version == version else msgspec.json.encode(event)
        rows.append((stored.position, stored.type, version, form(data), *about))
    tx.execute(EVENTS[tx.dialect])
    tx.execute("DELETE FROM events")
    if sqlite:
        tx.below.executemany(FILL, rows)
    else:
        tx.execute(FILL_TOGETHER if tx.dialect == "postgresql" else FILL_FROM_JSON, (rows,))
    tx.execute(member.sql[tx.dialect])
    if sqlite:
        tx.below.execute("DROP TABLE temp.events")  # the file of a log has a table of that name, too


def told(error: Exception, types: Iterable[str]) -> str:
    """An error in words: what it says, and the line of the projection's code at which it was raised.

    It may speak of events of these types. If one of them has marks, its own words are left out: they would be kept
    beside the tables, and shown.
    """
    lines = [
        f"{frame.f_code.co_filename.rpartition('/')[2]}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] not in ("backstory", "psycopg", "apsw")
    ]
    place = f" ({lines[-1]})" if lines else ""
    veil = next(filter(None, map(event_veil, types)), None)
    return f"{masked_words(error, veil) if veil else f'{type(error).__name__}: {error}'}{place}"


def passes(error: BaseException) -> bool:
    """Whether an error of a database may pass: another one holds a lock, or the server went away."""
    module = type(error).__module__.partition(".")[0]
    if module == "sqlalchemy":
        return getattr(error, "connection_invalidated", False) or passes(
            getattr(error, "orig", None) or Exception()
        )
    if module == "sqlite3":
        return getattr(error, "sqlite_errorname", "").partition("_")[2].partition("_")[0] in PASSING
    if module == "_duckdb":
        import duckdb

        return isinstance(error, duckdb.TransactionException | duckdb.IOException)
    if module == "apsw":
        import apsw

        return isinstance(error, apsw.BusyError | apsw.LockedError | apsw.FullError | apsw.IOError)
    if module == "psycopg":
        import psycopg

        from backstory.stores.postgres.failures import may_pass

        # An error before the one that was raised has ended the pipeline, and is not known.
        ended = isinstance(error, psycopg.errors.PipelineAborted)
        return isinstance(error, psycopg.Error) and not ended and may_pass(error)
    return False


__all__ = ["FailedError", "Opened", "Own", "apply", "decoded", "passes", "told", "wants_record"]
