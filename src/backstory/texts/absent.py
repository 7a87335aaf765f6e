"""The reason why there is nothing to show of a state or a tag, and those that may have been meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.decide.latest import Latest
from backstory.documents.states import name_of
from backstory.history.ask.similar import similar_states
from backstory.likeness import meant
from backstory.told import pasted

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.store import Log


def absent(log: Log, reference: State, at: str | None) -> str:
    """The reason in words; `at` is the revision that was asked about, on this log."""
    name, is_tag = name_of(reference), isinstance(reference, Latest)
    nothing = f"nothing is known about {name}" if is_tag else f"no event concerns {name}"
    if at is not None and (first := next(iter(log.read(reference.query(), limit=1)), None)) is not None:
        return f"{nothing} at {at}; its first event is #{first.position}"
    near = similar_states(log, reference)
    hint = meant(near if is_tag else (each.partition(":")[2] for each in near))
    if is_tag and not hint:
        hint = f"the keys of tags are listed by: {pasted('tags')}"
    return f"{nothing}{hint and f'; {hint}'}"
