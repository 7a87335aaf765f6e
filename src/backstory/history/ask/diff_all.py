"""Which entities of a state class changed between two points, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from backstory.decide.state import State
from backstory.history.ask.entities import Entities
from backstory.history.compare.diff import Difference, diff
from backstory.history.refs.branches import Branches, Chain
from backstory.history.refs.revision import Point
from backstory.store import Log


class Changed(msgspec.Struct, frozen=True):
    """An entity that differs: the reference to it, and the difference.

    `kind` says that it had no events before (`new`), or has none after (`gone`), which a branch can bring about.
    """

    reference: State
    difference: Difference
    kind: Literal["new", "gone", "changed"] = "changed"


def diff_all(log: Log, a: int, b: int, cls: type[State]) -> Iterator[Changed]:
    """The entities of a class that differ between two positions of a log, from `a` to `b`, whichever is earlier.

    One pass over the events between; memory is that of the entities they concern. Raises `DefinitionError` for a class
    whose entities do not follow from events' tags, and `UnreadableEvent`.
    """
    return diff_all_between(log, a, log, b, min(a, b), cls)


def diff_all_between(
    log_a: Log, at_a: int, log_b: Log, at_b: int, base: int, cls: type[State]
) -> Iterator[Changed]:
    """The same between positions of two logs whose events up to `base` are the same: a branch and its parent."""
    return Both(log_a, at_a, log_b, at_b, base, cls).found()


def both(
    branches: Branches, view: Callable[[Chain], Log], start: Point, end: Point, cls: type[State]
) -> Both:
    """All entities of a class at two points, of one history or of two; `view` gives the log of a history."""
    _, base = branches.shared(start.chain, end.chain)
    base = min(base, start.position, end.position)
    return Both(view(start.chain), start.position, view(end.chain), end.position, base, cls)


class Both:
    """All entities of a class at two points: first `read` to the end, then ask which `changed`."""

    def __init__(self, log_a: Log, at_a: int, log_b: Log, at_b: int, base: int, cls: type[State]) -> None:
        self._sides = (Entities(log_a, cls, base), at_a), (Entities(log_b, cls, base), at_b)
        self._base = base

    @property
    def events(self) -> int:
        """How many positions are to be read at most."""
        return sum(upto - self._base for _, upto in self._sides)

    def read(self) -> Iterator[int]:
        """Read what lies between, and say after each event how many positions are done."""
        done = 0
        for entities, upto in self._sides:
            if upto > self._base:
                for record, _ in entities.follow(upto):
                    yield done + record.position - self._base
                done += upto - self._base

    def found(self) -> Iterator[Changed]:
        """Read, and give what differs."""
        for _ in self.read():
            pass
        yield from self.changed()

    def changed(self) -> Iterator[Changed]:
        """The entities that differ, in the order in which they were first met."""
        (one, _), (other, _) = self._sides
        for key in {**one.found, **other.found}:
            known, new = one.found.get(key), other.found.get(key)
            found = known or new
            assert found is not None
            difference = diff(known.state if known else found.start, new.state if new else found.start)
            if difference:
                before, after = (found.existed or side is not None for side in (known, new))
                yield Changed(
                    found.reference,
                    difference,
                    "changed" if before and after else "gone" if before else "new",
                )
