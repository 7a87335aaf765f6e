"""Names that somebody may have meant: those that are like a word. Every "did you mean" comes from here."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 3
"""Names that are offered."""


def near(word: str, known: Iterable[str], most: int = MOST) -> list[str]:
    """The known names that are like a word, the nearest first. Case, and `-` for `_`, count for nothing."""
    from difflib import get_close_matches

    named: dict[str, list[str]] = {}
    for name in sorted(known):
        named.setdefault(_folded(name), []).append(name)
    found = get_close_matches(_folded(word), named, most)
    return [name for each in found for name in named[each]][:most]


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean status or stats?`; `otherwise` if no known name is like the word."""
    return meant(near(word, known)) or otherwise


def meant(names: Iterable[str]) -> str:
    """The same of names that are found already; empty if there are none."""
    listed = " or ".join(names)
    return f"did you mean {listed}?" if listed else ""


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")
