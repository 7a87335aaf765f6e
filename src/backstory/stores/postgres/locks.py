"""The locks that units need, as `take_locks` in `functions.sql` takes them."""

from __future__ import annotations

from collections.abc import Sequence

from backstory.refs import MAIN_MOVES, MAIN_REF, NEVER_BOTH, WITHHELD
from backstory.stores.postgres.append_call import LAST_LOG
from backstory.unit import DropLog, NewLog, SetRef, Unit, Withhold

Locks = tuple[list[int], list[str], list[str], list[str], bool]


def taking(schema: str) -> str:
    """The SQL that takes the locks."""
    return f"{schema}.take_locks(%s::integer[], %s::text[], %s::text[], %s::text[], %s)"


def locks(units: Sequence[Unit]) -> Locks:
    """The arguments of `take_locks`: logs, ids of new logs, refs to set and to ask for, and whether logs go."""
    logs: set[int] = set()
    made: set[str] = set()
    sets: set[str] = set()
    asks: set[str] = set()
    drops = False
    for unit in units:
        for step in unit.steps:
            if isinstance(step, NewLog):
                made.add(step.id)
            elif isinstance(step, SetRef):
                (asks if step.is_guard else sets).add(step.name)
            elif isinstance(step.log, int) and 0 <= step.log <= LAST_LOG:
                logs.add(step.log)
            drops = drops or isinstance(step, DropLog)
            if isinstance(step, Withhold):
                sets.add(WITHHELD)  # it gives the store another mark
    if MAIN_REF in sets:
        asks.add(MAIN_MOVES)
    asks.update(NEVER_BOTH[name] for name in sets & NEVER_BOTH.keys())
    return sorted(logs), sorted(made), sorted(sets), sorted(asks), drops
