"""Compares the code with the lock: finds old data that cannot be read, schemas not locked yet, and remedies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from backstory.schema.compatibility import Difference, differences, tag_differences
from backstory.schema.lock import Lock, Published, published
from backstory.schema.samples import samples
from backstory.schema.stub import stub, tagged
from backstory.told import pasted
from backstory.values.event_types import EventType
from backstory.values.fields import tag_value

Level = Literal["broken", "warning", "news"]


class Finding(msgspec.Struct, frozen=True):
    """A finding about an event: `broken` fails the check, `news` is a schema that the lock does not have yet.

    `differences` are the fields, `remedy` is the advice, and `stub` is code to begin with.
    """

    level: Level
    event: str
    version: int
    what: str
    differences: tuple[Difference, ...] = ()
    remedy: str = ""
    stub: str = ""


def check(lock: Lock, kinds: Iterable[EventType]) -> list[Finding]:
    """Everything there is to say about these events and their lock, by event."""
    now = {kind.name: kind for kind in kinds}
    found: list[Finding] = []
    for name in sorted(lock.events.keys() | now.keys()):
        if name not in now:
            found += [] if name in lock.retired else [_removed(name, lock.events[name], now.values())]
        elif not lock.events.get(name):
            found.append(Finding("news", name, now[name].version, "is new"))
        else:
            found += _compared(now[name], lock.events[name])
    return found


def _removed(name: str, versions: dict[int, Published], kinds: Iterable[EventType]) -> Finding:
    version = max(versions)
    alike = next(
        (kind for kind in kinds if kind.name == kind.cls.__name__ and published(kind) == versions[version]),
        None,
    )
    renamed = (
        "" if alike is None else f' If it is {alike.name} now: class {alike.name}(Event, name="{name}").'
    )
    return Finding(
        "broken",
        name,
        version,
        "was removed",
        remedy="Events of it may be in a log, and states that read them would fail: bring the class back."
        f"{renamed} If nothing is to read them any more: {pasted('schema', 'lock', '--retire', name)}",
    )


def _compared(kind: EventType, versions: dict[int, Published]) -> Iterator[Finding]:
    newest = max(versions)
    if kind.version < newest:
        yield Finding(
            "broken",
            kind.name,
            newest,
            f"is locked as version {newest}, and the code has version {kind.version}",
            remedy=f"Versions only go up: events of version {newest} may be in a log. Bring version {newest} back.",
        )
        return
    if kind.version not in versions:
        yield Finding("news", kind.name, kind.version, f"has a new version {kind.version}")
    for version in sorted(versions):
        if version < kind.version:
            yield from _chain(kind, version, versions[version])
        elif version == kind.version:
            yield from _same_version(kind, versions[version])


def _same_version(kind: EventType, old: Published) -> Iterator[Finding]:
    new = published(kind)
    found = differences(old.schema, new.schema)
    found += tag_differences(old.schema, new.schema, old.tags, new.tags)
    if found:
        yield Finding(
            "broken",
            kind.name,
            kind.version,
            "changed in a way that stored events cannot follow",
            tuple(found),
            f"{_defaults(kind, found, old)}Events of version {kind.version} stay as they were written. Publish the"
            f" change as version {kind.version + 1}, with an upcaster that mends the old data:",
            stub(kind, found, old, new),
        )
    elif old != new:
        yield Finding("news", kind.name, kind.version, "changed, and still reads every stored event")


def _defaults(kind: EventType, found: Iterable[Difference], old: Published) -> str:
    """The remedy that needs no version, if nothing has changed but that fields came: a default for each."""
    known = {field.name for field in kind.tag_fields} | old.schema.get("properties", {}).keys()
    if any(one.kind != "required" or len(one.path) != 1 or one.path[0] in known for one in found):
        return ""
    names = " and ".join(sorted({one.path[0] for one in found}))
    return (
        f"Give {names} a default, which stored events take, and no new version is needed. If there is none: "
    )


def _chain(kind: EventType, version: int, old: Published) -> Iterator[Finding]:
    """Run the upcasters on made-up data of an old version, and read the result.

    A field that is missing then is missing for real data too; any other failure may come from made-up values.
    """
    if (moved := _moved_tags(kind, version, old)) is not None:
        yield moved
        return
    for data in samples(old.schema):
        shown = msgspec.json.encode(data).decode()
        before = _tags(old, data)
        try:
            event = kind.decode(version, msgspec.json.encode(data))
        except Exception as wrong:  # noqa: BLE001 - an upcaster is anybody's code
            why = str(wrong) or type(wrong).__name__
            missing = "missing required" in why or "Field required" in why
            yield Finding(
                "broken" if missing else "warning",
                kind.name,
                version,
                f"as its upcasters mend it, {shown} cannot be read: {type(wrong).__name__}: {why}",
                remedy="Mend the upcaster."
                if missing
                else "If real data never looks like this, nothing is wrong.",
            )
            return
        after = set(kind.tags(event))
        if before is not None and before != after:
            yield Finding(
                "warning",
                kind.name,
                version,
                f"{shown} was stored with {_listed(before)}, and would have {_listed(after)} today",
                remedy="Stored events keep their tags: a state that asks for the new ones will not find them.",
            )
            return


def _moved_tags(kind: EventType, version: int, old: Published) -> Finding | None:
    """The break of an event whose tags have other keys than those of an old version: their entities would be lost."""
    before, after = set(old.tags.values()), {field.key: field for field in kind.tag_fields}
    lost, came = sorted(before - after.keys()), sorted(after.keys() - before)
    if not (lost and came):
        return None
    keep = " and ".join(tagged(kind, after[new].name, key) for key, new in zip(lost, came, strict=False))
    return Finding(
        "broken",
        kind.name,
        version,
        f"events of version {version} have the tag {lost[0]}:..., and {came[0]}:... would be asked for in its place",
        remedy=f"Stored events keep their tags, so the history of each {lost[0]} would be lost. A field may have"
        f" another name and keep its key: {keep}. If another thing is tagged, publish an event of another name.",
    )


def _tags(old: Published, data: dict[str, Any]) -> set[str] | None:
    """The tags that this data was stored with; None if the text of one cannot be told from JSON alone."""
    found = set()
    for name, key in old.tags.items():
        value = data.get(name)
        for one in value if isinstance(value, list) else [value]:
            if one is None:
                continue
            if _is_time(old, name):
                return None
            found.add(f"{key}:{tag_value(one)}")
    return found


def _is_time(old: Published, name: str) -> bool:
    return b'"date-time"' in msgspec.json.encode(old.schema.get("properties", {}).get(name))


def _listed(tags: set[str]) -> str:
    return " and ".join(sorted(tags)) or "no tags"
