"""Which entities of a state class changed between two points, and how."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backstory.decide.state import State
from backstory.history.ask.entities import Entities
from backstory.history.compare.diff import Difference, diff
from backstory.store import Log


class Changed(msgspec.Struct, frozen=True):
    """An entity that differs: the reference to it, and the difference."""

    reference: State
    difference: Difference


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
    one, other = Entities(log_a, cls, base), Entities(log_b, cls, base)
    for entities, upto in ((one, at_a), (other, at_b)):
        if upto > base:
            for _ in entities.follow(upto):
                pass
    for key in {**one.found, **other.found}:
        known, new = one.found.get(key), other.found.get(key)
        found = known or new
        assert found is not None
        difference = diff(known.state if known else found.start, new.state if new else found.start)
        if difference:
            yield Changed(found.reference, difference)
