"""The data that the script of the page of an entity needs to go through its steps without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backstory.history.ask.steps import Steps
from backstory.history.compare.flat import Leaf
from backstory.web import shown
from backstory.web.ask import SHORT

BLOCK = 256_000
"""Characters of the values that are in the page for the script; above, it asks for each state."""


def wire(
    steps: Steps, rows: Sequence[Mapping[str, Any]], fields: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The data to go through the steps; without states, if they are large, and it asks for each."""
    numbers = {field["label"]: index for index, field in enumerate(fields)}
    told: list[dict[str, Any]] = []
    base = {numbers[label]: _text(leaf) for label, leaf in steps.base.items() if label in numbers}
    size = sum(map(len, base.values()))
    for row, step in zip(rows, steps.steps, strict=True):
        values = {
            numbers[label]: None if pair[1] is None else _text(pair[1])
            for label, pair in step.changes.items()
            if label in numbers
        }
        size += sum(len(text or "") + 8 for text in values.values())
        told.append(
            {
                "at": row["at"],
                "position": row["position"],
                "type": shown.line(row["type"]),
                "author": shown.line(row["author"]),
            }
        )
        told[-1]["commit"] = step.commit.hash.hex()[:SHORT]
        told[-1]["time"] = row["time"].isoformat()
        if size <= BLOCK:
            told[-1]["set"] = values
            filled = [numbers[label] for label in step.changes.keys() - step.told.keys() if label in numbers]
            told[-1] |= {"filled": sorted(filled)} if filled else {}
    whole = size <= BLOCK
    if not whole:
        for each in told:
            each.pop("set", None)
            each.pop("filled", None)
    return {"steps": told, "chosen": steps.chosen, "base": base if whole else None}


def _text(leaf: Leaf) -> str:
    return shown.value(leaf.shown, shown.CUT)
