"""Numbers that stand for words: the keys of tags and types in the table of tags.

A word's key is the beginning of its SHA-256, as `tag_key` and `type_key` in `functions.sql` give it. Two words may have
one key, so keys only propose: whether an event matches, its row decides.
"""

from __future__ import annotations

from functools import lru_cache

from backstory.values import digest


def tag_key(tag: str) -> int:
    """The number that stands for a tag."""
    return int.from_bytes(digest.sha256(tag.encode()).digest()[:8], signed=True)


@lru_cache(maxsize=10_000)
def type_key(type: str) -> int:
    """The number that stands for a type."""
    return int.from_bytes(digest.sha256(type.encode()).digest()[:4], signed=True)
