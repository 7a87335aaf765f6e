"""`alike`: a quick look at two structs, which may say "not known", and never "the same" of what is not."""

from __future__ import annotations

import enum
from typing import Any

import msgspec
import pytest

from backstory.values.exact import alike, same


class Word(enum.StrEnum):
    A = "a"


class Anything(msgspec.Struct):
    value: Any


class Data(msgspec.Struct):
    value: bytes | list[bytes]


class Open(msgspec.Struct, dict=True):
    value: int


@pytest.mark.parametrize(
    "value", [1, True, None, "a", 1.5, 2**70, [1, "a"], {"a": [1, None]}, (1, 2)], ids=repr
)
def test_plain_values_that_are_the_same_are_known_to_be(value: Any) -> None:
    read = Anything(msgspec.convert(value, type(value)))
    assert alike(read, Anything(value))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, 1.0), (0.0, -0.0), ("a", Word.A), ([1], (1,)), ([1], [True]), ({"a": 1}, {"a": 1.0})],
    ids=repr,
)
def test_values_that_are_equal_and_not_the_same_are_not_alike(one: Any, other: Any) -> None:
    assert not alike(Anything(one), Anything(other))
    assert not same(Anything(one), Anything(other))


def test_kinds_of_bytes_and_other_attributes_are_not_judged_quickly() -> None:
    assert not alike(Data(b"a"), Data(bytearray(b"a")))  # type: ignore[arg-type]
    assert not alike(Data([b"a"]), Data([bytearray(b"a")]))  # type: ignore[list-item]
    more = Open(1)
    more.other = 2  # type: ignore[attr-defined]
    assert not alike(Open(1), more)
    assert not alike(Anything(1), Open(1))
