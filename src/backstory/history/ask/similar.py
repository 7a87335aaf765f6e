"""Similar tags and types: those that somebody may have meant if one is not in the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backstory.decide.latest import Latest
from backstory.decide.state import State, state_type
from backstory.errors import UnknownTypeWarning
from backstory.likeness import did_you_mean, meant, near
from backstory.store import Log
from backstory.told import warn
from backstory.values.event import definitions
from backstory.values.query import Query

LOOKED_AT = 20_000
"""Events at the end of the log in which similar tags and types are looked for."""


def similar_tags(log: Log, tag: str) -> list[str]:
    """The tags of the same key, used lately, whose values are like this one's, the nearest first."""
    key, _, value = tag.partition(":")
    prefix = f"{key}:"
    recent = log.read(backwards=True, limit=LOOKED_AT)
    known = {
        other.removeprefix(prefix) for event in recent for other in event.tags if other.startswith(prefix)
    }
    return [prefix + other for other in near(value, known)]


def similar_states(log: Log, reference: State) -> list[str]:
    """The tags of states that are like this one, used lately."""
    if isinstance(reference, Latest):
        return similar_tags(log, reference.tag)
    tags = [tag for field in state_type(type(reference)).tag_fields for tag in field.texts(reference)]
    return [other for tag in tags for other in similar_tags(log, tag)]


def unknown_types(log: Log, names: Iterable[str]) -> Iterator[str]:
    """Words about each type that neither an event in the log nor a class of this program has."""
    for name in names:
        if name in definitions or next(log.read(Query.of([name]), limit=1), None) is not None:
            continue
        known = {event.type for event in log.read(backwards=True, limit=LOOKED_AT)} | definitions.keys()
        if f"{name}.RowInserted" in known:
            hint = f"the rows of that name are a table: db.table({name!r})"
        else:
            hint = did_you_mean(name, known)
        words = f"no event of type {name!r} is in the log, and no event class here has this name"
        yield f"{words}; {hint}" if hint else words


def warn_of_unknown(log: Log, names: Iterable[object]) -> None:
    """Warn of each such type among the names."""
    for words in unknown_types(log, [name for name in names if isinstance(name, str)]):
        warn(words, UnknownTypeWarning)


def unknown_tags(log: Log, tags: Iterable[str]) -> Iterator[str]:
    """Words about each tag that no event in the log has."""
    for tag in tags:
        if next(log.read(Query.of(tags=[tag]), limit=1), None) is None:
            hint = meant(similar_tags(log, tag))
            yield f"no event has the tag {tag}{hint and f'; {hint}'}"
