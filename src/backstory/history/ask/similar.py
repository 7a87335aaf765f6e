"""Similar tags: tags that somebody may have meant if a tag is not in the log."""

from __future__ import annotations

from difflib import get_close_matches

from backstory.store import Log

LOOKED_AT = 20_000
"""Events at the end of the log in which similar tags are looked for."""

MOST = 3
"""Tags that are named."""


def similar_tags(log: Log, tag: str) -> list[str]:
    """The nearest tags with the same key, the nearest first, among those that were used lately."""
    prefix = tag.partition(":")[0] + ":"
    recent = log.read(backwards=True, limit=LOOKED_AT)
    known = {other for event in recent for other in event.tags if other.startswith(prefix)}
    return get_close_matches(tag, known, MOST)
