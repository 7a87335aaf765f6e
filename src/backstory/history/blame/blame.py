"""Blame: for every part of a state, the event that last gave it its value.

A part that a list only moved keeps the event that gave it its value: elements are told apart as `diff` does. Position
0 stands for the value that the reference had before any event.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import reduce
from typing import Any

from backstory.decide.call import LONGEST_ARGUMENT, first_of, shortened
from backstory.decide.latest import Latest
from backstory.decide.mistaken import need_state
from backstory.decide.state import State
from backstory.history.blame.provenance import Nested, Provenance, followed, fresh, position_of, walk
from backstory.history.blame.tracing import Trace
from backstory.history.compare.jsonable import canonical, inside_of, part_veil, plain_value, stepped
from backstory.history.compare.pointer import Path, parse, pointer
from backstory.history.compare.shape import NO_SHAPE
from backstory.likeness import did_you_mean
from backstory.lookup import Commits, Together, to_end
from backstory.store import Held, Log
from backstory.values.codec import fields
from backstory.values.commit import Commit
from backstory.values.event_data import Shown
from backstory.values.masking import masked
from backstory.values.notebook import table
from backstory.values.veil import Veil, united, veil_of

EVERY = 1_000
"""Events between two answers to how far it has come."""


class Blamed(Shown, frozen=True, eq=False):
    """A part of a state: its path, its value as JSON, and the position of the event that last changed anything in it.

    `whole` says that it has parts, which are blamed for themselves: only here one can see that a part was removed.
    """

    path: Path
    value: Any
    position: int
    whole: bool
    find: Callable[[int], Commit]
    veil: Veil | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blamed) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((self.path, self.position))

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, also by pickle, holds its commit: the log may be out of its reach."""
        return Blamed, (*self._parts(), Held(self.commit), self.veil)

    def _parts(self) -> tuple[Any, ...]:
        return self.path, self.value, self.position, self.whole

    def __repr__(self) -> str:
        """In a line, masked: `<Blamed balance 300 since #2>`."""
        return f"<Blamed {_told(self)}>"

    def masks(self) -> dict[str, Any]:
        """The value, masked."""
        return {"value": self.shown}

    @property
    def shown(self) -> Any:
        """The value, its personal and secret parts masked."""
        return masked(self.value, self.veil)

    @property
    def pointer(self) -> str:
        """The path, as a JSON pointer."""
        return pointer(self.path)

    @property
    def commit(self) -> Commit | None:
        """The commit that the event came in, read when it is asked for; None for position 0."""
        return self.find(self.position) if self.position else None


