"""The differences between the outcome and the expectation, down to the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from backstory.values.masking import is_hidden, masked_repr
from backstory.values.veil import OPEN, Veil, members, veil_of


class Nothing:
    """Stands for the value of a side that has none."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = Nothing()


def compared(expected: Sequence[Any], actual: Sequence[Any], tell: Callable[[Any], str]) -> list[str]:
    """Both in one list of lines: the same lines, those that differ, those that are missing (-) and extra (+)."""
    matcher = SequenceMatcher(None, list(map(repr, expected)), list(map(repr, actual)), autojunk=False)
    lines: list[str] = []
    for _, start, end, actual_start, actual_end in matcher.get_opcodes():
        for pair in zip_longest(expected[start:end], actual[actual_start:actual_end], fillvalue=NOTHING):
            lines += _compared(*pair, tell)
    return lines


def _compared(expected: Any, actual: Any, tell: Callable[[Any], str]) -> Iterator[str]:
    if type(expected) is type(actual):
        yield f"  {tell(expected)}"
        for path, left, right in differences(expected, actual, veil=veil_of(type(expected)) or OPEN):
            yield f"      {path}  expected {left}"
            yield f"      {' ' * len(path)}  got      {right}"
        return
    if expected is not NOTHING:
        yield f"- {tell(expected)}   expected, and missing"
    if actual is not NOTHING:
        yield f"+ {tell(actual)}   not expected"


def differences(expected: Any, actual: Any, path: str = "", *, veil: Veil) -> Iterator[tuple[str, str, str]]:
    """Each place where two values differ, as deep as both have the same shape: its path, and both values as shown."""
    if type(expected) is type(actual) and not is_hidden(veil):
        if expected == actual:
            return
        parts, others = _parts(expected), _parts(actual)
        if parts is not None and others is not None:
            for key in dict.fromkeys([*parts, *others]):
                inner = f"{path}{key}".removeprefix(".")
                one, other = parts.get(key, (None, NOTHING)), others.get(key, (None, NOTHING))
                part = veil.at(one[0] if key in parts else other[0])
                yield from differences(one[1], other[1], inner, veil=part)
            return
    yield path, shown(expected, veil), shown(actual, veil)


def shown(value: Any, veil: Veil) -> str:
    """A value as it is written, masked; or the words for no value."""
    return repr(value) if value is NOTHING else masked_repr(value, veil)


def _parts(value: Any) -> dict[str, tuple[Any, Any]] | None:
    """The parts of a value, by the way to each, with their places; None for a value that is compared as a whole."""
    if isinstance(value, dict):
        return {f"[{key!r}]": (key, part) for key, part in value.items()}
    if (named := members(value)) is not None:
        return {f".{name}": (step, part) for name, step, part in named}
    if isinstance(value, (list, tuple)):
        return {f"[{index}]": (index, part) for index, part in enumerate(value)}
    return None
