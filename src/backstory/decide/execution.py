"""Executing a command: load its states, let it decide, append on that condition, and do it again on a conflict.

At first a command is decided where this process left the log, without a look at the log's end: events that others have
appended since are found when the condition is judged. A refusal, an error or a decision to do nothing is not judged so,
and counts only if the log still ends there.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic

import msgspec

from backstory.decide.cache import Memory
from backstory.decide.call import Command
from backstory.decide.drafting import Drafting, appended
from backstory.decide.gathering import key_of
from backstory.decide.loading import Loader, Reads
from backstory.decide.mistaken import need_untouched
from backstory.decide.state import State, state_type
from backstory.errors import Conflict, HistoryMoved
from backstory.forks import on_fork
from backstory.store import E, Held, Verdict
from backstory.values.codec import Codec
from backstory.values.commit import NO_HASH, Commit, Draft, Head, chained, recorded
from backstory.values.event_data import EventData
from backstory.values.query import Condition, Query, union

ATTEMPTS = 20
"""How often a command is decided before its conflict is raised."""

LONGEST_PAUSE = 0.05
"""Seconds: the longest pause before another try. Pauses are random, and twice as long each time."""

SHOWN = 10
"""The number of events that a `Conflict` names at most."""

LANES = 64
COOLING = 32


class Decision(msgspec.Struct, frozen=True):
    """A decision of a command: its events, and all states that it read, at their position; nobody may change these.

    `condition` must still hold when it is appended; None if the command read nothing. `memory` is the one that the
    states were loaded with.
    """

    events: list[Any]
    reads: Reads
    position: int
    condition: Condition | None
    states: list[State]
    memory: Memory


class Preview(msgspec.Struct, Generic[E], frozen=True):
    """A decision that a command would make now: its events, and its states before and after, by parameter.

    A parameter has one state, None, or a list, as the function gets it.
    """

    events: list[E]
    before: dict[str, Any]
    after: dict[str, Any]


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
        """A lock for `with`: the turn of this boundary, if it is hot."""
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
    """A decision of a command, drafted and not yet in the log."""

    decision: Decision
    events: list[EventData]
    draft: Draft


Append = Callable[[Draft, Head | None], Verdict]
"""Offers a draft to the log: it says for which branch, and that the log must have this point, too. The verdict is
`HistoryMoved` if values were withheld since that point was noted: the states of the decision may have them."""


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

    def decide(
        self, command: Command, reads: Reads, left: Head | None = None, seen: Condition | None = None
    ) -> Decision:
        """Load and decide, and append nothing. Raises `Refused`, and any error of the command.

        `reads` are the states that the command was given. `seen` is what has to hold of the past, too: it is checked
        up to the position that is decided on, which is past and fixed; the condition of the decision covers the rest.
        Raises `Conflict` if it does not hold.
        """
        if command.kind.is_plain:
            states, position, memory = self._loader.load_with_memory(reads, left)
            # A command may change what it is given, so it gets copies.
            arguments: dict[str, Any] = {
                name: state_type(type(state)).copy(state)
                for name, state in zip(command.states, states, strict=True)
            }
        else:
            arguments, reads, states, position, memory = self._gathered(command, reads, left)
        if seen is not None:
            self._need(seen, position)
        events = command.decide(arguments)
        if not events:
            need_untouched(command, arguments, states)
        return Decision(events, reads, position, _condition(reads, position, seen), states, memory)

    def _need(self, seen: Condition, position: int) -> None:
        """Raise `Conflict` if events up to a position break a condition."""
        between = self._loader.log.read(seen.query, after=seen.after, upto=position, limit=SHOWN)
        if events := tuple(between):
            raise Conflict(0, seen, events)

    def _gathered(
        self, command: Command, reads: Reads, left: Head | None
    ) -> tuple[dict[str, Any], Reads, list[State], int, Memory]:
        """All that the function gets, all that was read for it, and the position and the memory of all stages."""
        position: int | None = None
        memory = self._loader.memory
        read: list[State] = []

        def load(references: list[State]) -> list[State]:
            nonlocal reads, position, memory
            if position is None:
                states, position, memory = self._loader.load_with_memory(reads, left)
            else:
                more = Reads(references)
                reads += more
                states = self._loader.load_more(more, position)
            read.extend(states)
            return states

        arguments = command.gathered(load)
        assert position is not None
        return arguments, reads, read, position, memory

    def execute(
        self,
        command: Command,
        reads: Reads,
        drafting: Drafting,
        append: Append,
        attempts: int = ATTEMPTS,
        *,
        guess: bool = False,
        seen: Condition | None = None,
    ) -> Commit | None:
        """Decide and append, at most `attempts` times. `seen` is what has to hold, too; see `decide`.

        `guess`: at first it is decided where this process left the log, and a conflict then does not count as a try.
        Returns the commit, None if the command decided to do nothing. Raises `Refused`, `Conflict`, and any error of
        the command.
        """
        boundary, tries = reads.boundary, 0
        while True:
            with self._lanes.turn(boundary):
                left = self._loader.left if guess else None  # in turn: the one before may have moved it
                guess = False
                try:
                    attempt = self.attempt(command, reads, drafting, left, seen)
                except Exception:
                    if self._ends_at(left):
                        raise
                    continue
                if attempt is None:
                    if self._ends_at(left):
                        return None
                    continue
                verdict = append(attempt.draft, left)
                if isinstance(verdict, tuple):
                    return self.settle(attempt, verdict)
            withheld = isinstance(verdict, HistoryMoved) and left is not None
            if not (withheld or isinstance(verdict, Conflict)) or (tries + 1 >= attempts and left is None):
                raise verdict
            self._lanes.conflict(boundary)
            if left is not None:
                continue
            self.pause(tries)
            tries += 1

    def pause(self, tries: int) -> None:
        """Sleep before another try, after so many that failed."""
        self._sleep(self._chance() * min(0.001 * 2 ** min(tries, 16), LONGEST_PAUSE))

    def _ends_at(self, left: Head | None) -> bool:
        """Whether the log ends where it was left, and nothing was withheld since; or somebody has looked just now."""
        if left is None:
            return True
        head = self._loader.head()
        return (left.hash, left.withheld) == (head.hash, head.withheld)

    def attempt(
        self,
        command: Command,
        reads: Reads,
        drafting: Drafting,
        left: Head | None = None,
        seen: Condition | None = None,
    ) -> Attempt | None:
        """The first half of an execution, for a caller that appends many drafts together and then settles each.

        None if the command decided to do nothing. Raises the errors of `decide` and of `drafting`.
        """
        decision = self.decide(command, reads, left, seen)
        if not decision.events:
            return None
        encode = self._codec.encode
        events = [encode(event) for event in decision.events]
        return Attempt(decision, events, drafting(events, decision.condition))

    def settle(self, attempt: Attempt, verdict: tuple[Commit, ...]) -> Commit:
        """The second half: the attempt is in the log, as this commit."""
        [commit] = verdict
        self._loader.note(commit.point)
        # It may be a commit of another caller with this id, whose decision read other events.
        decision = attempt.decision
        if commit.condition == decision.condition:
            records = recorded(attempt.events, commit)
            self._loader.advance(decision.reads, decision.states, commit, records, decision.memory)
        return appended(commit, attempt.draft)

    def contended(self, reads: Reads) -> bool:
        """Whether others in this process decide on the same boundary now, so that an attempt would come too late."""
        return self._lanes.hot(reads.boundary)

    def preview(self, command: Command, drafting: Drafting) -> Preview[Any]:
        """The decision of the command now, not appended. Raises the errors of `decide` and of `drafting`."""
        decision = self.decide(command, reads_of(command))
        position = decision.position
        filled = command.gathered(lambda stage: self._loader.load_more(Reads(stage), position))
        before = {name: filled[name] for name in command.kind.reads}
        if not decision.events:
            return Preview([], before, before)
        events = [self._codec.encode(event) for event in decision.events]
        draft = drafting(events, decision.condition)
        commit = chained(draft, Head(position, NO_HASH, draft.time))
        records = recorded(events, commit)

        def following(state: State) -> State:
            compiled = state_type(type(state))
            after: State = compiled.copy(state)
            compiled.fold(after, filter(state.query().matches, records), Held(commit))
            return after

        after = {name: one.each(before[name], following) for name, one in command.kind.reads.items()}
        return Preview(decision.events, before, after)


def _condition(reads: Reads, position: int, seen: Condition | None) -> Condition | None:
    """The condition of a decision: what it read has not changed since, nor has what its caller has seen."""
    if seen is None:
        return Condition(reads.boundary, position) if reads.states else None
    query = union([reads.boundary, seen.query])
    return Condition(query, min(position, seen.after) if query == seen.query else position)


def reads_of(command: Command) -> Reads:
    """The states that a command was given, each once where its states are read in stages."""
    if command.kind.is_plain:
        return Reads(command.states.values())
    return Reads({key_of(each): each for each in command.references}.values())
