"""Provenance: for a JSON value, the position that last changed each part of it. Blame keeps it while it replays.

A provenance has the shape of its value: a number for a value without parts, a `Nested` one for a dict or a list.
Following one value to the next costs time for the parts that differ, and a comparison in C of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from backstory.history.compare.align import paired
from backstory.history.compare.jsonable import ATOMS, same
from backstory.history.compare.pointer import Path
from backstory.history.compare.shape import Shape


class Nested(msgspec.Struct):
    """That of a dict or a list: the last change anywhere in it, and the provenances of its parts."""

    position: int
    parts: Any


Provenance: TypeAlias = int | Nested


def fresh(value: Any, position: int) -> Provenance:
    """The provenance of a value that is new as a whole."""
    if isinstance(value, dict):
        return Nested(position, {name: fresh(item, position) for name, item in value.items()})
    if isinstance(value, list):
        return Nested(position, [fresh(item, position) for item in value])
    return position


def followed(provenance: Provenance, before: Any, after: Any, shape: Shape, position: int) -> Provenance:
    """The provenance of `after`, which came at `position`, from that of `before`; the one given may change."""
    return provenance if same(before, after) else changed(provenance, before, after, shape, position)


def changed(provenance: Provenance, before: Any, after: Any, shape: Shape, position: int) -> Provenance:
    """The same, for values that are known to differ."""
    if isinstance(provenance, Nested):
        if isinstance(before, dict) and isinstance(after, dict):
            return Nested(position, _in_dict(provenance.parts, before, after, shape, position))
        if isinstance(before, list) and isinstance(after, list):
            return Nested(position, _in_list(provenance.parts, before, after, shape, position))
    return fresh(after, position)


def position_of(provenance: Provenance) -> int:
    """The position at which its value last changed."""
    return provenance if isinstance(provenance, int) else provenance.position


def walk(provenance: Provenance, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any, int]]:
    """Every part of a value with its path and position: a whole before its parts."""
    yield path, value, position_of(provenance)
    if isinstance(provenance, Nested):
        for step in value if isinstance(value, dict) else range(len(value)):
            yield from walk(provenance.parts[step], value[step], (*path, step))


def _in_dict(
    provenances: dict[str, Provenance],
    before: dict[str, Any],
    after: dict[str, Any],
    shape: Shape,
    position: int,
) -> dict[str, Provenance]:
    new: dict[str, Provenance] = {}
    for name, value in after.items():
        if name not in before:
            new[name] = fresh(value, position)
        elif type(value) in ATOMS and type(before[name]) is type(value):
            new[name] = provenances[name] if before[name] == value else position
        else:
            new[name] = followed(provenances[name], before[name], value, shape.step(name), position)
    return new


def _in_list(
    provenances: list[Provenance], before: list[Any], after: list[Any], shape: Shape, position: int
) -> list[Provenance]:
    origins = {new: old for old, new in paired(before, after, shape.key)}
    return [
        fresh(value, position)
        if index not in origins
        else followed(provenances[origins[index]], before[origins[index]], value, shape.step(index), position)
        for index, value in enumerate(after)
    ]
