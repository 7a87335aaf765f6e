"""One reaction that is run here, a step at a time, for as long as its lease is held."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backstory.decide.context import context
from backstory.errors import BackstoryError, Conflict, NotReacting, StoreClosed, StoreError
from backstory.forks import on_fork
from backstory.lookup import commit_at
from backstory.projections.catalog import DIVERGED, RUNNING
from backstory.projections.rounds import LOOK, Pauses
from backstory.projections.source import Source
from backstory.reactions.deadlines import Deadlines
from backstory.reactions.declare import Reacting
from backstory.reactions.delivery import Deliverer, Prepared
from backstory.reactions.keep import ChangedError, Keep, TakenError
from backstory.reactions.lease import Lease
from backstory.reactions.process import ProcessType
from backstory.reactions.progress import Progress
from backstory.reactions.tries import Tries
from backstory.store import Held, Record, Store
from backstory.values.codec import PLAIN
from backstory.values.commit import NO_HASH, ORIGIN

if TYPE_CHECKING:
    from backstory.decide.call import Command
    from backstory.handle import Handle


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
        self.lease = Lease(self.keep, owner, lease)
        self.due = 0.0
        self.error: Exception | None = None
        self._source = source
        most = reacting.policy.concurrency if concurrency is None else concurrency
        self._deliverer = Deliverer(reacting, handle, most, ring)
        self._progress = Progress(
            reacting, source, self.lease, Tries(self._deliverer, self.lease, reacting.policy), most
        )
        self._clock = clock
        self._deadlines = Deadlines(reacting) if isinstance(reacting, ProcessType) else None
        self._at_end = False
        self._pauses = Pauses()
        on_fork(child=self._begin_in_child)

    def _begin_in_child(self) -> None:
        """Begin anew in a child: all that its parent has read and begun stays the parent's."""
        self._progress.forget()

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
            self.lease.is_held = self._at_end = False
            self._progress.forget()
            self.due = now + self.lease.third
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

    def _turn(self, now: float) -> bool:
        if not self.lease.is_held and not self._take(now):
            return False
        self.lease.hold()
        progress = self._progress
        if self.keep.at.state != RUNNING or not progress.has_events:
            self.lease.look()
        if self.keep.at.state != RUNNING:
            self.due = now + LOOK
            return False
        progress.parked.learn()
        if (parked := progress.parked.first_again) is not None:
            progress.again(parked)
            return True
        if not progress.look_ahead():
            return self._at_the_end(now)
        self._at_end = False
        if not progress.is_ready:
            return False
        self.due = time.monotonic() + progress.next()
        return True

    def _take(self, now: float) -> bool:
        """Take the lease, and see whether main still has the commit of the checkpoint."""
        self._at_end = False
        if not self.lease.take():
            self.due = now + self.lease.third
            return False
        at, log = self.keep.at, self._source.log()
        found = NO_HASH
        if 0 < at.position <= log.head().position:
            found = commit_at(log, at.position).hash
        if found.hex() != at.hash:
            why = f"the log has no commit {at.hash[:10]} at #{at.position}: it is another history, as after a restore"
            self.keep.write(replace(at, state=DIVERGED, why=why))
        return True

    def _at_the_end(self, now: float) -> bool:
        self._progress.pass_the_rest()
        if self._deadlines is not None:
            self._deadlines.follow(self._source)
            if due := self._deadlines.due(self._clock()):
                self._deliverer.execute(
                    [self._came_due(command, id, position) for command, id, position in due],
                    lambda steps, _: self.keep.write(self.keep.at, *steps),
                )
                return True
            self.due = now + min(LOOK, self.seconds_left())
        self._at_end = True
        return False

    def _came_due(self, command: Command, id: str, position: int) -> Prepared:
        """The command that says so, caused by the commit that set the deadline."""
        log = self._source.log()
        [stored] = log.read(after=position - 1, upto=position)
        with context(because=Record(PLAIN.decode(stored), stored, Held(commit_at(log, position)))):
            return self._deliverer.prepared(command, id)

    def release(self) -> None:
        """Write what functions gave that have begun, and let somebody else run it."""
        self.due = 0.0
        with self.lease.turn():
            if self.lease.is_held:
                with suppress(BackstoryError):
                    self.due = time.monotonic() + self._progress.finish()
                self.lease.release()
            self._progress.forget()
        self._deliverer.close()
