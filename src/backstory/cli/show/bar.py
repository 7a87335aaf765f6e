"""A progress bar on standard error, if that is a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from backstory.told import plain

if TYPE_CHECKING:
    from typing import Self

WIDTH = 30
TICK = 0.1
"""Seconds between two looks."""


class Bar:
    """Shows how far each stage of a job is. Call it with the stage, the amount done, and the total if that is known.

    `events` is a stage that only counts: its number stands behind the bar.
    """

    def __init__(self, label: str) -> None:
        self._label = plain(label)
        self._terminal = sys.stderr.isatty()
        self._stage = ""
        self._share = 0.0
        self._events = 0
        self._shown = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take note, and draw it if the last look is old enough."""
        if not self._terminal:
            return
        if stage == "events":
            self._events = done
        else:
            self._stage, self._share = stage, min(done / total, 1.0) if total else 0.0
        now = time.monotonic()
        if now - self._shown > TICK:
            self._shown = now
            sys.stderr.write(f"\r{self._text()}\x1b[K")
            sys.stderr.flush()

    def _text(self) -> str:
        full = int(WIDTH * self._share)
        bar = f"{'█' * full}{'░' * (WIDTH - full)} {self._share:4.0%}" if self._share else ""
        count = f"  {self._events:,} events" if self._events else ""
        return f"{self._label}: {self._stage} {bar}{count}"
