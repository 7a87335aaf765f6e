"""Similar tags: tags that somebody may have meant if a tag is not in the log."""

from __future__ import annotations

from backstory.likeness import near
from backstory.store import Log

LOOKED_AT = 20_000
"""Events at the end of the log in which similar tags are looked for."""


def similar_tags(log: Log, tag: str) -> list[str]:
    """The tags of the same key, used lately, whose values are like this one's, the nearest first."""
    key, _, value = tag.partition(":")
    prefix = f"{key}:"
    recent = log.read(backwards=True, limit=LOOKED_AT)
    known = {
        other.removeprefix(prefix) for event in recent for other in event.tags if other.startswith(prefix)
    }
    return [prefix + other for other in near(value, known)]
