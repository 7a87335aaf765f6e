"""Commands that were called: a decision that was asked for, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic

import msgspec

from backstory.decide.gathering import Load, gathered
from backstory.decide.inputs import Input, InputType, Source, author_of
from backstory.decide.state import State, boundary, identity
from backstory.errors import MissingInput
from backstory.values.masking import plainly
from backstory.values.query import Query

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from backstory.decide.commands import CommandType
    from backstory.values.commit import Commit

    R = TypeVar("R", bound=Commit | None, covariant=True, default=Commit | None)  # noqa: PLC0105 - it is the result of functions, too
    """The result of an execution: a commit, or None where the function may decide to do nothing."""

    G = TypeVar("G", covariant=True, default=Any)  # noqa: PLC0105 - as above
    """The result of the function: events of a class, a list or an iterator of them, or None."""
else:
    from typing import TypeVar

    R, G = TypeVar("R"), TypeVar("G")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

LONGEST, LONGEST_ARGUMENT = 200, 60
"""Characters of a command, and of one of its arguments, as they are shown in errors and previews."""


class Command(Generic[R, G]):
    """A decision that was asked for: which function, and with which arguments. States in it are references."""

    __slots__ = ("arguments", "author", "inputs", "kind", "states")

    def __init__(
        self,
        kind: CommandType[...],
        arguments: dict[str, Any],
        inputs: dict[str, Any] | None = None,
        author: str | None = None,
    ) -> None:
        self.kind = kind
        self.arguments = arguments
        self.inputs = inputs or {}
        """The inputs that were given or drawn, in the form that is recorded; the author only if it was given."""
        self.author = author
        """The author of the commit, if inputs were drawn."""
        self.states: dict[str, Any] = {name: arguments[name] for name in kind.states}
        """The states that it was given, as references, by parameter: one, None, or a list."""

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is made of the same function, and of copies of the arguments."""
        return Command, (self.kind, self.arguments, self.inputs, self.author)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        """As one would call it: `withdraw(a-7, cents=50)`. Long arguments are cut short, and marked ones are masked."""
        return shortened(f"{self.kind.name}({', '.join(self._shown())})", LONGEST)

    def _shown(self) -> Iterable[str]:
        for name, value in self.arguments.items():
            if name in self.states:
                shown = self.kind.states[name].each(value, _reference_words)
                yield f"[{', '.join(shown)}]" if isinstance(shown, list) else str(shown)
            else:
                yield f"{name}={shortened(self.kind.shown(name, value), LONGEST_ARGUMENT)}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Command):
            return NotImplemented
        mine, others = (self.kind, self.arguments, self.inputs), (other.kind, other.arguments, other.inputs)
        return mine == others

    __hash__ = None  # type: ignore[assignment]  # its arguments may change

    @property
    def name(self) -> str:
        """The name under which it is recorded."""
        return self.kind.name

    @property
    def references(self) -> list[State]:
        """The states that it was given, as references. Those that depend on them are known once these are read."""
        if self.kind.is_plain:
            return list(self.states.values())
        return [each for name, state in self.kind.states.items() for each in state.states(self.states[name])]

    @property
    def query(self) -> Query:
        """The events that it reads of states that it was given; those that depend on them are not known yet."""
        return boundary(self.references)

    def drawn(self, source: Source, author: str) -> Command:
        """This command with all of its inputs, those that nobody gave drawn from these. Raises `MissingInput`."""
        kinds = self.kind.inputs
        if not kinds:
            return self
        inputs = {
            name: self.inputs[name] if name in self.inputs else kind.drawn(source)
            for name, kind in kinds.items()
            if kind.kind is not Input.AUTHOR or name in self.inputs
        }
        command = Command(self.kind, self.arguments, inputs, author)
        command.given()  # which says whether an author is missing
        return command

    def given(self) -> dict[str, Any]:
        """The arguments and inputs, as the function gets them; states are references. Raises `MissingInput`."""
        if not self.kind.inputs:
            return self.arguments
        return self.arguments | {name: self._input(name, kind) for name, kind in self.kind.inputs.items()}

    def _input(self, name: str, kind: InputType) -> Any:
        if name in self.inputs:
            return kind.value(self.inputs[name])
        if kind.kind is Input.AUTHOR and self.author is not None:
            return author_of(kind, self.author, f"{self.name}: {name}")
        raise MissingInput(f"{self.name}: {name} was not drawn yet")

    def recorded(self) -> dict[str, Any]:
        """As a commit records it, in plain JSON values: the name, the arguments, and which of them are states.

        States are recorded by their identity, and named, so that a reader without this code can tell them from other
        arguments. An argument that is secret or has a secret part is left out, and `withheld` names it. Raises
        `InvalidEvent` if an argument would not come back equal: then the command could not be decided again.
        """
        return _decode(self.recorded_json())

    def recorded_json(self) -> bytes:
        """The same as JSON. Raises the errors of `recorded`."""
        recorded = self.kind.recorded(self.arguments)
        if not self.inputs:
            return recorded
        return b"".join((recorded[:-1], b',"inputs":', _encode(self.inputs), b"}"))

    def decide(self, states: Mapping[str, State]) -> list[Any]:
        """Run the function on these states and return its events. Raises `Refused`, and any error of the function."""
        kind = self.kind
        given = self.given() if kind.inputs else self.arguments
        return kind.events(kind.function(**{**given, **states}))

    def gathered(self, load: Load) -> dict[str, Any]:
        """All that the function gets, its states filled, for `decide`; see `backstory.decide.gathering`."""
        return gathered(self, load)


class _Call(msgspec.Struct):
    """A recorded command without its inputs."""

    name: str
    arguments: dict[str, msgspec.Raw]
    states: list[str] = []
    withheld: list[str] = []


_call = msgspec.json.Decoder(_Call)


def same_call(recorded: bytes, command: Command) -> bool:
    """Whether a recorded command is the same request: the function and the arguments; inputs do not count."""
    mine = command.recorded_json()
    if recorded == mine:
        return True
    kind = command.kind
    try:
        then, now = _call.decode(recorded), _call.decode(mine)
        arguments = kind.today(then.arguments)
    except (msgspec.MsgspecError, TypeError):
        return False
    states, withheld = (
        [kind.renamed.get(name, name) for name in names] for names in (then.states, then.withheld)
    )
    return _Call(then.name, arguments, states, withheld) == now


def shortened(text: str, length: int) -> str:
    """The beginning and the end of a text that is longer than this."""
    if len(text) <= length:
        return text
    end = length // 4
    return f"{text[: length - end - 3]}...{text[-end:]}"


def first_of(texts: Iterable[str], most: int = 3) -> str:
    """The first of some texts, and how many there are beside."""
    found = list(texts)
    more = f", and {len(found) - most} more" if len(found) > most else ""
    return f"{', '.join(found[:most])}{more}"


def _reference_words(reference: State) -> str:
    values = [part.value if isinstance(part, Enum) else part for part in identity(reference).values()]
    return (
        "/".join(part if type(part) is str else plainly(part) for part in values) or type(reference).__name__
    )
