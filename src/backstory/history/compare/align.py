"""Aligns two lists: pairs the elements that are the same, by a key, or by the fewest edits that are quick to find."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from backstory.history.compare.jsonable import canonical

Pairs = list[tuple[int, int]]
LIMIT = 4_000_000
"""Above this many comparisons the changed middle of two lists is paired by index."""


def paired(before: Sequence[Any], after: Sequence[Any], key: str | None = None) -> Pairs:
    """Pairs of indexes in the order of `after`: an element in no pair was removed or added.

    With a `key`, elements with the same key are a pair, wherever they stand. Without one, or if the key is missing or
    not unique, pairs never cross, and a run of elements in the place of another run is paired one by one.
    """
    by_key = None if key is None else _by_key(before, after, key)
    if by_key is not None:
        return by_key
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    pairs = [(index, index) for index in range(head)]
    pairs += _middle(before[head : len(before) - tail], after[head : len(after) - tail], head)
    pairs += zip(range(len(before) - tail, len(before)), range(len(after) - tail, len(after)), strict=True)
    return pairs


def stay(pairs: Pairs) -> set[int]:
    """The indexes in `after` of the largest set of pairs that do not cross: the elements of all others have moved."""
    from bisect import bisect_left

    ends: list[int] = []  # the smallest last index in `before` of a run of each length
    last: list[int] = []  # which pair that is
    previous: list[int] = []
    for number, (old, _new) in enumerate(pairs):
        length = bisect_left(ends, old)
        previous.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [old]
        last[length : length + 1] = [number]
    found = set()
    number = last[-1] if last else -1
    while number >= 0:
        found.add(pairs[number][1])
        number = previous[number]
    return found


def _by_key(before: Sequence[Any], after: Sequence[Any], key: str) -> Pairs | None:
    try:
        old = {canonical(element[key]): index for index, element in enumerate(before)}
        new = [canonical(element[key]) for element in after]
    except (TypeError, KeyError):
        return None
    if len(old) < len(before) or len(set(new)) < len(new):
        return None
    return [(old[value], index) for index, value in enumerate(new) if value in old]


def _common(before: Sequence[Any], after: Sequence[Any]) -> int:
    """How many elements at the start are the same, by comparing runs that halve."""
    shorter = min(len(before), len(after))
    low, step = 0, shorter
    while low < shorter:
        step = min(step, shorter - low)
        if canonical(before[low : low + step]) == canonical(after[low : low + step]):
            low += step
        elif step == 1:
            break
        else:
            step //= 2
    return low


def _middle(before: Sequence[Any], after: Sequence[Any], offset: int) -> Pairs:
    if len(before) * len(after) > LIMIT:
        blocks = [("replace", 0, len(before), 0, len(after))]
    else:
        matcher = SequenceMatcher(None, [*map(canonical, before)], [*map(canonical, after)], autojunk=False)
        blocks = list(matcher.get_opcodes())
    return [
        (old + offset, new + offset)
        for kind, old_start, old_end, new_start, new_end in blocks
        if kind in ("equal", "replace")
        for old, new in zip(range(old_start, old_end), range(new_start, new_end), strict=False)
    ]
