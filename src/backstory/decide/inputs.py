"""Inputs of a decision: the time, the author, a new id, and chance; a pure function cannot get them by itself.

    @command
    def open_ticket(queue: Queue, now: Now = provided, by: Author = provided) -> Opened: ...

A caller leaves them out. They are drawn once for an execution, the same in every try, and recorded beside the
arguments, so that the command can be decided again with the same ones; the author is that of the commit anyway.
"""

from __future__ import annotations

import enum
import inspect
import random
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol, TypeAlias, Union, get_args, get_origin

import msgspec

from backstory.errors import InvalidEvent, MissingInput
from backstory.likeness import did_you_mean
from backstory.values.event_data import check_text


class Input(enum.Enum):
    """The kinds of inputs, each the mark of its annotation."""

    NOW = "now"
    AUTHOR = "author"
    NEW_ID = "new id"
    CHANCE = "chance"


Now: TypeAlias = Annotated[datetime, Input.NOW]
"""The time at which the execution began, in UTC."""

Author: TypeAlias = Annotated[str, Input.AUTHOR]
"""The author of the commit. Without one the command is not executed; `Author | None` is None then."""

NewId: TypeAlias = Annotated[str, Input.NEW_ID]
"""An id that nobody has used: a UUIDv7 as text."""

Random: TypeAlias = Annotated[random.Random, Input.CHANCE]
"""Random numbers, the same ones in every try: recorded by their seed."""

SEED_BITS = 48
"""The seed of random numbers is so long: a whole number that every reader of JSON can hold."""


class _Provided:
    def __repr__(self) -> str:
        return "provided"

    def __reduce__(self) -> str:
        return "provided"


provided: Final[Any] = _Provided()
"""The default of a parameter that is an input: it is provided when the command is executed."""


class Source(Protocol):
    """The places that inputs are drawn from."""

    def now(self) -> datetime:
        """The time, with a zone."""
        ...

    def new_id(self) -> str:
        """An id that nobody has used."""
        ...

    def seed(self) -> int:
        """A number of `SEED_BITS` bits."""
        ...


class InputType(msgspec.Struct, frozen=True):
    """An input of a command, by its annotation; `optional` for an author who may be missing."""

    kind: Input
    optional: bool = False

    def given(self, value: Any) -> Any:
        """A value that a caller gave, in the form that is recorded. Raises `TypeError`."""
        if self.kind is Input.CHANCE and isinstance(value, random.Random):
            return value.getrandbits(SEED_BITS)
        if self.kind is Input.NOW and isinstance(value, datetime):
            if value.tzinfo is None:
                raise TypeError(f"a time that has a time zone, and {value!r} has none")
            try:
                return value.astimezone(UTC)
            except OverflowError:
                raise TypeError(f"a time of the years 1 to 9999 in UTC, not {value!r}") from None
        if self.kind in (Input.AUTHOR, Input.NEW_ID) and isinstance(value, str) and value:
            try:
                return check_text(value, WORDS[self.kind])
            except InvalidEvent as wrong:
                raise TypeError(str(wrong)) from None
        if value is None and self.optional:
            return None
        raise TypeError(f"{WORDS[self.kind]}, not {value!r}")

    def drawn(self, source: Source) -> Any:
        """A value from these places, in the form that is recorded."""
        if self.kind is Input.NOW:
            return source.now().astimezone(UTC)
        return source.new_id() if self.kind is Input.NEW_ID else source.seed()

    def parsed(self, recorded: Any) -> Any:
        """A recorded value, in the form that is recorded again. Raises `msgspec.ValidationError`."""
        return msgspec.convert(recorded, RECORDED[self.kind] | None if self.optional else RECORDED[self.kind])

    def value(self, recorded: Any) -> Any:
        """The value that the function gets: random numbers begin anew with each call."""
        return random.Random(recorded) if self.kind is Input.CHANCE else recorded  # noqa: S311 - its seed is recorded


WORDS = {
    Input.NOW: "a time",
    Input.AUTHOR: "the author, as text",
    Input.NEW_ID: "an id, as text",
    Input.CHANCE: "a random.Random",
}
RECORDED: dict[Input, Any] = {
    Input.NOW: Annotated[datetime, msgspec.Meta(tz=True)],
    Input.AUTHOR: Annotated[str, msgspec.Meta(min_length=1)],
    Input.NEW_ID: Annotated[str, msgspec.Meta(min_length=1)],
    Input.CHANCE: Annotated[int, msgspec.Meta(ge=0)],
}


def input_type(annotation: Any) -> InputType | None:
    """The input that an annotation asks for; None if it asks for none."""
    if get_origin(annotation) is Annotated:
        mark = next((mark for mark in annotation.__metadata__ if isinstance(mark, Input)), None)
        return None if mark is None else InputType(mark)
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not types.NoneType]
        inner = input_type(parts[0]) if len(parts) == 1 else None
        return None if inner is None else InputType(inner.kind, optional=True)
    return None


def author_of(wanted: InputType, author: str, name: str) -> str | None:
    """The author as an input. Raises `MissingInput`."""
    if author:
        return author
    if wanted.optional:
        return None
    raise MissingInput(f"{name} is the author of the commit, and there is none").hinted(
        "Give one: author=..., or a block of db.context(author=...).",
        f"If the command does without one, say so: {name}: Author | None",
    )


class Places(msgspec.Struct, frozen=True):
    """A `Source` of functions."""

    now: Callable[[], datetime]
    new_id: Callable[[], str]
    secret: Callable[[], bytes]

    def seed(self) -> int:
        """A number from a fresh secret, of which the rest is thrown away."""
        return int.from_bytes(self.secret()[: SEED_BITS // 8])


def for_callers(signature: inspect.Signature, inputs: Collection[str]) -> inspect.Signature:
    """The signature for callers: an input without a default is left out all the same, and given by name at most."""
    parameters = signature.parameters.values()
    bare = [one for one in parameters if one.name in inputs and one.default is one.empty]
    if not bare:
        return signature
    others = [one for one in parameters if one not in bare]
    provide = [one.replace(kind=one.KEYWORD_ONLY, default=provided) for one in bare]
    return signature.replace(parameters=[*others, *provide])


def bound(signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, with the defaults. Raises `TypeError`, with the likely name for a wrong one."""
    parameters = signature.parameters
    if wrong := next((name for name in kwargs if name not in parameters), None):
        known = did_you_mean(wrong, parameters, f"its parameters are {', '.join(parameters) or 'none'}")
        raise TypeError(f"there is no {wrong}; {known}")
    found = signature.bind(*args, **kwargs)
    found.apply_defaults()
    return found.arguments
