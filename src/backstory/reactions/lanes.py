"""Deliveries of a consumer, in order for each key: given, and waiting until what became of them is known."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Any

from backstory.projections.catalog import EARLIER, Parked

if TYPE_CHECKING:
    from backstory.store import Record


class Fate(Enum):
    """The result of a delivery, as far as it is known."""

    OPEN = "open"
    DONE = "done"
    PARKED = "parked"


class Delivery:
    """An event that a consumer was given. `done`, `park` or `later` says what became of it, from any thread.

    `key` is the value of the event's partition field, as text; None without a partition. `tries` counts how often it
    was given here before. An event that nobody said anything of is given again, to the next consumer.
    """

    __slots__ = ("_tell", "due", "fate", "given", "key", "old", "record", "tries", "why")

    def __init__(
        self, record: Record, key: str | None, old: Parked | None, tell: Callable[[Delivery], None]
    ) -> None:
        self.record = record
        self.key = key
        self.tries = 0 if old is None else old.tries
        self.old = old  # as it is parked, where it is tried again
        self.fate = Fate.OPEN
        self.why = ""
        self.due = 0.0
        self.given = False
        self._tell = tell

    def __repr__(self) -> str:
        return f"<Delivery #{self.record.position} {self.event!r}>"

    @property
    def event(self) -> Any:
        """The event."""
        return self.record.event

    @property
    def position(self) -> int:
        """Its position in the log."""
        return self.record.position

    def done(self) -> None:
        """Say that it needs not be given again."""
        self._end(Fate.DONE, "")

    def park(self, why: str) -> None:
        """Keep it back, with all later events of its key, until somebody retries or skips it."""
        self._end(Fate.PARKED, why)

    def later(self, seconds: float) -> None:
        """Give it again after so many seconds; later events of its key wait for it."""
        if self.fate is Fate.OPEN and self.given:
            self.due = time.monotonic() + seconds
            self._tell(self)

    def _end(self, fate: Fate, why: str) -> None:
        if self.fate is Fate.OPEN:
            self.fate, self.why = fate, why
            self._tell(self)

    def parked(self) -> Parked:
        """How it is parked."""
        return Parked(self.position, self.key or "", self.why, "parked", self.tries + self.given)


class Lanes:
    """All deliveries of a consumer that are not over, at most `most` of them given at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[Delivery] = set()
        self._given: set[Delivery] = set()
        self._ready: deque[Delivery] = deque()
        self._by_key: dict[str, deque[Delivery]] = {}
        self._later: list[tuple[float, int, Delivery]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._open)

    def is_full(self) -> bool:
        """Whether no other one may be given."""
        return len(self._given) >= self._most

    def add(self, one: Delivery) -> None:
        """Take one more, after all that have the same key."""
        self._open.add(one)
        if one.key is not None:
            lane = self._by_key.setdefault(one.key, deque())
            lane.append(one)
            if len(lane) > 1:
                return
        self._ready.append(one)

    def next(self) -> Delivery | None:
        """One that may be given now."""
        while self._later and self._later[0][0] <= time.monotonic():
            self._ready.append(heapq.heappop(self._later)[2])
        if not self._ready or self.is_full():
            return None
        one = self._ready.popleft()
        one.given = True
        self._given.add(one)
        return one

    def pause(self) -> float:
        """Seconds until the next one is due that is to be given later."""
        first = self._later[:1]  # at once: any thread may ask
        return max(0.0, first[0][0] - time.monotonic()) if first else float("inf")

    def told(self, one: Delivery) -> list[Delivery]:
        """Hear of one that was given: it is over, or is to be given later. Those that are parked with it."""
        if one not in self._given:
            return []
        self._given.discard(one)
        if one.fate is Fate.OPEN:
            one.given, one.tries = False, one.tries + 1
            heapq.heappush(self._later, (one.due, next(self._numbers), one))
            return []
        self._open.discard(one)
        return [] if one.key is None else self._passed(one, self._by_key[one.key], one.key)

    def _passed(self, one: Delivery, lane: deque[Delivery], key: str) -> list[Delivery]:
        lane.popleft()
        behind = list(lane) if one.fate is Fate.PARKED else []
        for each in behind:
            each.fate, each.why = Fate.PARKED, EARLIER
            self._open.discard(each)
        if behind or not lane:
            del self._by_key[key]
        else:
            self._ready.append(lane[0])
        return behind

    def drop(self, is_gone: Callable[[Delivery], bool]) -> None:
        """Forget those of which this is true: somebody else has them now, or will."""
        gone = {one for one in self._open if is_gone(one)}
        self._open -= gone
        self._given -= gone
        self._ready = deque(one for one in self._ready if one not in gone)
        lanes = {key: deque(one for one in lane if one not in gone) for key, lane in self._by_key.items()}
        self._by_key = {key: lane for key, lane in lanes.items() if lane}
        self._later = [each for each in self._later if each[2] not in gone]
        heapq.heapify(self._later)
