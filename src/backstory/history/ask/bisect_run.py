"""Halving: finds the first bad commit with as few checks as possible. For checks that cost more than a fold.

The answers are Git's: a commit that cannot be judged is skipped. If only skipped commits are left between a good and a
bad one, the result is all of them that may be the first bad one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from enum import Enum

import msgspec

from backstory.store import Log


class Answer(Enum):
    """The answer of a check for a commit."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"


class Suspects(msgspec.Struct, frozen=True):
    """The positions of the commits that may be the first bad one: a single one if it could be decided."""

    positions: tuple[int, ...]
    asked: int

    @property
    def first(self) -> int | None:
        """The first bad commit; None if skipped commits leave several."""
        return self.positions[0] if len(self.positions) == 1 else None


def answer_of(exit_code: int) -> Answer | None:
    """The answer in a command's exit code: 0 good, 125 skip, 1 to 127 bad; None for any other: the search ends."""
    if exit_code == 0:
        return Answer.GOOD
    if exit_code == 125:
        return Answer.SKIP
    return Answer.BAD if 1 <= exit_code <= 127 else None


def halving(positions: Sequence[int]) -> Generator[int, Answer, Suspects]:
    """Asks for positions and is sent answers; returns the rest. The one before all is good, the last one is bad."""
    low, high = -1, len(positions) - 1  # indexes of the last good and the first bad one
    skipped: set[int] = set()
    asked = 0
    while (index := _nearest(low, high, skipped)) is not None:
        answer = yield positions[index]
        asked += 1
        if answer is Answer.GOOD:
            low = index
        elif answer is Answer.BAD:
            high = index
        else:
            skipped.add(index)
    return Suspects(tuple(positions[low + 1 : high + 1]), asked)


def _nearest(low: int, high: int, skipped: set[int]) -> int | None:
    """The index between two that is nearest to their middle and was not skipped."""
    middle = (low + high) // 2
    for distance in range(high - low):
        for index in (middle - distance, middle + distance):
            if low < index < high and index not in skipped:
                return index
    return None


def halve(log: Log, good: int, bad: int, check: Callable[[int], Answer]) -> Suspects:
    """The first bad commit after the position `good`, which is good, up to `bad`, which is bad; neither is asked."""
    steps = halving([commit.position for commit in log.commits(after=good, upto=bad)])
    try:
        position = next(steps)
        while True:
            position = steps.send(check(position))
    except StopIteration as end:
        suspects: Suspects = end.value
        return suspects
