"""The fields of a state on a page: some of them, if they are many, each with what it was and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backstory.decide.latest import Latest
from backstory.decide.state import identity
from backstory.history.ask.steps import Steps
from backstory.history.compare.jsonable import names_of
from backstory.history.compare.place import written
from backstory.history.compare.pointer import Path
from backstory.web import shown
from backstory.web.entities import Entity

FIELDS = 400
"""Fields of a state that are shown together."""

SPARKS, POINTS = 60, 120
"""Fields that have a spark line, and the groups of steps that it is drawn of."""


class Fields(NamedTuple):
    """The fields that are shown, from one on; how many have the name that is looked for, and how many there are."""

    rows: list[dict[str, Any]]
    start: int
    found: int
    number: int


def fields_of(found: Entity, steps: Steps, name: str, start: int) -> Fields:
    """The fields in all steps of the window whose names have this text, from one on, as after the chosen step."""
    known = names_of(type(found.reference))
    hidden = () if isinstance(found.reference, Latest) else {known[one] for one in identity(found.reference)}
    changed_at: dict[Path, list[int]] = {}
    for index, step in enumerate(steps.steps):
        for label in step.changes:
            changed_at.setdefault(label, []).append(index)
    every = [label for label in {**steps.last, **steps.base, **changed_at} if label[0] not in hidden]
    number = sum(label in steps.leaves for label in every)
    wanted = [label for label in every if name in written(label)] if name else every
    start = min(start, len(wanted) // FIELDS * FIELDS)
    now = steps.steps[steps.chosen].told
    rows: list[dict[str, Any]] = []
    sparks = 0
    for label in wanted[start : start + FIELDS]:
        leaf, changes = steps.leaves.get(label), changed_at.get(label, [])
        series = _series(steps, label) if len(changes) > 1 and sparks < SPARKS else None
        sparks += series is not None
        rows.append(
            {
                "label": label,
                "name": written(label),
                "is_there": leaf is not None,
                "leaf": leaf,
                "change": now.get(label),
                "since": max((index for index in changes if index <= steps.chosen), default=None),
                "series": series,
            }
        )
    return Fields(rows, start, len(wanted), number)


def _series(steps: Steps, label: Path) -> dict[str, Any] | None:
    """The numbers that a field has had, grouped if they are many; None if it has had other values."""
    leaf = steps.base.get(label)
    numbers: list[float] = []
    for step in steps.steps:
        if label in step.changes:
            leaf = step.changes[label][1]
        number = 0 if leaf is None else leaf.shown
        if isinstance(number, bool) or not isinstance(number, (int, float)) or abs(number) > 1e300:
            return None
        numbers.append(number)
    low, high = min(numbers), max(numbers)
    words = f"from {numbers[0]} to {numbers[-1]}, least {low}, most {high}"
    return {"values": numbers, "path": _spark(numbers, steps.chosen), "words": words}


def _spark(numbers: Sequence[float], chosen: int) -> Mapping[str, str]:
    """The paths of a spark line; of many numbers, the least and the most of each group."""
    if len(numbers) <= 2 * POINTS:
        return shown.steps(numbers, chosen)
    size = -(-len(numbers) // POINTS)
    drawn: list[float] = []
    for start in range(0, len(numbers), size):
        part = numbers[start : start + size]
        drawn += (
            [min(part), max(part)]
            if part.index(min(part)) < part.index(max(part))
            else [max(part), min(part)]
        )
    return shown.steps([*drawn[:-1], numbers[-1]], min(len(drawn) - 1, chosen * len(drawn) // len(numbers)))
