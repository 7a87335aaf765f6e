"""Waiting in tests: for what must come, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

PATIENCE = 120.0
"""Seconds after which something that must happen did not: only a broken program waits for as long."""

PAUSE = 0.002
"""Seconds between two looks at what tells nobody of its changes."""


def until(condition: Callable[[], object]) -> None:
    """Look until a condition holds that other threads or processes bring about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "what this test waits for did not happen"
        time.sleep(PAUSE)


async def until_async(condition: Callable[[], object]) -> None:
    """The same in a task, while others go on."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what brings it about knows of no event loop
            await anyio.sleep(PAUSE)
