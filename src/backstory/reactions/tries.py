"""The tries of one reaction: functions that have begun at events, and what they gave until that is written.

The function runs once for each try. What it gave is written as often as it takes: after an error of the store, or a
pause that somebody made meanwhile, the same commands are written again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from backstory.errors import Conflict, NotReacting, StoreError, StoreRefused
from backstory.reactions.calls import Call
from backstory.reactions.declare import Policy
from backstory.reactions.delivery import Deliverer, Prepared
from backstory.reactions.keep import ChangedError, TakenError
from backstory.reactions.lease import Lease
from backstory.store import Record
from backstory.unit import Step, Written
from backstory.values.commit import Head

Write = Callable[[Sequence[Step], int], Written]
"""Writes steps with a checkpoint; the number of commands that were refused goes there, too."""


class Tries:
    """The tries that have begun, by the position of the event."""

    def __init__(self, deliverer: Deliverer, lease: Lease, policy: Policy) -> None:
        self._deliverer = deliverer
        self._lease = lease
        self._parks_refused = policy.on_refused == "park"
        self._calls: dict[int, Call[list[Prepared]] | None] = {}  # None where no function has to run

    def __contains__(self, position: int) -> bool:
        return position in self._calls

    def record(self, position: int) -> Record | None:
        """The event at which a function has begun."""
        call = self._calls.get(position)
        return None if call is None else call.record

    def is_over(self, position: int) -> bool:
        """Whether nothing has to be waited for: no function is at work in another thread."""
        call = self._calls.get(position)
        return call is None or call.is_over()

    def saw(self, end: Head) -> None:
        """Note the end of the log; see `Deliverer.saw`."""
        self._deliverer.saw(end)

    def begin(self, record: Record, attempt: int) -> None:
        """Let the function begin. If it cannot, that is told where the event's turn comes."""
        self._calls[record.position] = None
        with suppress(Exception):
            self._calls[record.position] = self._deliverer.begin(record, attempt)

    def note(self, position: int) -> None:
        """No function has to run at this event."""
        self._calls[position] = None

    def run(self, record: Record, attempt: int, write: Write) -> Exception | None:
        """Run the function, unless it has run, and execute what it gave; return the error that is its own.

        Raises the errors that are not its own: then only what it gave is written again.
        """
        call = self._calls.pop(record.position, None)
        try:
            call = call or self._deliverer.begin(record, attempt)
            with self._lease.lent():
                prepared = call.result()
        except Exception as error:  # noqa: BLE001 - it is told where it is parked
            return error
        try:
            self._deliverer.execute(prepared, write, parks=self._parks_refused)
        except (StoreError, Conflict, ChangedError) as error:
            if isinstance(error, StoreRefused) and not isinstance(error, NotReacting):
                return error
            self._calls[record.position] = call
            raise
        except TakenError:
            raise
        except Exception as error:  # noqa: BLE001 - the same
            return error
        return None

    def forget(self, position: int) -> None:
        """The event is over."""
        self._calls.pop(position, None)

    def clear(self) -> None:
        """Let go of all of them: the functions may end, and nothing that they give is written."""
        self._calls.clear()