class Blame:
    """The parts of a state, the outer before the inner; by index the one at a pointer or a path with dots.

    A name that is no field of the state means one in the field `inside`, as for `State.inside`.
    """

    def __init__(
        self,
        value: Any,
        provenance: Nested,
        find: Callable[[int], Commit],
        veil: Veil | None = None,
        inside: str = "",
    ) -> None:
        self._value = value
        self._veil = veil
        self._inside = inside
        self._provenance = provenance
        self._find = find

    def fetch(self) -> None:
        """Read the commits of all parts now, and not once one of them is asked for."""
        if isinstance(self._find, Together):
            self._find.fetch()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blame) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # its values may change

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, also by pickle, holds its commits, as its parts do."""
        positions = {part.position for part in self if part.position}
        held = {position: self._find(position) for position in positions}
        return Blame, (self._value, self._provenance, held.__getitem__, self._veil, self._inside)

    def __repr__(self) -> str:
        """In a line, masked: `<Blame: balance 300 since #2, and 4 more>`."""
        return f"<Blame: {first_of(map(_told, self.leaves)) or 'nothing'}>"

    def _repr_html_(self) -> str:
        """For notebooks: a row for each part that has no parts, masked."""
        rows = ((".".join(map(str, part.path)), _json(part), f"#{part.position}") for part in self.leaves)
        return table(("part", "value", "since"), rows)

    def __iter__(self) -> Iterator[Blamed]:
        for path, value, position in walk(self._provenance, self._value):
            if path:
                yield self._part(path, value, position)

    def __getitem__(self, path: str) -> Blamed:
        """Raises `KeyError`, with the likely part, if the state has no such part."""
        value: Any = self._value
        provenance: Any = self._provenance
        steps: list[str | int] = []
        for text in stepped(self._value, self._inside, parse(path)):
            try:
                step: Any = int(text) if isinstance(value, list) else text
                value, provenance = value[step], provenance.parts[step]
            except (LookupError, ValueError, TypeError, AttributeError):
                known = sorted({*self._value, *(self._value.get(self._inside) or ())})
                likely = did_you_mean(path, known, f"it has {', '.join(known)}")
                raise KeyError(f"there is no part {path!r}; {likely}") from None
            steps.append(step)
        return self._part(tuple(steps), value, position_of(provenance))

    @property
    def leaves(self) -> Iterator[Blamed]:
        """The parts that have no parts."""
        return (part for part in self if not part.whole)

    def _part(self, path: Path, value: Any, position: int) -> Blamed:
        whole = isinstance(value, (dict, list)) and bool(value)
        veil = self._veil and reduce(Veil.at, path, self._veil)
        return Blamed(path, value, position, whole, self._find, veil)


def _told(part: Blamed) -> str:
    return (
        f"{'.'.join(map(str, part.path))} {shortened(_json(part), LONGEST_ARGUMENT)} since #{part.position}"
    )


def _json(part: Blamed) -> str:
    return canonical(part.shown).decode()


def blame(log: Log, reference: State, upto: int | None = None, *, assertions: bool = False) -> Blame:
    """The event that last changed each part of a state, up to a position. Raises `UnreadableEvent`.

    One pass: the cost of an event follows from the fields that it changed. With `assertions`, an event that writes the
    value that is there already counts too: a field of the state, a key of a dict or an index of a list in it, or any
    field of `Latest`.
    """
    return to_end(blaming(log, reference, upto, assertions=assertions))


def blaming(
    log: Log, reference: State, upto: int | None = None, *, assertions: bool = False
) -> Generator[int, None, Blame]:
    """The same, for somebody who waits: it gives the position that it has come to, and returns what it found.

    It begins anew where a comparison at the end shows that a change was missed.
    """
    need_state(reference)
    upto = log.head().position if upto is None else upto
    if isinstance(reference, Latest):
        return (yield from _latest(log, reference, upto, assertions=assertions))
    trace = Trace(reference, assertions=assertions)
    yield from _traced(log, reference, upto, trace)
    if not trace.complete:
        trace = Trace(reference, assertions=assertions, careful=True)
        yield from _traced(log, reference, upto, trace)
    return _blamed(log, type(reference), trace.plain, trace.provenance, veil_of(type(reference)))


def _traced(log: Log, reference: State, upto: int, trace: Trace) -> Iterator[int]:
    commits = Commits(log)
    for chunk in commits.chunks(log.read(reference.query(), upto=upto)):
        trace.fold(chunk, commits)
        yield chunk[-1].position


def _latest(log: Log, reference: Latest, upto: int, *, assertions: bool) -> Generator[int, None, Blame]:
    """Of data: each field's last value, by the event itself."""
    values: dict[str, Any] = {}
    types: dict[str, str] = {}
    provenances: dict[str, Provenance] = {}
    last = 0
    for number, record in enumerate(log.read(reference.query(), upto=upto), 1):
        position = record.position
        if number % EVERY == 0:
            yield position
        for name, value in fields(record.data).items():
            if name not in values or assertions:
                provenances[name] = fresh(value, position)
                last = position
            elif values[name] is not value:
                provenance = followed(provenances[name], values[name], value, NO_SHAPE, position)
                if provenance is not provenances[name]:
                    provenances[name], last = provenance, position
            values[name], types[name] = value, record.type
    veil = united({name: part_veil(type, name) for name, type in types.items()})
    return _blamed(log, Latest, plain_value(values), Nested(last, provenances), veil)


def _blamed(log: Log, cls: type[State], value: Any, provenance: Nested, veil: Veil | None) -> Blame:
    positions = {position for _, _, position in walk(provenance, value) if position}
    return Blame(value, provenance, Together(log, positions), veil, inside_of(cls))
