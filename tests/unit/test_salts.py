"""Salted digests, and what is kept once parts are withheld."""

from __future__ import annotations

from hashlib import sha256, shake_256

import pytest

from backstory.errors import InvalidEvent
from backstory.values.salts import NOTHING, Withheld, digests, openings, without

SECRET = bytes(range(16))
PARTS = [b"ann", b"", b"pay", b"{}"]


def test_a_digest_is_of_a_salt_that_follows_from_the_secret_and_of_the_part() -> None:
    salts = shake_256(b"backstory salts 1\n" + SECRET).digest(64)
    assert digests(SECRET, PARTS) == [
        sha256(b"\x02" + salts[:16] + b"ann").digest(),
        sha256(b"\x02").digest(),
        sha256(b"\x02" + salts[32:48] + b"pay").digest(),
        sha256(b"\x02" + salts[48:] + b"{}").digest(),
    ]


def test_the_same_part_has_another_digest_in_each_place_and_with_each_secret() -> None:
    found = [*digests(SECRET, [b"ann"] * 3), *digests(bytes(16), [b"ann"] * 3)]
    assert len(set(found)) == 6


def test_an_empty_part_has_the_same_digest_everywhere() -> None:
    assert {*digests(SECRET, [b""] * 3), *digests(bytes(16), [b""])} == {NOTHING}


@pytest.mark.parametrize("places", [set(), {0}, {1}, {0, 1}, {3}, {0, 1, 2, 3}])
def test_digests_stay_when_parts_are_withheld(places: set[int]) -> None:
    kept = without(SECRET, PARTS, places)
    left = [b"" if place in places else part for place, part in enumerate(PARTS)]
    assert digests(kept, left) == digests(SECRET, PARTS)
    assert {place for place, one in enumerate(openings(kept, 4)) if isinstance(one, Withheld)} == places


def test_what_stands_in_the_place_of_a_withheld_part_counts_for_nothing() -> None:
    kept = without(SECRET, PARTS, {0})
    assert digests(kept, [b"bob", *PARTS[1:]]) == digests(SECRET, PARTS)
    assert digests(kept, [*PARTS[:3], b"{ }"]) != digests(SECRET, PARTS)


def test_with_a_part_goes_its_salt_and_the_secret() -> None:
    salts = openings(SECRET, 4)
    kept = without(SECRET, PARTS, {2})
    assert [salt for salt in salts if isinstance(salt, bytes) and salt in kept] == [*salts[:2], salts[3]]
    assert SECRET not in kept


def test_parts_can_be_withheld_one_after_the_other() -> None:
    kept = without(without(SECRET, PARTS, {0}), [b"", *PARTS[1:]], {2})
    assert kept == without(SECRET, PARTS, {0, 2})


SALTS = without(SECRET, PARTS, ())
ONE = without(SECRET, PARTS, {1})


@pytest.mark.parametrize(
    "secret",
    [
        b"",
        b"x" * 15,
        b"x" * 17,
        SALTS[:-1],
        SALTS[17:],
        SALTS * 2,
        b"\x02" + SALTS[1:],
        ONE[:-1],
        ONE + b"\x00",
    ],
)
def test_a_secret_that_is_neither_a_secret_nor_openings_is_refused(secret: bytes) -> None:
    with pytest.raises(InvalidEvent, match=f"this one has {len(secret)} bytes, and is neither"):
        digests(secret, PARTS)
