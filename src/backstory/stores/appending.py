"""How a log of a store appends: each batch is a unit of that store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backstory.store import Verdict
from backstory.unit import Append, Batch, Hook, Outcome, Step, Unit, Within, Written


def append_through(
    write: Callable[[Sequence[Unit]], list[Outcome]],
    number: int,
    batches: Sequence[Batch],
    beside: Sequence[Step],
    within: Hook | None,
) -> list[Verdict]:
    """Write each batch to a log, together with the steps beside it; see `Log.append`."""
    hook = None if within is None else Within(number, within)
    units = [Unit((Append(number, batch), *beside), hook) for batch in batches]
    return [outcome.commits[0] if isinstance(outcome, Written) else outcome for outcome in write(units)]
