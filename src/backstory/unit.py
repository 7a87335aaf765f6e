"""Units: writes of one store that are done together or not at all, each with its verdict.

A unit is a sequence of steps. Every step is judged on the store as it was before the unit, so a unit appends to a log
once and sets a ref once. A step that holds already is done: a batch that is known, a ref that has its new value, a log
that was made under this id. So a unit whose answer was lost can be written again, on every store and at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from backstory.errors import AppendError
from backstory.values.commit import Commit, Draft, Head
from backstory.values.ids import new_id

if TYPE_CHECKING:
    from backstory.tables import Transaction
    from backstory.values.event_data import RecordedEvent

Batch: TypeAlias = Sequence[Draft]
"""Drafts that go in whole or not at all."""


class Addition(msgspec.Struct, frozen=True):
    """The commits that were added to a log in one transaction, and their events."""

    commits: Sequence[Commit]
    events: Sequence[RecordedEvent]


Hook: TypeAlias = "Callable[[Transaction, Head, Addition], None]"
"""A function that runs inside the transaction of an append. It gets the transaction, the head that was found, and the
commits and events that were added. It may be called again for the same append, if the first transaction was not kept
or its answer was lost, so it must look in its tables for its own work. An error that it raises takes the whole unit
back."""


class NewLog(msgspec.Struct, frozen=True):
    """Make an empty log whose first commit will stand on `origin`.

    The maker of the log chooses `id`: a log that was made under this id, on this origin, is the log. The other steps
    of the unit name the log by this step.
    """

    id: str
    origin: Head


LogName: TypeAlias = int | NewLog
"""A log: its number, or the step of the same unit that makes it."""


class Append(msgspec.Struct, frozen=True):
    """Judge a batch and append it to a log; `Log.append` has the rule."""

    log: LogName
    batch: Batch


class SetRef(msgspec.Struct, frozen=True):
    """Give a ref a value if it still has the old one; None stands for a ref that is not there.

    A step of the same unit that makes a log stands for the number of that log. If `value` equals `old`, nothing is
    set, and the ref must still have this value.
    """

    name: str
    value: str | NewLog | None
    old: str | None

    @property
    def is_guard(self) -> bool:
        """Whether nothing is set."""
        return self.value == self.old


class Holds(msgspec.Struct, frozen=True):
    """A log must have the commit with this hash end at this position; and end there itself, if `last`.

    `withheld`, unless it is `UNSET`: nothing was withheld in the store since it had this mark, see `Head.withheld`.
    """

    log: int
    position: int
    hash: bytes
    last: bool = False
    withheld: str | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def is_guard(self) -> bool:
        """It never writes."""
        return True


class Withhold(msgspec.Struct, frozen=True):
    """Take the bytes of a commit's parts away and keep their digests; for the places, see `backstory.values.commit`."""

    log: int
    id: str
    places: tuple[int, ...]


class DropLog(msgspec.Struct, frozen=True):
    """Take a log away that no ref names, of which no other log has a commit to stand on, and no mark the only one."""

    log: int


Step: TypeAlias = Append | SetRef | Holds | NewLog | Withhold | DropLog
"""A part of a unit."""


class Within(msgspec.Struct, frozen=True):
    """A hook, and the log whose events it gets."""

    log: LogName
    hook: Hook


class Unit(msgspec.Struct, frozen=True):
    """Steps that are done together or not at all."""

    steps: tuple[Step, ...]
    within: Within | None = None


class Written(msgspec.Struct, frozen=True):
    """A unit was done: the commits of each `Append`, and the number of each `NewLog`, in the order of its steps."""

    commits: tuple[tuple[Commit, ...], ...] = ()
    logs: tuple[int, ...] = ()


Outcome: TypeAlias = Written | AppendError
"""The result of a unit; an `AppendError` says which step could not be done, and nothing of the unit was done."""


def new_log(origin: Head) -> NewLog:
    """The step that makes a log under an id that nobody has used."""
    return NewLog(new_id(), origin)


def is_guard(step: Step) -> bool:
    """Whether a step only asks, and never writes."""
    return isinstance(step, (SetRef, Holds)) and step.is_guard
