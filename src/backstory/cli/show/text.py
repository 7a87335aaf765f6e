"""Text for people: colours, counts, and JSON that every encoding can carry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backstory.told import plain

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


def styled(text: str, styles: Iterable[str]) -> str:
    """The text with these styles, and back to normal after it."""
    return f"\x1b[{';'.join(STYLES[style] for style in styles)}m{text}\x1b[m"


def count(number: int, noun: str) -> str:
    """`1 event`, `1,200 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def ascii_json(json: str) -> str:
    """JSON text in ASCII alone, which every encoding can carry: other characters are only inside of its strings."""
    return json if json.isascii() else "".join(char if char.isascii() else _escaped(char) for char in json)


def _escaped(char: str) -> str:
    code = char.encode("utf-16-be").hex()
    return "".join(f"\\u{code[at : at + 4]}" for at in range(0, len(code), 4))


def left_out(keys: Sequence[str]) -> str:
    """The words about rows that `find` leaves out."""
    some = ", ".join(map(plain, keys[:3])) + (", ..." if len(keys) > 3 else "")
    return f"rows are left out, because data of their events are withheld: {some}"
