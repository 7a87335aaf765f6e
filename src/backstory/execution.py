"""Executing a command: load what it reads, let it decide, append on that condition, and do it again on a conflict."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec

from backstory.codec import Codec
from backstory.commands import Command
from backstory.commit import NO_HASH, Commit, Draft, Head, chained, recorded
from backstory.drafting import Drafting
from backstory.errors import Conflict
from backstory.forks import on_fork
from backstory.loading import Loader, Reads
from backstory.query import Condition, Query
from backstory.record import Encoded
from backstory.state import State, state_type
from backstory.store import Verdict

RETRIES = 20
"""How often a command is decided again before its conflict is raised."""

LONGEST_PAUSE = 0.05
"""Seconds: the longest pause before another try. Pauses are random, and twice as long each time."""

LANES = 64
COOLING = 32


class Decision(msgspec.Struct, frozen=True):
    """What a command decided: its events, and the position of the states that it read.

    `condition` is what must still hold when it is appended; None where the command read nothing.
    """

    events: list[Any]
    position: int
    condition: Condition | None


class Preview(msgspec.Struct, frozen=True):
    """What a command would do now: its events, and each state before and after, by parameter. Nothing was appended."""

    events: list[Any]
    before: dict[str, State]
    after: dict[str, State]


NOBODY_WAITS = nullcontext()


class Lanes:
    """Locks for boundaries that turned out to be hot in this process.

    Many threads that decide on one entity would all load, decide, and lose to one of them, again and again. So a
    conflict makes its boundary hot, and while it is, its commands go one after the other. Others never wait.
    """

    def __init__(self) -> None:
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._locks = [threading.Lock() for _ in range(LANES)]
        self._heat = [0] * LANES

    def turn(self, query: Query) -> AbstractContextManager[object]:
        """What `with` waits for: this boundary's turn, if it is hot."""
        lane = hash(query) % LANES
        if not self._heat[lane]:
            return NOBODY_WAITS
        lock = self._locks[lane]
        if not lock.locked():
            self._heat[lane] = max(self._heat[lane] - 1, 0)  # it cools while nobody has to wait
        return lock  # itself: Ctrl-C cannot come between its being taken and the block

    def hot(self, query: Query) -> bool:
        """Whether commands on this boundary go one after the other now."""
        return self._heat[hash(query) % LANES] > 0

    def conflict(self, query: Query) -> None:
        """Note that a command on this boundary came too late."""
        self._heat[hash(query) % LANES] = COOLING


class Attempt(msgspec.Struct, frozen=True):
    """What a command decided, drafted and not yet in the log, with the states that it read."""

    reads: Reads
    decision: Decision
    events: list[Encoded]
    draft: Draft


Append = Callable[[Draft], Verdict]
"""Offers a draft to the log: it says for which branch, too."""


class Executor:
    """Executes commands on one log. `chance` and `sleep` are passed in, so that a test can do without either."""

    def __init__(
        self,
        loader: Loader,
        codec: Codec,
        *,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._loader = loader
        self._codec = codec
        self._lanes = Lanes()
        self._chance = chance
        self._sleep = sleep

    def decide(self, command: Command, reads: Reads) -> Decision:
        """Load and decide, and append nothing. Raises `Refused`, and whatever the command raises."""
        states, position = self._loader.load_all(reads)
        events = command.decide(dict(zip(command.states, states, strict=True)))
        condition = Condition(reads.boundary, position) if reads.states else None
        return Decision(events, position, condition)

    def execute(
        self, command: Command, reads: Reads, drafting: Drafting, append: Append, retries: int = RETRIES
    ) -> Commit | None:
        """Decide and append, at most `retries` times again after a conflict.

        Returns the commit, None where the command decided that nothing is to happen. Raises `Refused`, `Conflict`, and
        whatever the command raises.
        """
        boundary, tries = reads.boundary, 0
        while True:
            with self._lanes.turn(boundary):
                attempt = self.attempt(command, reads, drafting)
                if attempt is None:
                    return None
                verdict = append(attempt.draft)
                if isinstance(verdict, tuple):
                    return self.settle(attempt, verdict)
            if not isinstance(verdict, Conflict) or tries >= retries:
                raise verdict
            self._lanes.conflict(boundary)
            self._sleep(self._chance() * min(0.001 * 2 ** min(tries, 16), LONGEST_PAUSE))
            tries += 1

    def attempt(self, command: Command, reads: Reads, drafting: Drafting) -> Attempt | None:
        """The first half of an execution, for who appends the drafts of many together and then settles each.

        None where nothing is to happen. Raises what `decide` raises, and what `drafting` does.
        """
        decision = self.decide(command, reads)
        if not decision.events:
            return None
        encode = self._codec.encode
        events = [encode(event) for event in decision.events]
        return Attempt(reads, decision, events, drafting(events, decision.condition))

    def settle(self, attempt: Attempt, verdict: tuple[Commit, ...]) -> Commit:
        """The second half: the attempt is in the log, as this commit."""
        [commit] = verdict
        # It may be another's with this id, who had read something else.
        if commit.condition == attempt.decision.condition:
            self._loader.advance(attempt.reads, attempt.decision.position, recorded(attempt.events, commit))
        return commit

    def contended(self, reads: Reads) -> bool:
        """Whether others in this process decide on the same just now, so that an attempt would come too late."""
        return self._lanes.hot(reads.boundary)

    def preview(self, command: Command, drafting: Drafting) -> Preview:
        """What the command would do now. Raises what `decide` raises, and what `drafting` does."""
        decision = self.decide(command, Reads(command.states.values()))
        position = decision.position
        before = {name: self._loader.load(state, position) for name, state in command.states.items()}
        after = {name: state_type(type(state)).copy(state) for name, state in before.items()}
        if decision.events:
            events = [self._codec.encode(event) for event in decision.events]
            draft = drafting(events, decision.condition)
            commit = chained(draft, Head(position, NO_HASH, draft.time))
            records = recorded(events, commit)
            for state in after.values():
                state_type(type(state)).fold(
                    state, filter(state.query().matches, records), self._would_be(commit)
                )
        return Preview(decision.events, before, after)

    def _would_be(self, commit: Commit) -> Callable[[int], Commit]:
        """Finds commits, and this one too, which is not in the log."""
        return lambda position: commit if position == commit.position else self._loader.commit_at(position)
