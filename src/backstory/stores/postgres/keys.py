"""Numbers that stand for words: the keys of tags, types and links in the table of tags.

A word's key is the beginning of its SHA-256, as `tag_key` and `type_key` in `functions.sql` give it. Two words may have
one key, so keys only propose: whether an event matches, its row decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from backstory.values import digest


def tag_key(tag: str) -> int:
    """The number that stands for a tag."""
    return int.from_bytes(digest.sha256(tag.encode()).digest()[:8], signed=True)


def link_keys(tags: Iterable[str], links: Iterable[str]) -> list[int]:
    """The keys of a commit's links in the table of tags, under its last event, beside those of that event's tags."""
    own = set(map(tag_key, tags))
    return [key for key in dict.fromkeys(map(tag_key, links)) if key not in own]


@lru_cache(maxsize=10_000)
def type_key(type: str) -> int:
    """The number that stands for a type."""
    return int.from_bytes(digest.sha256(type.encode()).digest()[:4], signed=True)
