"""The read models of a site since it started: their lag over the last hour, and how fast they go.

Nothing runs for this. Each page of read models looks, at most once a second for all readers, and what nobody looked at
is not known.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from backstory.forks import on_fork
from backstory.projections.operate import Standing

FRESH = 1.0
"""Seconds for which one look serves all readers."""

KEPT, EVERY = 60, 60.0
"""Looks that are kept for the lag, and the seconds between two of them: an hour."""

RECENT, SPAN = 30, 10.0
"""Looks that are kept for the rate, and the seconds that it is taken over at least."""

MOST = 1_000
"""Read models that are remembered at most."""

Key = tuple[str, int]


class Look(msgspec.Struct, frozen=True):
    """The positions and lags of all read models at a moment, by name and generation, and the end of the log."""

    at: float
    head: int
    positions: dict[Key, int]
    lags: dict[Key, int]


class Trend:
    """The last looks of a site. `timer` gives seconds."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._recent: deque[Look] = deque(maxlen=RECENT)
        self._kept: deque[Look] = deque(maxlen=KEPT)
        self._last: tuple[float, Sequence[Standing]] = (-FRESH, ())
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def seen(self, look: Callable[[], Sequence[Standing]], *, now: bool = False) -> Sequence[Standing]:
        """The standings of all: those of the last look if that is fresh, unless they are to be of `now`."""
        with self._lock:
            at = self._timer()
            if now or at - self._last[0] >= FRESH:
                found = look()
                self._last = at, found
                self._keep(at, found[:MOST])
            return self._last[1]

    def _keep(self, at: float, found: Sequence[Standing]) -> None:
        head = max((one.head for one in found), default=0)
        positions = {(one.name, one.generation): one.position for one in found}
        lags = {(one.name, one.generation): one.lag for one in found}
        self._recent.append(look := Look(at, head, positions, lags))
        if not self._kept or at - self._kept[-1].at >= EVERY:
            self._kept.append(look)

    def lags(self, one: Standing) -> list[int]:
        """The lags of the last hour, in events, a minute apart; the last one is that of now."""
        key, since = (one.name, one.generation), self._timer() - KEPT * EVERY
        return [look.lags[key] for look in list(self._kept) if look.at >= since and key in look.lags] + [
            one.lag
        ]

    def rate(self, one: Standing) -> float | None:
        """Positions a second that it has gone on by lately; None if that is not known."""
        return self._rate(lambda look: look.positions.get((one.name, one.generation)))

    def appended(self) -> float | None:
        """Events a second that were appended lately; None if that is not known."""
        return self._rate(lambda look: look.head)

    def _rate(self, of: Callable[[Look], int | None]) -> float | None:
        looks = list(self._recent)
        if not looks:
            return None
        last = looks[-1]
        first = next((look for look in reversed(looks) if last.at - look.at >= SPAN), looks[0])
        before, after = of(first), of(last)
        if before is None or after is None or last.at - first.at < 2 * FRESH:
            return None
        return max(0.0, (after - before) / (last.at - first.at))
