"""A thread that drains."""

from __future__ import annotations

import threading
from typing import Any

from backstory.capture import Running
from tests.patience import PATIENCE


class Seen:
    """A drainer that counts how often it was asked, and by which threads."""

    def __init__(self) -> None:
        self.threads: set[threading.Thread] = set()
        self.asked = threading.Event()

    def drain(self) -> None:
        self.threads.add(threading.current_thread())
        self.asked.set()


def test_it_drains_in_each_block_that_it_is_used_for() -> None:
    seen = Seen()
    drainer: Any = seen
    running = Running(drainer, every=60)
    for _ in range(2):
        seen.asked.clear()
        with running:
            assert seen.asked.wait(PATIENCE)
    assert len(seen.threads - {threading.current_thread()}) == 2
