"""Subscriptions: each event is given to a consumer of a name, which says what became of it, and again until it does.

The events are in partitions, by a field of theirs, and each partition has a `Keep`: its checkpoint and its lease. The
consumers of one name share the partitions, in as many processes as there are; each has about as many as the others.
A checkpoint keeps how far the work is done. It is written for several events at once, so after a crash a few events are
given again.
"""

from __future__ import annotations

import random
import threading
import time
import weakref
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from backstory.errors import StoreClosed, StoreError, StoreRefused
from backstory.forks import on_fork
from backstory.lookup import Commits
from backstory.place import Place
from backstory.projections.catalog import EARLIER, KEPT_BACK, LEFT_OUT, RUNNING, Parked
from backstory.projections.feed import FAR
from backstory.projections.rounds import LOOK, new_owner
from backstory.projections.source import Source
from backstory.reactions.asked import Asked
from backstory.reactions.keep import AGAIN, ChangedError, Checkpoint, Keep, TakenError
from backstory.reactions.lanes import Delivery, Fate, Lanes
from backstory.reactions.shares import Shares
from backstory.right import guard
from backstory.store import Log, Record
from backstory.unit import Step
from backstory.values.commit import EPOCH, Head
from backstory.values.query import Query

CHUNK = 256
"""Events that are read from the log at a time."""

BUFFER = 10_000
"""Deliveries that are not over, at most: those that wait for others of their key, and those that are given later."""

FULL = (
    f"{BUFFER:,} events are not over: they wait for an earlier one of their key, or are to be given later; no more are"
    " read until some are done or parked"
)
"""Why a subscription that runs does not go on."""

TOGETHER = 0.05
"""Seconds for which what was done is gathered before it is kept, while there is more to do."""


class _Part:
    """A partition that this consumer has: the events of it that were read and are not over, in order of position."""

    def __init__(self, keep: Keep) -> None:
        self.keep = keep
        self.open: deque[Delivery] = deque()
        self.again: list[Delivery] = []
        self.scanned = Head(keep.at.position, bytes.fromhex(keep.at.hash), EPOCH)
        self.leaving = False
        self.changes = -1
        self.parked: dict[int, Parked] = {}
        self.held: set[str] = set()

    def learn(self) -> None:
        """Read what is parked."""
        self.changes, self.parked = self.keep.at.changes, self.keep.parked()
        self.held = {one.key for one in self.parked.values() if one.state == KEPT_BACK and one.key}


