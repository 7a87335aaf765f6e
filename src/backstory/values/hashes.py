"""The hashes of events and commits, made of bytes alone. `format.md` has every byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backstory.values import digest
from backstory.values.event_data import EventData, RecordedEvent

LEAF = b"\x00"
NODE = b"\x01"
COMMIT = b"backstory commit 1\n"


def leaf_hash(event: EventData | RecordedEvent, data: bytes) -> bytes:
    """The hash of one event: it covers type, version, tags and the digest of its data, which may be withheld."""
    kind = event.type.encode()
    parts = [LEAF, len(kind).to_bytes(8), kind, event.version.to_bytes(8), len(event.tags).to_bytes(8)]
    for tag in event.tags:
        text = tag.encode()
        parts += (len(text).to_bytes(8), text)
    parts.append(data)
    return digest.sha256(b"".join(parts)).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of RFC 6962, section 2.1, over hashed leaves.

    Pairing neighbours level by level, and letting an odd last one rise, gives the same tree as its split at the largest
    power of two.
    """
    if not leaves:
        return digest.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: Sequence[bytes]) -> list[bytes]:
    """The nodes above those of a level."""
    sha256 = digest.sha256
    pairs = [
        sha256(NODE + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)
    ]
    if len(level) % 2:
        pairs.append(level[-1])
    return pairs


def audit_path(leaves: Sequence[bytes], place: int) -> list[tuple[bool, bytes]]:
    """The hashes beside the way from a leaf, counted from 0, up to the root, and whether each stands on its left."""
    path, level = [], list(leaves)
    while len(level) > 1:
        beside = place ^ 1
        if beside < len(level):
            path.append((beside < place, level[beside]))
        level, place = _above(level), place // 2
    return path


def root_above(leaf: bytes, path: Iterable[tuple[bool, bytes]]) -> bytes:
    """The root that this path leads to from a leaf."""
    node = leaf
    for left, beside in path:
        node = digest.sha256(NODE + (beside + node if left else node + beside)).digest()
    return node


def commit_hash(parent: bytes, content: bytes, after: int | None) -> bytes:
    """The hash of where a commit stands: its parent, its content, and the position that it was decided on."""
    decided = b"\x00" if after is None else b"\x01" + after.to_bytes(8)
    return digest.sha256(COMMIT + parent + content + decided).digest()
