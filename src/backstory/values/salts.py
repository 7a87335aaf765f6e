"""Salted digests: the hashes of a commit cover them in the place of its parts, so that each part can be withheld.

The digest of something that can be guessed gives it away, so a digest is of a salt and the part. All salts of a commit
come from its secret. Where a part is withheld, its digest stays, and its salt goes with it: nobody can try guesses.

A commit keeps one of two values as its `secret`; their lengths tell them apart:

    the secret      16 bytes, from which the salts of all parts are derived
    its openings    once a part is withheld: for each part its salt, or its digest if it is withheld
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

import msgspec

from backstory.errors import InvalidEvent
from backstory.values import digest

SIZE = 16
"""The bytes of a secret, and of each salt."""

SALTS = b"backstory salts 1\n"
PART = b"\x02"
NOTHING = bytes.fromhex("dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986")
"""The digest of an empty part, which has no salt: SHA-256 of 0x02."""

SALT_FOLLOWS, DIGEST_FOLLOWS = 0, 1


class Withheld(msgspec.Struct, frozen=True):
    """The digest of a part that is withheld, in place of its salt."""

    digest: bytes


Opening: TypeAlias = bytes | Withheld
"""The salt of a part, or the digest that stands for the part."""


def digests(secret: bytes, parts: Sequence[bytes]) -> list[bytes]:
    """The digest of each part. The value in the place of a withheld part is ignored.

    Raises `InvalidEvent` for a secret that is none.
    """
    if len(secret) != SIZE:
        return [
            digest_of(opening, part)
            for opening, part in zip(openings(secret, len(parts)), parts, strict=True)
        ]
    sha256 = digest.sha256
    salts = digest.shake_256(SALTS + secret).digest(SIZE * len(parts))
    return [
        sha256(PART + salts[start : start + SIZE] + part).digest() if part else NOTHING
        for start, part in zip(range(0, len(salts), SIZE), parts, strict=True)
    ]


def openings(secret: bytes, count: int) -> list[Opening]:
    """The salt or digest of each of `count` parts. Raises `InvalidEvent` for a secret of a wrong form."""
    if len(secret) == SIZE:
        salts = digest.shake_256(SALTS + secret).digest(SIZE * count)
        return [salts[start : start + SIZE] for start in range(0, len(salts), SIZE)]
    found: list[Opening] = []
    rest = memoryview(secret)
    while rest:
        kind, end = rest[0], 1 + (SIZE if rest[0] == SALT_FOLLOWS else 32)
        content = bytes(rest[1:end])
        if kind > DIGEST_FOLLOWS or len(rest) < end:
            break
        found.append(content if kind == SALT_FOLLOWS else Withheld(content))
        rest = rest[end:]
    if rest or len(found) != count:
        raise InvalidEvent(
            f"a commit's secret has {SIZE} bytes, or a salt or a digest for each of its {count} parts;"
            f" this one has {len(secret)} bytes, and is neither"
        )
    return found


def places_withheld(secret: bytes, count: int) -> frozenset[int]:
    """The places of the parts that are withheld. Raises `InvalidEvent` for a secret that is none."""
    if len(secret) == SIZE:
        return frozenset()
    return frozenset(
        place for place, opening in enumerate(openings(secret, count)) if isinstance(opening, Withheld)
    )


def without(secret: bytes, parts: Sequence[bytes], places: Collection[int]) -> bytes:
    """The openings that replace `secret` once the parts at these places are withheld. Raises `InvalidEvent`."""
    kept = b""
    known = openings(secret, len(parts))
    for place, (opening, part) in enumerate(zip(known, parts, strict=True)):
        if isinstance(opening, bytes) and place not in places:
            kept += bytes([SALT_FOLLOWS]) + opening
        else:
            kept += bytes([DIGEST_FOLLOWS]) + digest_of(opening, part)
    return kept


def digest_of(opening: Opening, part: bytes) -> bytes:
    """The digest of a part: of its salt and the part, or the one that stands for it."""
    if isinstance(opening, Withheld):
        return opening.digest
    return digest.sha256(PART + opening + part).digest() if part else NOTHING
