"""The hooks of units, which run inside the transaction that writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backstory.unit import Append, NewLog, Outcome, Unit, Written
from backstory.values.commit import Head
from backstory.values.event_data import RecordedEvent


def run_hooks(
    transaction: Any,
    units: Sequence[Unit],
    outcomes: Sequence[Outcome],
    added: Callable[[int], tuple[Head, Sequence[RecordedEvent]]],
) -> None:
    """Run each distinct hook of the units that were done once; `added` gives a log's old end, and its new events.

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
        found, events = added(number)
        if events:
            within.hook(transaction, found, events)


def _number(unit: Unit, log: int | NewLog, outcome: Written) -> int:
    if isinstance(log, int):
        return log
    made = [step for step in unit.steps if isinstance(step, NewLog)]
    return outcome.logs[made.index(log)]
