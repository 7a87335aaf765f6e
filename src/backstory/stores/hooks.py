"""The hooks of units, which run inside the transaction that writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backstory.unit import Addition, Append, NewLog, Outcome, Unit, Written
from backstory.values.commit import Commit, Draft, Head, recorded


def run_hooks(
    transaction: Any,
    units: Sequence[Unit],
    outcomes: Sequence[Outcome],
    added: Callable[[int], tuple[Head, Addition]],
) -> None:
    """Run each distinct hook of the units that were done once; `added` gives a log's old end, and what was added.

    A hook whose log has no new event is not run. Raises `ValueError` for one of a log that its unit does not append to.
    """
    runs = {}
    for unit, outcome in zip(units, outcomes, strict=True):
        if unit.within is None:
            continue
        if not any(isinstance(step, Append) and step.log == unit.within.log for step in unit.steps):
            raise ValueError(
                f"a hook gets the events of a log that its unit appends to, not {unit.within.log}"
            )
        if isinstance(outcome, Written):
            runs[unit.within] = _number(unit, unit.within.log, outcome)
    for within, number in runs.items():
        found, addition = added(number)
        if addition.events:
            within.hook(transaction, found, addition)


def addition(added: Iterable[tuple[Draft, Commit]]) -> Addition:
    """The commits and events that these drafts became, for a hook."""
    pairs = list(added)
    events = [event for draft, commit in pairs for event in recorded(draft.events, commit)]
    return Addition([commit for _, commit in pairs], events)


def _number(unit: Unit, log: int | NewLog, outcome: Written) -> int:
    if isinstance(log, int):
        return log
    made = [step for step in unit.steps if isinstance(step, NewLog)]
    return outcome.logs[made.index(log)]
