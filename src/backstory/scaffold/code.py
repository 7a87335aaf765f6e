"""Python as ruff formats it: sorted imports, and calls that break when a line is full."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WIDTH = 88
"""Characters of a line, as ruff and black have it."""


def imports(names: Iterable[str], own: str) -> list[str]:
    """Import statements of full names: Python's own, Backstory's, and those of the package `own`, which come last."""
    groups: dict[int, dict[str, set[str]]] = {}
    for full in names:
        module, _, name = full.rpartition(".")
        top = module.partition(".")[0]
        rank = 2 if top == own else 1 if top == "backstory" else 0
        groups.setdefault(rank, {}).setdefault(module, set()).add(name)
    lines: list[str] = []
    for rank in sorted(groups):
        lines += [""] if lines else []
        for module in sorted(groups[rank], key=_natural):
            lines += _imported(module, sorted(groups[rank][module], key=_order))
    return lines


def _imported(module: str, names: Sequence[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def _order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Constants, then classes, then functions, as ruff sorts them."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, _natural(name))


def _natural(name: str) -> list[tuple[int, str]]:
    """The order of names for ruff: without a look at capitals, and `step9` before `step10`."""
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", name.lower())
    ]


def call(start: str, parts: Sequence[str], end: str = "") -> list[str]:
    """`start(parts)end` in one line; else the parts in one line of their own; else a line for each of them."""
    pad = " " * (len(start) - len(start.lstrip()))
    inside = ", ".join(parts)
    if len(f"{start}({inside}){end}") <= WIDTH:
        return [f"{start}({inside}){end}"]
    if len(f"{pad}    {inside}") <= WIDTH:
        return [f"{start}(", f"{pad}    {inside}", f"{pad}){end}"]
    return [f"{start}(", *(f"{pad}    {part}," for part in parts), f"{pad}){end}"]


def named(arguments: Iterable[tuple[str, str]]) -> list[str]:
    """Arguments of a call: the first one by position, the others by name."""
    return [value if at == 0 else f"{name}={value}" for at, (name, value) in enumerate(arguments)]


def text(*parts: Iterable[str]) -> str:
    """The text of a file of these lines."""
    return "\n".join(line for part in parts for line in part) + "\n"
