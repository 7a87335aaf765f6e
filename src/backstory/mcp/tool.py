"""A tool: its name, its words for an assistant, its arguments, and the function that answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from backstory.errors import InputError

if TYPE_CHECKING:
    from backstory.mcp.served import Served

MOST = 20_000
"""Bytes of an answer, unless more are asked for."""


SECONDS = 0.07
"""Seconds of reading for an answer, unless more are asked for: the rest of 0.1 s is for the words."""

LONGEST = 300
"""Seconds that may be asked for."""

Short = Annotated[str, Meta(max_length=2_000)]
"""A text as a person would type it."""


class Arguments(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The arguments of every tool."""

    max_bytes: Annotated[
        int,
        Meta(
            ge=4_000,
            le=2_000_000,
            description="The highest size of the answer in bytes.",
        ),
    ] = MOST
    max_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=LONGEST,
            description="The longest time to read for the answer. Ask for more where an answer says so.",
        ),
    ] = SECONDS


class Paged(Arguments, kw_only=True):
    """The arguments of a tool that lists."""

    limit: Annotated[int, Meta(ge=1, le=1_000, description="The highest number of entries.")] = 20
    cursor: Annotated[
        Short | None, Meta(description="To go on: the `cursor` of the answer before. Repeat all else.")
    ] = None


At = Annotated[
    Short | None,
    Meta(
        description="A revision: a branch, a mark, HEAD, '#12', main~3, a hash, @{2026-11-03 14:00}. Default: HEAD.",
    ),
]
StateName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2_000,
        description="A state of the application, such as Account; or a tag, such as account:a-7, without `id`.",
    ),
]
Identity = Annotated[
    Short | tuple[Short, ...],
    Meta(
        description='The identity of the state: "a-7", or a list of texts, if the state has several such fields.'
    ),
]
Where = Annotated[
    str,
    Meta(
        max_length=2_000,
        description=(
            "A condition on the fields: comparisons, and, or, not, arithmetic, len sum min max abs any all; such as"
            " 'balance < 0' or 'any(line.count < 1 for line in lines)'."
        ),
    ),
]


T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """One entry of a list, such as a document, and the cursor that goes on after it."""

    document: T
    cursor: str


class Listed(NamedTuple):
    """An answer with a list of which a page is shown; `fields` are the rest of the document.

    `more` is called after the last entry, for the cursor of an answer that ended early though nothing else came.
    """

    kind: str
    name: str
    entries: Iterable[Entry[dict[str, Any]]]
    fields: Mapping[str, Any]
    more: Callable[[], str | None] = lambda: None
    notes: tuple[str, ...] = ()


Answer: TypeAlias = "dict[str, Any] | Listed"
"""A document of `--json`, or one that has a list."""


class Tool(NamedTuple):
    """A tool: how it is called, and what answers. It only reads, unless `appends`."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: Callable[[Served, Any], Answer]
    appends: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments: an object that takes no others."""
        whole = msgspec.json.schema(self.arguments)
        others = whole["$defs"]
        schema: dict[str, Any] = others.pop(self.arguments.__name__)
        properties = {name: _given(part) for name, part in schema["properties"].items()}
        kept = {name: part for name, part in schema.items() if name not in ("title", "description")}
        return {**kept, "properties": properties, **({"$defs": others} if others else {})}


def _given(part: dict[str, Any]) -> dict[str, Any]:
    """The schema of an argument that is given: null, which means the same as none, is taken and not told."""
    match part:
        case {"anyOf": [only, {"type": "null"}], "default": None, **rest}:
            return {**only, **rest}
    return part


NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def offset(entries: Iterable[T], cursor: str | None) -> Iterable[Entry[T]]:
    """Entries of a list that is the same each time, from the number that the cursor is. Raises `InputError`."""
    start = 0 if cursor is None else int(cursor) if NUMBER.fullmatch(cursor) else -1
    if start < 0:
        raise InputError(
            f"this cursor is the number of an entry, as the answer before gave it, not {cursor!r}"
        )
    return (Entry(each, str(number)) for number, each in enumerate(islice(entries, start, None), start + 1))
