"""Outboxes that run together with whatever else runs: for the length of a block, or until they are told to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from backstory.errors import ReactionWarning
from backstory.forks import on_fork
from backstory.outbox.message import Outbox
from backstory.outbox.sending import Sending
from backstory.projections.source import Source
from backstory.right import why_not
from backstory.told import warn

if TYPE_CHECKING:
    from typing import Self

LOOK = 0.5
"""Seconds between two looks whether one of them has failed."""


class Part(Protocol):
    """Something that runs."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *_: object) -> None: ...
    def stop(self) -> None:
        """Tell it to end."""
        ...

    def run(self, *, once: bool = False) -> None:
        """Run it in this thread; `once`: until nothing is left to do."""
        ...


class Together:
    """Everything that runs together."""

    def __init__(self, others: Part | None, sendings: Sequence[Sending]) -> None:
        self._sendings = sendings
        self._parts: list[Part] = [*([] if others is None else [others]), *sendings]
        self._stack = ExitStack()
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for part in self._parts:
                stack.enter_context(part)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End what is being done, and give all leases back. Raises what went wrong in one of them."""
        self.stop()
        self._stack.close()

    def stop(self) -> None:
        """Tell all to end after the step that is being taken. Any thread or handler of a signal may call it."""
        self._stop.set()
        for part in self._parts:
            part.stop()

    def run(self, *, once: bool = False) -> None:
        """Run until `stop`, or until one of them fails; `once`: until nothing is left to do."""
        if once:
            for part in self._parts:
                part.run(once=True)
            return
        with self:
            while not self._stop.wait(LOOK) and not any(part.error for part in self._sendings):
                pass


def sendings(outboxes: Iterable[Outbox], source: Source, lease: float) -> list[Sending]:
    """A sender for each of these outboxes; none, with a `ReactionWarning`, in a store without the right to react."""
    every = list(outboxes)
    if every and (why := why_not(source.branches.store)):
        names = ", ".join(each.name for each in every)
        warn(f"{names}: not run, because this store does not react: {why}", ReactionWarning)
        return []
    return [Sending(each, source, lease=lease) for each in every]
