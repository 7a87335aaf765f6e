"""The lock file: for every published event and version, the schema of its data and the tags of its fields.

JSON, every key sorted and on a line of its own, so that a review shows which field of which event was changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from backstory.errors import LockError
from backstory.likeness import did_you_mean
from backstory.outfile import written
from backstory.schema.json_schema import Schema, event_schema, event_tags
from backstory.told import pasted
from backstory.values.event_types import EventType

NAME = "events.lock"
FORMAT = 1


class Published(msgspec.Struct, frozen=True):
    """One version of an event, as it was published: the schema of its data, and the key under which a field tags."""

    schema: Schema
    tags: dict[str, str] = {}


class Lock(msgspec.Struct, frozen=True):
    """All versions of all events, by name and version.

    `retired` are events that the code gave up on purpose: stores have them, and they are read as `Unknown`.
    """

    events: dict[str, dict[int, Published]]
    retired: list[str] = []
    format: int = FORMAT


def published(kind: EventType) -> Published:
    """An event class as the lock has it."""
    described = Published(event_schema(kind), event_tags(kind))
    return msgspec.json.decode(msgspec.json.encode(described), type=Published)


def retired(lock: Lock, kinds: Iterable[EventType], names: Iterable[str]) -> Lock:
    """The lock with these events retired. Raises `LockError` for one that the code still has, or the lock never had."""
    now = {kind.name for kind in kinds}
    for name in names:
        if name in now:
            raise LockError(f"{name} cannot be retired while the code has it: take its class out first")
        if name not in lock.events:
            hint = did_you_mean(name, lock.events)
            raise LockError(f"{name} is not in the lock, so there is nothing to retire{hint and f'; {hint}'}")
    return Lock(lock.events, sorted({*lock.retired, *names}))


def updated(lock: Lock, kinds: Iterable[EventType], *, removed: bool = False) -> Lock:
    """The lock with these events as they are now. Older versions stay; so do events that are gone, unless `removed`.

    Retired events stay always; one that the code has again is not retired any more.
    """
    now = {kind.name: kind for kind in kinds}
    given_up = [name for name in lock.retired if name not in now]
    events = {
        name: dict(versions)
        for name, versions in lock.events.items()
        if name in now or name in given_up or not removed
    }
    for name, kind in now.items():
        older = {
            version: old
            for version, old in events.get(name, {}).items()
            if version < kind.version or not removed
        }
        events[name] = {**older, kind.version: published(kind)}
    return Lock(events, given_up)


def write(lock: Lock, path: Path) -> None:
    """Write the file, whole or not at all."""
    text = msgspec.json.format(
        msgspec.json.encode(msgspec.to_builtins(lock, str_keys=True), order="sorted"), indent=2
    )
    with written(str(path)) as file:
        file.write(text + b"\n")


def read(path: Path) -> Lock:
    """Read the file. Raises `LockError` if there is none, or if this Backstory cannot read it."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LockError(
            f"there is no schema lock {path}; make one with: {pasted('schema', 'lock')}"
        ) from None
    if data.startswith((b"<<<<<<<", b"{\n<<<<<<<")) or b"\n<<<<<<< " in data:
        raise LockError(
            f"{path} has a merge conflict; take either side, then run: {pasted('schema', 'lock')}"
        )
    try:
        lock = msgspec.json.decode(data, type=Lock)
    except msgspec.MsgspecError as wrong:
        raise LockError(f"{path} is not a schema lock: {wrong}") from wrong
    if lock.format > FORMAT:
        raise LockError(
            f"{path} was written by a newer Backstory (format {lock.format}, this one knows {FORMAT})"
        )
    return lock
