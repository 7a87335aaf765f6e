"""Marks: for a JSON value, the position that last changed each part of it. Blame keeps them while it replays.

A mark has the shape of its value: a number for a value without parts, a `Branch` of marks for a dict or a list.
Following one value to the next costs time for the parts that differ, and a comparison in C of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from backstory.history.lists import paired
from backstory.history.plain import ATOMS, same
from backstory.history.pointer import Path
from backstory.history.shape import Shape


class Branch(msgspec.Struct):
    """The mark of a dict or a list: the last change anywhere in it, and the marks of its parts."""

    position: int
    parts: Any


Mark: TypeAlias = int | Branch


def fresh(value: Any, position: int) -> Mark:
    """The mark of a value that is new as a whole."""
    if isinstance(value, dict):
        return Branch(position, {name: fresh(item, position) for name, item in value.items()})
    if isinstance(value, list):
        return Branch(position, [fresh(item, position) for item in value])
    return position


def followed(mark: Mark, before: Any, after: Any, shape: Shape, position: int) -> Mark:
    """The mark of `after`, which came at `position`, from that of `before`; the mark given may change."""
    return mark if same(before, after) else changed(mark, before, after, shape, position)


def changed(mark: Mark, before: Any, after: Any, shape: Shape, position: int) -> Mark:
    """The same, for values that are known to differ."""
    if isinstance(mark, Branch):
        if isinstance(before, dict) and isinstance(after, dict):
            return Branch(position, _in_dict(mark.parts, before, after, shape, position))
        if isinstance(before, list) and isinstance(after, list):
            return Branch(position, _in_list(mark.parts, before, after, shape, position))
    return fresh(after, position)


def position_of(mark: Mark) -> int:
    """The position at which its value last changed."""
    return mark if isinstance(mark, int) else mark.position


def walk(mark: Mark, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any, int]]:
    """Every part of a value with its path and position: a whole before its parts."""
    yield path, value, position_of(mark)
    if isinstance(mark, Branch):
        for step in value if isinstance(value, dict) else range(len(value)):
            yield from walk(mark.parts[step], value[step], (*path, step))


def _in_dict(
    marks: dict[str, Mark], before: dict[str, Any], after: dict[str, Any], shape: Shape, position: int
) -> dict[str, Mark]:
    new: dict[str, Mark] = {}
    for name, value in after.items():
        if name not in before:
            new[name] = fresh(value, position)
        elif type(value) in ATOMS and type(before[name]) is type(value):
            new[name] = marks[name] if before[name] == value else position
        else:
            new[name] = followed(marks[name], before[name], value, shape.step(name), position)
    return new


def _in_list(
    marks: list[Mark], before: list[Any], after: list[Any], shape: Shape, position: int
) -> list[Mark]:
    origins = {new: old for old, new in paired(before, after, shape.key)}
    return [
        fresh(value, position)
        if index not in origins
        else followed(marks[origins[index]], before[origins[index]], value, shape.step(index), position)
        for index, value in enumerate(after)
    ]
