"""The lease under which one consumer of events is run here: taken, held for as long as it is run, and given back.

Two threads use the checkpoint of the consumer: the runner's, which takes turns, and another one, which holds the lease
between turns and while a function works. So the runner's thread has the checkpoint for a turn (`turn`), and lends it
to the other one where it only waits (`lent`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from backstory.errors import StoreError
from backstory.forks import on_fork
from backstory.projections.rounds import new_owner
from backstory.reactions.keep import Checkpoint, Keep, TakenError
from backstory.unit import Step, Written


class Lease:
    """The lease of one consumer, as an owner here has it, for so many seconds at a time."""

    def __init__(self, keep: Keep, owner: str, seconds: float) -> None:
        self.keep = keep
        self.third = seconds / 3
        """Seconds after which an owner holds it again, and somebody else asks again whether it is over."""
        self._seconds = seconds
        self._owner = owner
        self._renew = 0.0
        self._begin()
        on_fork(child=self._begin_in_child)

    def _begin(self) -> None:
        self.is_held, self._is_lent = False, True
        self._lending = threading.Lock()

    def _begin_in_child(self) -> None:
        """The parent goes on as the owner; in the child, it is somebody else."""
        self._begin()
        self._owner = new_owner()

    def take(self) -> bool:
        """Become the owner, if nobody is. Raises `NotReacting` if the store does not react."""
        self.is_held = self.keep.take(self._owner, self._seconds)
        if self.is_held:
            self._holds()
        return self.is_held

    def _holds(self) -> None:
        self._renew = time.monotonic() + self.third

    def look(self) -> None:
        """See what somebody else changed. Raises `TakenError` if it is somebody else's now."""
        self.keep.look()
        if self.keep.at.owner != self._owner:
            raise TakenError(f"{self.keep.name} is run by somebody else by now")

    def write(self, new: Checkpoint, *steps: Step) -> Written:
        """Write a checkpoint and other steps as one unit, and hold the lease; see `Keep.write`."""
        written = self.keep.write(new, *steps, lease=self._seconds)
        self._holds()
        return written

    def hold(self) -> None:
        """Stay the owner, if a third of the time is over. Raises `TakenError`, `ChangedError`, `NotReacting`."""
        if time.monotonic() > self._renew:
            self.keep.hold(self._seconds)
            self._holds()

    def hold_if_lent(self) -> None:
        """The same for another thread than the runner's; nothing, while that has the checkpoint in its own hands."""
        with self._lending:
            if self._is_lent and self.is_held:
                self.hold()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """For the runner's thread: have the checkpoint for the length of a block."""
        try:
            with self._lending:
                self._is_lent = False
            yield
        finally:
            self._is_lent = True

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Within `turn`, while a function works: let the other thread have the checkpoint."""
        self._is_lent = True
        try:
            yield
        finally:
            with self._lending:
                self._is_lent = False

    def release(self) -> None:
        """Let somebody else have it at once. Where that cannot be written now, it ends by itself."""
        if self.is_held:
            self.is_held = False
            with suppress(StoreError):
                self.keep.release()
