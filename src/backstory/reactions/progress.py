"""The progress of one reaction: each event of main is delivered, parked or passed, in the order of the log.

The checkpoint moves with each event, so it is the end of what is over, without a gap. Functions may begin at later
events meanwhile; what they give is written where the turn of their event comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from msgspec.structs import replace

from backstory.errors import Refused
from backstory.projections.applying import FailedError, told
from backstory.projections.catalog import EARLIER, KEPT_BACK, LEFT_OUT, STOPPED, Parked
from backstory.projections.feed import FAR
from backstory.projections.rounds import FIRST_PAUSE, LONGEST_PAUSE
from backstory.projections.source import Source
from backstory.reactions.ahead import Ahead, opened
from backstory.reactions.declare import Reacting
from backstory.reactions.keep import ChangedError, Checkpoint
from backstory.reactions.lease import Lease
from backstory.reactions.parked import ParkedEvents
from backstory.reactions.tries import Tries
from backstory.store import Record
from backstory.unit import Step, Written
from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent

BROKEN_OFF = "a try did not end, and it is tried at most once"


class Progress:
    """The fate of each event, for the owner of the lease. `most` functions are at work at once."""

    def __init__(self, reacting: Reacting, source: Source, lease: Lease, tries: Tries, most: int) -> None:
        self.parked = ParkedEvents(lease)
        self._reacting = reacting
        self._policy = reacting.policy
        self._source = source
        self._lease = lease
        self._keep = lease.keep
        self._tries = tries
        self._most = most
        self._ahead = Ahead(source, reacting.types)

    @property
    def has_events(self) -> bool:
        """Whether events were read that are not over."""
        return bool(self._ahead.events)

    @property
    def is_ready(self) -> bool:
        """Whether `next` would not wait for a function that works in a thread of its own."""
        return self._tries.is_over(self._ahead.events[0].position)

    def forget(self) -> None:
        """Forget what was read and has begun: somebody else goes on."""
        self._ahead.events.clear()
        self._tries.clear()
        self.parked.forget()

    def look_ahead(self) -> bool:
        """Read on, and let functions begin; whether there is an event that comes next."""
        if len(self._ahead.events) < self._most:
            self._ahead.read(self._keep.at.position)
            self._tries.saw(self._ahead.end)
        if self._most > 1:
            self._begin_several()
        return self.has_events

    def _begin_several(self) -> None:
        """Let functions begin at the next events, until one has the key of another that is not over."""
        keys: set[str] = set()
        for stored in islice(self._ahead.events, self._most):
            position = stored.position
            begun = self._tries.record(position)
            try:
                record = begun or opened(stored, self._source.codec, self._ahead.find)
            except FailedError:
                return
            key = self._key(record) if self._reacting.concerns(record.event) else None
            if key in keys:
                return
            if key is None or self.parked.holds(key) or position in self.parked:
                self._tries.note(position)
                continue
            keys.add(key)
            if begun is None:
                tries = self._keep.at.tries if stored is self._ahead.events[0] else 0
                self._tries.begin(record, tries + 1)

    def _opened(self, stored: RecordedEvent, find: Callable[[int], Commit]) -> Record | None:
        """The event as an object. None if the code at hand cannot read it: then the reaction is stopped."""
        try:
            return opened(stored, self._source.codec, find)
        except FailedError as failed:
            why = f"#{stored.position} {stored.type}: {failed.why}"
            self._lease.write(replace(self._keep.at, state=STOPPED, why=why))
            return None

    def _key(self, record: Record) -> str:
        return self._reacting.key_of(record.event) or f"#{record.position}"

    def next(self) -> float:
        """Deliver, park or pass the next event; seconds after which it is to be tried again, or 0."""
        stored = self._ahead.events[0]
        if stored.position in self.parked:
            self._lease.write(self._after(stored))
        elif (record := self._opened(stored, self._ahead.find)) is None:
            return 0.0
        elif not self._reacting.concerns(record.event):
            self._pass(stored)
        elif self.parked.holds(key := self._key(record)):
            self._park(stored, key, EARLIER)
        elif self._policy.at_most_once and self._was_tried(stored):
            self._park(stored, key, BROKEN_OFF, LEFT_OUT, tries=1)
        else:
            return self._deliver(record, key)
        self._over()
        return 0.0

    def _after(self, stored: RecordedEvent) -> Checkpoint:
        """The checkpoint after an event."""
        return self._keep.moved(stored.position, self._ahead.find(stored.commit).hash)

    def _over(self) -> None:
        self._tries.forget(self._ahead.events.popleft().position)

    def _pass(self, stored: RecordedEvent) -> None:
        """Pass an event that is for others; written down now and then."""
        if stored.position - self._keep.at.position >= FAR or len(self._ahead.events) == 1:
            self._lease.write(self._after(stored))

    def _park(
        self, stored: RecordedEvent, key: str, why: str, state: str = KEPT_BACK, *, tries: int = 0
    ) -> None:
        self.parked.park(Parked(stored.position, key, why, state, tries), self._after(stored))

    def _was_tried(self, stored: RecordedEvent) -> bool:
        """Whether a try of this event began and did not end; else that one begins is written down now."""
        at = self._keep.at
        if at.trying == stored.position:
            return stored.position not in self._tries
        self._lease.write(replace(at, trying=stored.position))
        return False

    def _deliver(self, record: Record, key: str) -> float:
        def write(steps: Sequence[Step], refused: int) -> Written:
            return self._lease.write(self._keep.moved(record.position, record.commit.hash, refused), *steps)

        policy, tries = self._policy, self._keep.at.tries + 1
        error = self._tries.run(record, tries, write)
        if error is not None:
            why = told(error, self._reacting.types)
            once = policy.at_most_once or (isinstance(error, Refused) and policy.on_refused == "park")
            if tries < policy.retries and not once:
                self._lease.write(replace(self._keep.at, tries=tries, why=f"#{record.position}: {why}"))
                return min(FIRST_PAUSE * 2.0 ** (tries - 1), LONGEST_PAUSE)
            self._park(record.stored, key, why, tries=tries)
        self._over()
        return 0.0

    def again(self, parked: Parked) -> None:
        """Try a parked event again that somebody wants to be tried: the first one of these."""
        [stored] = self._source.log().read(after=parked.position - 1, upto=parked.position)
        record = self._opened(stored, self._source.finder(()))
        if record is None:
            return
        error = self._tries.run(record, parked.tries + 1, self.parked.write_first)
        if error is not None:
            self.parked.keep_first(told(error, self._reacting.types))

    def pass_the_rest(self) -> None:
        """At the end of the log: move the checkpoint there if that is far, though no event of these types came."""
        end = self._ahead.end
        if end.position - self._keep.at.position >= FAR:
            self._lease.write(self._keep.moved(end.position, end.hash))

    def finish(self) -> float:
        """Write what functions gave that have begun, in order, until one fails; seconds as those of `next`."""
        events = self._ahead.events
        while events and (first := events[0]).position in self._tries:
            try:
                pause = self.next()
            except ChangedError:
                continue  # somebody paused it, or the like
            if events and events[0] is first:
                return pause
        return 0.0
