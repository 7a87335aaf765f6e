"""Code laid out as formatters of Python do it: on one line if it fits, else each part on a line of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias
from unicodedata import category, east_asian_width

WIDTH = 88
"""Columns of a line, as Black and Ruff have it by default."""

INDENT = "    "


class Group(NamedTuple):
    """Code in brackets: its beginning with the opening one, the parts, the closing one, and a comma after one part."""

    opening: str
    parts: Sequence[Node]
    closing: str
    comma: bool = False


Node: TypeAlias = "str | Group"


def flat(node: Node) -> str:
    """The code on one line."""
    if isinstance(node, str):
        return node
    inside = ", ".join(map(flat, node.parts))
    return f"{node.opening}{inside}{',' if node.comma else ''}{node.closing}"


def prefixed(prefix: str, node: Node) -> Node:
    """The code with something before it, as the name of an argument."""
    return prefix + node if isinstance(node, str) else node._replace(opening=prefix + node.opening)


def laid_out(node: Node, indent: str, after: str = "") -> Iterator[str]:
    """The lines of the code, with something after it."""
    line = f"{indent}{flat(node)}{after}"
    if isinstance(node, str) or not node.parts or columns(line) <= WIDTH:
        yield line
        return
    yield f"{indent}{node.opening}"
    for part in node.parts:
        yield from laid_out(part, indent + INDENT, ",")
    yield f"{indent}{node.closing}{after}"


def chained(calls: Sequence[Node], indent: str) -> Iterator[str]:
    """The lines of calls of methods, one on the result of the other; the first is no method."""
    first, *others = calls
    line = indent + flat(first) + "".join(f".{flat(call)}" for call in others)
    if columns(line) <= WIDTH:
        yield line
        return
    yield f"{indent}("
    yield from laid_out(first, indent + INDENT)
    for call in others:
        yield from laid_out(prefixed(".", call), indent + INDENT)
    yield f"{indent})"


def columns(line: str) -> int:
    """The columns that a line takes."""
    return len(line) if line.isascii() else sum(2 if east_asian_width(sign) in "WF" else 1 for sign in line)


def text(value: str | bytes) -> str:
    """A text or bytes as a literal, which says nothing but the value, whatever is in it."""
    signs = "".join(map(_byte if isinstance(value, bytes) else _sign, value))  # type: ignore[arg-type]
    quote = "'" if signs.count('"') > signs.count("'") else '"'
    return f"{'b' if isinstance(value, bytes) else ''}{quote}{signs.replace(quote, chr(92) + quote)}{quote}"


def _byte(byte: int) -> str:
    return chr(byte) if byte in b"'\"" else repr(bytes((byte,)))[2:-1]


def _sign(sign: str) -> str:
    if sign in "'\"":
        return sign
    is_odd = ord(sign) > 0xFFFF or category(sign)[0] == "M" or category(sign) == "Lm"
    return repr(sign)[1:-1] if not is_odd else sign.encode("unicode_escape").decode()
