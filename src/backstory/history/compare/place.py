"""A place in a value: its path, the name that a person gives it, the shape by its types, and its marks."""

from __future__ import annotations

from typing import Any, NamedTuple

from backstory.history.compare.pointer import Path
from backstory.history.compare.shape import Shape
from backstory.values.veil import Veil


class Place(NamedTuple):
    """A place: the path, its label, and the shape that the types give."""

    shape: Shape
    veil: Veil
    path: Path = ()
    label: Path = ()

    def step(self, step: str | int, label: str | int | None = None) -> Place:
        """One step further in."""
        named = step if label is None else label
        return Place(self.shape.step(step), self.veil.at(step), (*self.path, step), (*self.label, named))

    def element(self, index: int, element: Any) -> Place:
        """A list's element: its label is its key, if one is declared and not marked, else its place."""
        key = self.shape.key
        if (
            key is None
            or not isinstance(element, dict)
            or key not in element
            or self.veil.at(index).at(key).mark
        ):
            return self.step(index)
        return self.step(index, f"{key}={element[key]}")


def written(label: Path) -> str:
    """A label as a person writes it: `lines[sku=A].quantity`."""
    text = ""
    for step in label:
        if isinstance(step, int) or "=" in step:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
