"""One reaction that is run here, event by event, for as long as its lease is held."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from backstory.errors import (
    BackstoryError,
    Conflict,
    NotReacting,
    Refused,
    StoreClosed,
    StoreError,
    StoreRefused,
)
from backstory.forks import on_fork
from backstory.lookup import commit_at
from backstory.projections.applying import FailedError, decoded, told
from backstory.projections.catalog import DIVERGED, KEPT_BACK, LEFT_OUT, RUNNING, STOPPED, Parked
from backstory.projections.feed import FAR
from backstory.projections.rounds import FIRST_PAUSE, LONGEST_PAUSE, LOOK, Pauses
from backstory.projections.source import Source
from backstory.reactions.calls import Call
from backstory.reactions.deadlines import OWN, Deadlines
from backstory.reactions.declare import Reacting
from backstory.reactions.delivery import Deliverer, Prepared
from backstory.reactions.keep import AGAIN, ChangedError, Checkpoint, Keep, TakenError, keys_held
from backstory.reactions.lease import Lease
from backstory.reactions.process import ProcessType
from backstory.store import Record, Store
from backstory.unit import Step, Written
from backstory.values.commit import NO_HASH, ORIGIN, Commit
from backstory.values.event_data import RecordedEvent

if TYPE_CHECKING:
    from backstory.handle import Handle

AHEAD = 200
"""Events that are read at a time."""

EARLIER = "an earlier event of the same key"
BROKEN_OFF = "a try did not end, and it is tried at most once"

_replace = msgspec.structs.replace

Write = Callable[[Sequence[Step], int], Written]
"""Writes steps with a checkpoint; the number of commands that were refused goes there, too."""


class Post:
    """A reaction that is run here, or by somebody else; see `projections.rounds.Post`."""

    def __init__(
        self,
        reacting: Reacting,
        store: Store,
        source: Source,
        handle: Handle,
        clock: Callable[[], datetime],
        *,
        owner: str,
        lease: float,
        concurrency: int | None = None,
        ring: Callable[[], object] = int,
    ) -> None:
        self.reacting = reacting
        self.keep = Keep(store, reacting.name)
        self.due = 0.0
        self.error: Exception | None = None
        self._source = source
        self._most = reacting.policy.concurrency if concurrency is None else concurrency
        self._deliverer = Deliverer(reacting, handle, self._most, ring)
        self._clock = clock
        self.lease = Lease(self.keep, owner, lease)
        self._deadlines = Deadlines(reacting) if isinstance(reacting, ProcessType) else None
        self._at_end = False
        self._pauses = Pauses()
        self._events: deque[RecordedEvent] = deque()
        self._end = ORIGIN
        self._find: Callable[[int], Commit] = source.finder(())
        self._parked: dict[int, Parked] = {}
        self._keys: set[str] = set()  # whose events wait
        self._waiting: deque[Parked] = deque()  # that are to be tried again
        self._changes = -1
        self._calls: dict[int, Call[list[Prepared]] | None] = {}  # None where no function has to run
        on_fork(child=self._begin_in_child)

    def _begin_in_child(self) -> None:
        """What the parent has read and begun is its own."""
        self._events.clear()
        self._calls.clear()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do here; see `projections.rounds.Post`."""
        if self.error is not None:
            return False
        return not self.lease.is_held or self._at_end or self.keep.at.state != RUNNING

    def begin(self) -> None:
        """Let it begin now, or at the first event, if it has never run."""
        self.keep.begin(self._source.head() if self.reacting.policy.since == "now" else ORIGIN)

    def seconds_left(self) -> float:
        """Seconds until the next deadline is due; infinite, if there is none."""
        return float("inf") if self._deadlines is None else self._deadlines.seconds_left(self._clock())

    def turn(self) -> bool:
        """Take one step; whether there is more to do at once. Raises `StoreClosed`."""
        now = time.monotonic()
        if now < self.due:
            return False
        try:
            with self.lease.turn():
                moved = self._turn(now)
        except (StoreClosed, NotReacting):
            raise
        except TakenError:
            self._lose(now)
        except ChangedError:
            return True
        except (StoreError, Conflict) as error:
            self.error = error
            self.due = now + self._pauses.after_error()
        else:
            self.error = None
            self._pauses.reset()
            return moved
        return False

    def _lose(self, now: float) -> None:
        self.lease.is_held = self._at_end = False
        self._events.clear()
        self._calls.clear()
        self.due = now + self.lease.third

    def _turn(self, now: float) -> bool:
        if not self.lease.is_held and not self._take(now):
            return False
        self.lease.hold()
        if self.keep.at.state != RUNNING or not self._events:
            self.lease.look()
        if self.keep.at.state != RUNNING:
            self.due = now + LOOK
            return False
        if self.keep.at.changes != self._changes:
            self._know(self.keep.parked())
        if self._waiting:
            self._again(self._waiting[0])
            return True
        if len(self._events) < self._most:
            self._read()
        if self._events:
            self._at_end = False
            if self._most > 1:
                self._begin_several()
            first = self._calls.get(self._events[0].position)
            if first is None or first.is_over():
                self._next(self._events[0])
                return True
            return False
        return self._at_the_end(now)

    def _know(self, parked: dict[int, Parked]) -> None:
        """Know the events that are parked now."""
        self._parked, self._changes = parked, self.keep.at.changes
        self._keys = keys_held(parked)
        self._waiting = deque(each for each in parked.values() if each.state == AGAIN)

    def _take(self, now: float) -> bool:
        self._at_end = False
        if not self.lease.take():
            self.due = now + self.lease.third
            return False
        self._changes = -1
        at, log = self.keep.at, self._source.log()
        head = log.head()
        found = NO_HASH
        if 0 < at.position <= head.position:
            found = commit_at(log, at.position).hash
        if found.hex() != at.hash:
            why = f"the log has no commit {at.hash[:10]} at #{at.position}: it is another history, as after a restore"
            self.keep.write(_replace(at, state=DIVERGED, why=why))
        return True

    def _read(self) -> None:
        """Read the next events."""
        after = self._events[-1].position if self._events else self.keep.at.position
        stretch = self._source.after(after, self.reacting.types, AHEAD)
        self._events.extend(stretch.records)
        self._end = stretch.end
        self._find = self._source.finder(stretch.records)

    def _at_the_end(self, now: float) -> bool:
        at = self.keep.at
        if self._end.position - at.position >= FAR:
            self.lease.write(self.keep.moved(self._end.position, self._end.hash))
        if self._deadlines is not None:
            self._deadlines.follow(self._source)
            if due := self._deadlines.due(self._clock()):
                self._deliverer.execute(
                    [self._deliverer.prepared(command, id) for command, id in due],
                    lambda steps, _: self.keep.write(self.keep.at, *steps),
                )
                return True
            self.due = now + min(LOOK, self.seconds_left())
        self._at_end = True
        return False

    def _next(self, stored: RecordedEvent) -> None:
        """Deliver the next event, or park it."""
        if stored.position in self._parked:
            self.lease.write(self._after(stored))
        elif (record := self._opened(stored)) is None:
            return
        elif not self.reacting.concerns(record.event):
            self._skip(stored)
        elif (key := self._key(record)) in self._keys:
            self._park(stored, Parked(stored.position, key, EARLIER, KEPT_BACK, 0))
        elif self.reacting.policy.at_most_once and self._was_tried(stored):
            self._park(stored, Parked(stored.position, key, BROKEN_OFF, LEFT_OUT, 1))
        else:
            self._deliver(record, key)
            return
        self._passed()

    def _begin_several(self) -> None:
        """Let functions begin at the next events, until one has the key of another that is not over."""
        keys: set[str] = set()
        for stored in islice(self._events, self._most):
            call = self._calls.get(stored.position)
            record = self._opened(stored, stops=False) if call is None else call.record
            if record is None:
                return
            key = self._key(record) if self.reacting.concerns(record.event) else None
            if key in keys:
                return
            if key is None or key in self._keys or stored.position in self._parked:
                self._calls[stored.position] = None
                continue
            keys.add(key)
            if call is None:
                tries = self.keep.at.tries if stored is self._events[0] else 0
                self._calls[stored.position] = self._call(record, tries + 1)

    def _call(self, record: Record, attempt: int) -> Call[list[Prepared]] | None:
        """The function at an event; None if it cannot begin, which is told in its turn."""
        with suppress(Exception):
            return self._deliverer.begin(record, attempt)
        return None

    def _after(self, stored: RecordedEvent) -> Checkpoint:
        """The checkpoint after an event."""
        return self.keep.moved(stored.position, self._find(stored.commit).hash)

    def _passed(self) -> None:
        self._calls.pop(self._events.popleft().position, None)

    def _skip(self, stored: RecordedEvent) -> None:
        """Pass an event that is for others; written down now and then."""
        if stored.position - self.keep.at.position >= FAR or len(self._events) == 1:
            self.lease.write(self._after(stored))

    def _opened(self, stored: RecordedEvent, *, stops: bool = True) -> Record | None:
        """The event as an object; None if the code at hand cannot read it, which `stops` the reaction."""
        if stored.type in OWN:  # with any classes in the codec
            return Record(OWN[stored.type].read(stored), stored, self._find)
        try:
            [(_, event)] = decoded([stored], self._source.codec)
        except FailedError as failed:
            if stops:
                why = f"#{stored.position} {stored.type}: {failed.why}"
                self.lease.write(_replace(self.keep.at, state=STOPPED, why=why))
            return None
        return Record(event, stored, self._find)

    def _key(self, record: Record) -> str:
        return self.reacting.key_of(record.event) or f"#{record.position}"

    def _was_tried(self, stored: RecordedEvent) -> bool:
        """Whether a try of this event began and did not end; else that one begins is written down now."""
        at = self.keep.at
        if at.trying == stored.position:
            return stored.position not in self._calls
        self.lease.write(_replace(at, trying=stored.position))
        return False

    def _deliver(self, record: Record, key: str) -> None:
        policy, tries = self.reacting.policy, self.keep.at.tries + 1
        error = self._try(record, tries, partial(self._passing, record))
        if error is None:
            self._passed()
            return
        why = told(error, self.reacting.types)
        once = policy.at_most_once or (isinstance(error, Refused) and policy.on_refused == "park")
        if tries < policy.retries and not once:
            self.lease.write(_replace(self.keep.at, tries=tries, why=f"#{record.position}: {why}"))
            self.due = time.monotonic() + min(FIRST_PAUSE * 2.0 ** (tries - 1), LONGEST_PAUSE)
            return
        self._park(record.stored, Parked(record.position, key, why, KEPT_BACK, tries))
        self._passed()

    def _passing(self, record: Record, steps: Sequence[Step], refused: int) -> Written:
        return self.lease.write(self.keep.moved(record.position, record.commit.hash, refused), *steps)

    def _try(self, record: Record, attempt: int, write: Write) -> Exception | None:
        """Run the code, unless it has run, and execute what it gave; return the error that is its own.

        Raises the errors that are not its own: then only what it gave is written again.
        """
        call = self._calls.pop(record.position, None)
        try:
            call = call or self._deliverer.begin(record, attempt)
            with self.lease.lent():
                prepared = call.result()
        except Exception as error:  # noqa: BLE001 - it is told where it is parked
            return error
        try:
            self._deliverer.execute(prepared, write, parks=self.reacting.policy.on_refused == "park")
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

    def _park(self, stored: RecordedEvent, parked: Parked) -> None:
        self.lease.write(self._after(stored), self.keep.parking(parked))
        self._parked[parked.position] = parked
        if parked.state == KEPT_BACK:
            self._keys.add(parked.key)

    def _again(self, parked: Parked) -> None:
        """Try a parked event again, in its turn."""
        [stored] = self._source.log().read(after=parked.position - 1, upto=parked.position)
        self._find = self._source.finder(())
        if (record := self._opened(stored)) is None:
            return
        error = self._try(record, parked.tries + 1, partial(self._taking_out, parked))
        if error is None:
            del self._parked[parked.position]
            self._waiting.popleft()
            if not self._waiting:
                self._know(self._parked)
        else:
            self._stay(parked, told(error, self.reacting.types))

    def _taking_out(self, parked: Parked, steps: Sequence[Step], refused: int) -> Written:
        at = _replace(self.keep.at, refused=self.keep.at.refused + refused)
        return self.lease.write(at, *steps, self.keep.parking(None, parked))

    def _stay(self, failed: Parked, why: str) -> None:
        """Park an event as before, and all that wait for it."""
        old = [each for each in self._parked.values() if each.key == failed.key and each.state == AGAIN]
        new = {each.position: _replace(each, state=KEPT_BACK) for each in old}
        new[failed.position] = _replace(failed, state=KEPT_BACK, why=why, tries=failed.tries + 1)
        self.lease.write(self.keep.at, *(self.keep.parking(new[each.position], each) for each in old))
        self._know(self._parked | new)

    def release(self) -> None:
        """Let somebody else run it."""
        self.due = 0.0
        with self.lease.turn():
            if self.lease.is_held:
                with suppress(BackstoryError):
                    self._finish()
                self.lease.release()
            self._calls.clear()
        self._deliverer.close()

    def _finish(self) -> None:
        """Write what functions gave that have begun, in order, until one fails."""
        while self._events and (first := self._events[0]).position in self._calls:
            try:
                self._next(first)
            except ChangedError:
                continue  # somebody paused it, or the like
            if self._events and self._events[0] is first:
                return
