"""Where what happened differs from what was expected, down to the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from backstory.parts import parts


class Nothing:
    """Stands where one side has no value."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = Nothing()


def compared(expected: Sequence[Any], actual: Sequence[Any], tell: Callable[[Any], str]) -> list[str]:
    """Both in one list of lines: what is the same, what differs and where, what is missing (-), what is extra (+)."""
    matcher = SequenceMatcher(None, list(map(repr, expected)), list(map(repr, actual)), autojunk=False)
    lines: list[str] = []
    for _, start, end, actual_start, actual_end in matcher.get_opcodes():
        for pair in zip_longest(expected[start:end], actual[actual_start:actual_end], fillvalue=NOTHING):
            lines += _compared(*pair, tell)
    return lines


def _compared(expected: Any, actual: Any, tell: Callable[[Any], str]) -> Iterator[str]:
    if type(expected) is type(actual):
        yield f"  {tell(expected)}"
        for path, left, right in differences(expected, actual):
            yield f"      {path}  expected {left!r}"
            yield f"      {' ' * len(path)}  got      {right!r}"
        return
    if expected is not NOTHING:
        yield f"- {tell(expected)}   expected, and missing"
    if actual is not NOTHING:
        yield f"+ {tell(actual)}   not expected"


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each place where two values differ, as deep as both have the same shape: its path, and both values there."""
    if type(expected) is type(actual):
        if expected == actual:
            return
        inner, others = parts(expected), parts(actual)
        if inner is not None and others is not None:
            for key in dict.fromkeys([*inner, *others]):
                place = f"{path}{key}".removeprefix(".")
                yield from differences(inner.get(key, NOTHING), others.get(key, NOTHING), place)
            return
    yield path, expected, actual
