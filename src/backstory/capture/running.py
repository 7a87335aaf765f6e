"""A thread that drains: when it is woken, and every so often for what other processes write."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from backstory.forks import on_fork

if TYPE_CHECKING:
    from typing import Self

    from backstory.capture.drain import Drainer

EVERY = 1.0
"""Seconds between two looks at the outbox that nobody asked for."""

PATIENCE = 60.0
"""The longest pause after errors, in seconds; the first one is `EVERY`, and each is twice the one before."""

logger = logging.getLogger(__name__)


class Running:
    """Drains in a thread of its own for the length of a block; the end of the block drains what is left.

    Errors are logged, and the thread tries again: what is in the outbox stays there. A child of a fork has no thread.
    """

    def __init__(self, drainer: Drainer, every: float = EVERY) -> None:
        self._drainer = drainer
        self._every = every
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._asked = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._begin()
        self._thread = threading.Thread(target=self._run, name="backstory drainer", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._asked.set()
        if self._thread is not None:
            self._thread.join()
            self._drainer.drain()

    def wake(self) -> None:
        """Drain soon: something was committed."""
        self._asked.set()

    def _run(self) -> None:
        pause = self._every
        while not self._over.is_set():
            self._asked.clear()
            try:
                self._drainer.drain()
                pause = self._every
            except Exception:
                logger.exception("the outbox could not be drained; it is tried again in %.0f seconds", pause)
                self._over.wait(pause)
                pause = min(2 * pause, PATIENCE)
            else:
                self._asked.wait(pause)
