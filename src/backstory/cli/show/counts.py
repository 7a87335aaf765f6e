"""Counts of commits, which end somewhere."""

from __future__ import annotations

from backstory.history.refs.standing import MOST


def amount(number: int) -> str:
    """`12`, or `999+` if there are so many that the rest was not counted."""
    return f"{MOST - 1}+" if number >= MOST else str(number)


def commits(number: int) -> str:
    """`1 commit`, `12 commits`, `999+ commits`."""
    return f"{amount(number)} commit{'' if number == 1 else 's'}"
