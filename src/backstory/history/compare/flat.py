"""States as their leaves: the parts that have no parts, each under the label that a difference gives it.

`lines: [{"sku": "A", "count": 2}]` has the leaf `lines[sku=A].count`; `lines[0].count` if its list declares no key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.history.compare.jsonable import part_veil, plain, same
from backstory.history.compare.place import Place
from backstory.history.compare.pointer import Path
from backstory.history.compare.shape import NO_SHAPE, Shape
from backstory.values.masking import is_hidden, masked
from backstory.values.veil import OPEN, Veil, veil_of


class Leaf(NamedTuple):
    """A part without parts: its value, masked, and its path, which goes by index where the label has a key."""

    shown: Any
    path: Path
    value: Any


Leaves = Mapping[Path, Leaf]
"""The leaves of a state by their labels, in its order."""

Changes = Mapping[Path, tuple[Leaf | None, Leaf | None]]
"""The leaves that differ, by label: the one before and the one after; None where there is none."""


def leaves(value: Any, place: Place) -> Iterator[tuple[Path, Leaf]]:
    """The leaves of a plain value at a place. A part that is masked as a whole is one."""
    waiting = [iter([(value, place)])]
    while waiting:
        for part, at in waiting[-1]:
            if is_hidden(at.veil) or not part or not isinstance(part, (dict, list)):
                yield at.label, Leaf(masked(part, at.veil), at.path, part)
            else:
                waiting.append(_parts(part, at))
                break
        else:
            waiting.pop()


def _parts(value: dict[str, Any] | list[Any], place: Place) -> Iterator[tuple[Any, Place]]:
    """The parts of a value, each with its place."""
    if isinstance(value, dict):
        return ((part, place.step(name)) for name, part in value.items())
    return ((part, place.element(index, part)) for index, part in enumerate(value))


def size(value: Any) -> int:
    """How many leaves a plain value has, or more if some of it is masked as a whole."""
    found, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        if part and isinstance(part, (dict, list)):
            waiting.extend(part.values() if isinstance(part, dict) else part)
        else:
            found += 1
    return found


class Flat:
    """The leaves of a state while events change it: only the fields that an event changed are walked again."""

    def __init__(self, cls: type[State]) -> None:
        self._place = Place(Shape(cls), veil_of(cls) or OPEN)
        self._fields: dict[str, tuple[Any, Veil]] = {}
        self._leaves: dict[str, dict[Path, Leaf]] = {}

    @property
    def leaves(self) -> Leaves:
        """All leaves as they are now."""
        return {label: leaf for part in self._leaves.values() for label, leaf in part.items()}

    def take(self, state: State) -> Changes:
        """Look at the state again, and give the leaves that differ from those before."""
        changes: dict[Path, tuple[Leaf | None, Leaf | None]] = {}
        now = plain(state)
        for name in [name for name in self._fields if name not in now]:
            del self._fields[name]
            changes |= {label: (leaf, None) for label, leaf in self._leaves.pop(name).items()}
        for name, value in now.items():
            place = self._at(state, name)
            known = self._fields.get(name)
            if known is not None and known[1] is place.veil and same(known[0], value):
                continue
            old, new = self._leaves.get(name, {}), dict(leaves(value, place))
            changes |= {label: (leaf, None) for label, leaf in old.items() if label not in new}
            for label, leaf in new.items():
                before = old.get(label)
                if before is None or not same(before.value, leaf.value) or before.shown != leaf.shown:
                    changes[label] = (before, leaf)
            self._fields[name], self._leaves[name] = (value, place.veil), new
        return changes

    def _at(self, state: State, name: str) -> Place:
        if isinstance(state, Latest):
            veil = part_veil(state.fields[name].type, name) or OPEN
            return Place(NO_SHAPE, veil, (name,), (name,))
        return self._place.step(name)