class Consumer:
    """One consumer of a subscription. `take` gives what may be given now; any thread may say what became of it."""

    def __init__(self, source: Source, asked: Asked) -> None:
        self._source = source
        self._store = source.branches.store
        self._asked = asked
        self._ring: Callable[[], object] = lambda: None
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self.owner = new_owner()
        self._lock = threading.RLock()
        self._lanes = Lanes(self._asked.most)
        self._parts: dict[int, _Part] = {}
        self._shares = Shares(self._source, self._asked, self.owner)
        self._of: dict[Delivery, _Part] = {}
        self._said: deque[Delivery] = deque()
        self._looked = self._kept = 0.0
        self._closed = closed = threading.Event()
        self._gone = weakref.finalize(self, closed.set)
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Let it begin, if it has never run, where it is to begin. Raises `StoreRefused` if no reaction runs here."""
        guard(self._store)
        with self._lock:
            if not self._shares.keeps:
                self._shares.find()

    def change(self, change: Callable[[Checkpoint], Checkpoint]) -> None:
        """Change the checkpoint of each partition: pause it, or stop it. It gives nothing more then."""
        with self._lock:
            self._change(change)
        self._ring()

    def _change(self, change: Callable[[Checkpoint], Checkpoint]) -> None:
        self._keep_all()
        for keep in self._shares.keeps.values():
            keep.change(change)
        self._looked = 0.0

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function soon after there may be something to give; see `live.Reader.watch`."""
        self._ring = callback
        return self._store.watch(callback)

    def pause(self) -> float:
        """Seconds after which to look again, though nobody has called."""
        return min(LOOK, self._lanes.pause(), self._asked.lease / 3)

    def take(self) -> Iterator[Delivery]:
        """All that may be given now. Raises `StoreRefused`, `HistoryMoved`, and errors of the store."""
        while (one := self._next()) is not None:
            yield one

    def _next(self) -> Delivery | None:
        with self._lock:
            if time.monotonic() - self._looked >= min(LOOK, self._asked.lease / 3):
                self._look()
            return self._found()

    def _found(self) -> Delivery | None:
        while True:
            self._hear()
            one = self._lanes.next()
            if one is None or time.monotonic() - self._kept > TOGETHER:
                self._keep_all()
            if one is not None or self._lanes.is_full() or not self._fill():
                return one

    def _look(self) -> None:
        """Take leases, give some up where others have too few, and see what somebody changed."""
        self._looked = time.monotonic()
        if not self._shares.keeps:
            self._shares.find()
        fair = self._shares.fair()
        missing = [number for number in self._shares.keeps if number not in self._parts]
        random.shuffle(missing)
        for number in missing[: max(0, fair - len(self._parts))]:
            self._take(number)
        for number in list(self._parts)[fair:]:
            self._leave(number)
        for number, part in list(self._parts.items()):
            if part.keep.look() is not None and (part.leaving or part.keep.at.state != RUNNING):
                self._leave(number)
            elif part.changes != part.keep.at.changes:
                part.learn()
                self._try_again(part)
        if self._thread is None:
            self._thread = threading.Thread(
                target=_hold_leases, args=(weakref.ref(self), self._closed, self._asked.lease / 3), daemon=True,
                name="backstory lease",
            )  # fmt: skip
            self._thread.start()

    def _take(self, number: int) -> None:
        keep = self._shares.keeps[number]
        seen = keep.look()
        if seen is None or seen.state != RUNNING or not keep.take(self.owner, self._asked.lease):
            return
        at = keep.at
        if at.position:
            Place.at(at.position, bytes.fromhex(at.hash)).on(self._source.log())
        self._parts[number] = part = _Part(keep)
        part.learn()
        self._try_again(part)

    def _leave(self, number: int) -> None:
        """Give nothing of a partition any more, and let others have it once all that was given is over."""
        part = self._parts[number]
        part.leaving = True
        self._lanes.drop(lambda one: self._of.get(one) is part and not one.given)
        self._hear()
        if not any(one.given and one.fate is Fate.OPEN for one in (*part.open, *part.again)):
            self._keep(part)
            self._forget(number)
            part.keep.release()

    def _forget(self, number: int) -> None:
        part = self._parts.pop(number)
        self._lanes.drop(lambda one: self._of.get(one) is part)
        self._of = {one: its for one, its in self._of.items() if its is not part}

    def _try_again(self, part: _Part) -> None:
        """Give those parked events again that somebody wants to be tried again, before later ones of their keys."""
        log, known = self._source.log(), {one.position for one in part.again}
        for position, parked in part.parked.items():
            if parked.state == AGAIN and position not in known:
                for record in self._records(log, Query.all(), position - 1, position):
                    one = Delivery(record, self._key(record.event), parked, self._told)
                    part.again.append(one)
                    self._of[one] = part
                    self._lanes.add(one)

    def _fill(self) -> bool:
        """Read on; whether there may be more to give now."""
        parts = [part for part in self._parts.values() if part.keep.at.state == RUNNING and not part.leaving]
        if not parts or len(self._lanes) >= BUFFER:
            return False
        log = self._source.log()
        head, after = log.head(), min(part.scanned.position for part in parts)
        if head.position <= after:
            return False
        records = list(self._records(log, self._asked.query, after, head.position, CHUNK))
        end = head if len(records) < CHUNK else _head_of(records[-1])
        by_number = {number: part for number, part in self._parts.items() if part in parts}
        for record in records:
            part = by_number.get(self._number(record.event))
            if part is not None and record.position > part.scanned.position:
                self._add(part, record)
        for part in parts:
            if part.scanned.position < end.position:
                part.scanned = end
        return True

    def _add(self, part: _Part, record: Record) -> None:
        one = Delivery(record, self._key(record.event), None, self._told)
        part.open.append(one)
        known = part.parked.get(record.position)
        if known is not None and known.state == LEFT_OUT:
            one.fate = Fate.DONE
        elif one.key is not None and one.key in part.held:
            one.fate, one.why = Fate.PARKED, EARLIER
        else:
            self._of[one] = part
            self._lanes.add(one)

    def _records(
        self, log: Log, query: Query, after: int, upto: int, limit: int | None = None
    ) -> Iterator[Record]:
        decode, commits = self._source.codec.decode, Commits(log)
        for record in commits.of(log.read(query, after=after, upto=upto, limit=limit)):
            found = Record(decode(record), record, commits.chunk)
            found.commit  # noqa: B018 - it is kept, also for tasks, which must not look it up
            yield found

    def _key(self, event: Any) -> str | None:
        field = self._asked.partition
        return None if field is None else str(getattr(event, field, ""))

    def _number(self, event: Any) -> int:
        return zlib.crc32((self._key(event) or "").encode()) % self._asked.partitions

    def _told(self, one: Delivery) -> None:
        """Hear of a delivery, from any thread, which may be an event loop's."""
        self._said.append(one)
        self._ring()

    def _hear(self) -> None:
        while self._said:
            one = self._said.popleft()
            part = self._of.get(one)
            if part is None:
                continue
            behind = self._lanes.told(one)
            if one.fate is Fate.PARKED and one.key is not None:
                part.held.add(one.key)
            for each in (one, *behind):
                if each.fate is not Fate.OPEN:
                    self._of.pop(each, None)

    def _keep_all(self) -> None:
        self._kept = time.monotonic()
        self._hear()
        for part in list(self._parts.values()):
            self._keep(part)

    def _keep(self, part: _Part) -> None:
        """Keep what is over of a partition: all up to the first delivery that is not."""
        over = []
        for one in part.open:
            if one.fate is Fate.OPEN:
                break
            over.append(one)
        again = [one for one in part.again if one.fate is not Fate.OPEN]
        steps: list[Step] = [
            _parking(part, one) for one in (*over, *again) if one.fate is Fate.PARKED or one.old
        ]
        why = FULL if len(self._lanes) >= BUFFER else ""
        at, end = part.keep.at, _head_of(over[-1].record) if over else None
        if len(over) == len(part.open) and part.scanned.position - at.position >= FAR:
            end = part.scanned
        if end is None and not again and (at.state != RUNNING or at.why == why):
            return
        new = at if end is None else part.keep.moved(end.position, end.hash)
        if at.state == RUNNING:
            new = replace(new, why=why)
        try:
            part.keep.write(new, *steps, lease=self._asked.lease)
        except ChangedError:
            return  # somebody paused it, or the like: kept with the next ones
        except TakenError:
            self._forget(next(number for number, each in self._parts.items() if each is part))
            return
        for _ in over:
            part.open.popleft()
        if again:
            part.again = [one for one in part.again if one.fate is Fate.OPEN]
        if steps:
            part.learn()
            part.held |= {one.key for one in part.open if one.fate is Fate.PARKED and one.key}

    def hold(self) -> None:
        """Keep the leases, though nobody takes."""
        with self._lock:
            self._hold()

    def _hold(self) -> None:
        for number, part in list(self._parts.items()):
            try:
                part.keep.hold(self._asked.lease)
            except ChangedError:
                continue
            except TakenError:
                self._forget(number)

    def close(self) -> None:
        """Keep what is over, and let others have the partitions at once. The rest is given again, to them.

        If the store cannot be written now, the leases end by themselves, and more is given again.
        """
        self._closed.set()
        with self._lock, suppress(StoreError):
            self._keep_all()
            self._release_all()
            self._shares.leave()
        if self._thread is not None:
            self._thread.join()

    def _release_all(self) -> None:
        for number, part in list(self._parts.items()):
            self._forget(number)
            part.keep.release()


def _hold_leases(consumer: weakref.ref[Consumer], closed: threading.Event, pause: float) -> None:
    """Hold leases in a thread of their own, until the consumer is closed or gone."""
    while not closed.wait(pause):
        one = consumer()
        if one is None:
            return
        try:
            one.hold()
        except (StoreClosed, StoreRefused):
            return
        except StoreError:
            continue  # the next `take` raises it
        finally:
            del one


def _parking(part: _Part, one: Delivery) -> Step:
    return part.keep.parking(one.parked() if one.fate is Fate.PARKED else None, one.old)


def _head_of(record: Record) -> Head:
    return Head(record.position, record.commit.hash, record.commit.time)
