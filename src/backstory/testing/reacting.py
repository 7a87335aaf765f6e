"""Reactions and processes in tests: they run on a store in memory, with a clock that the test moves, and no threads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, TypedDict

from backstory.database import Database
from backstory.decide.call import Command
from backstory.decide.register import definitions
from backstory.errors import Refused
from backstory.lookup import events_of
from backstory.model.elements import Decision
from backstory.projections.catalog import RUNNING
from backstory.reactions.post import Post
from backstory.reactions.process import AnyReaction, check_names, reacting
from backstory.right import take
from backstory.stores.memory import MemoryStore
from backstory.testing import wording
from backstory.testing.deciding import Refusal, stored
from backstory.testing.differences import compared
from backstory.testing.history import NO_SECRET, Committed
from backstory.testing.story import Story
from backstory.values.commit import EPOCH, ORIGIN
from backstory.values.event_data import RESERVED
from backstory.values.links import CAUSATION

if TYPE_CHECKING:
    from typing import Self, Unpack

    from backstory.decide.state import State


class Length(TypedDict, total=False):
    """A length of time, as `timedelta` takes it."""

    weeks: float
    days: float
    hours: float
    minutes: float
    seconds: float
    milliseconds: float
    microseconds: float


LEASE = 3_600.0
"""Seconds: nobody else is there."""


class Reacted:
    """The events that reactions and processes add to the given ones, to be compared.

    If one of them raises at an event, the test fails at once, at the first try.
    """

    def __init__(self, story: Story, commits: Iterable[Committed], reactions: Iterable[AnyReaction]) -> None:
        __tracebackhide__ = True
        self._story = story
        self._now = EPOCH
        ids = count(1)
        self._db = Database(
            MemoryStore(), clock=lambda: self._now, ids=lambda: f"id-{next(ids)}", secrets=lambda: NO_SECRET
        )
        take(self._db.store)
        found = list(map(reacting, reactions))
        check_names(each.name for each in found)
        for commit in commits:
            self._now = max(self._now, commit.time or self._now)
            self._db.append(
                *commit.events,
                author=commit.author,
                message=commit.message,
                metadata=dict(commit.metadata),
                at=commit.time,
            )
        source = self._db.views.source
        self._posts = [
            Post(
                each,
                self._db.store,
                source,
                self._db.main,
                lambda: self._now,
                owner="test",
                lease=LEASE,
                concurrency=1,
            )
            for each in found
        ]
        for post in self._posts:
            post.keep.begin(ORIGIN)
        story.facts.runs.extend(each.name for each in found)
        story.tell("When", [f"{' and '.join(each.name for each in found)} run"])
        self._refused: Refused | None = None
        self._since = self._noted = self._db.head().position
        self._react()

    def when(self, command: Command) -> Self:
        """Execute a command, and let them react to what it gives."""
        __tracebackhide__ = True
        self._story.tell("When", [str(command)])
        self._since, self._refused = self._db.head().position, None
        try:
            self._db.execute(command)
        except Refused as refused:
            self._refused = refused
            self._story.facts.decisions.append(
                Decision(command.kind.name, command.kind.__module__, [], refused.code)
            )
        self._react()
        return self

    def when_passes(self, **time: Unpack[Length]) -> Self:
        """Let time pass, as `timedelta` takes it: `when_passes(days=3)`, from the last event on.

        Each deadline comes at its own time. `given(committed(event, time="2026-03-01"))` says when an event was. Raises
        `TypeError` and `ValueError` for what is no length of time, or a negative one.
        """
        __tracebackhide__ = True
        end = self._now + _length(time, self._now)
        self._story.tell("When", [f"{_words(time)} pass"])
        self._since, self._refused = self._db.head().position, None
        while (next_due := self._next_due()) is not None and next_due <= end:
            self._now = max(self._now, next_due)
            self._react()
        self._now = end
        self._react()
        return self

    def then(self, *events: Any) -> Self:
        """Expect these events since the last `when`, in this order; without one, since the given ones.

        The events of deadlines are not among them.
        """
        __tracebackhide__ = True
        return self._expect([stored(event) for event in events])

    def then_nothing(self) -> Self:
        """Expect no events."""
        __tracebackhide__ = True
        return self.then()

    def then_refused(self, code: str) -> Self:
        """Expect that the last command was refused, with this code."""
        __tracebackhide__ = True
        return self._expect([Refusal(code, {})])

    def then_state(self, *states: State) -> Self:
        """Expect that these states follow, each written as it should be."""
        __tracebackhide__ = True
        actual = [self._db.load(state) for state in states]
        if list(states) != actual:
            raise self._story.failure("a state came out otherwise", compared(states, actual, wording.state))
        self._story.tell("Then", map(wording.state, states))
        return self

    def _expect(self, expected: list[Any]) -> Self:
        __tracebackhide__ = True
        actual: list[Any] = [
            record.event
            for record in self._db.read(after=self._since)
            if not record.type.startswith(RESERVED)
        ]
        if self._refused is not None:
            actual.insert(0, Refusal(self._refused.code, {}))
        if expected != actual:
            raise self._story.failure("other events came than expected", compared(expected, actual, _told))
        self._story.tell("Then", [*map(_told, actual)] or ["nothing happens"])
        return self

    def _react(self) -> None:
        __tracebackhide__ = True
        moved = True
        while moved:
            moved = False
            for post in self._posts:
                post.due = 0.0
                moved = post.turn() or moved
                self._check(post)
        self._note()

    def _note(self) -> None:
        """Note the decisions since the last time; a commit with a cause is by the reaction that is its author."""
        for commit in self._db.commits(after=self._noted):
            self._noted = commit.position
            recorded = commit.command
            if recorded is None or recorded["name"].startswith(RESERVED):
                continue
            given = [event.type for event in events_of(self._db.log, commit)]
            by = commit.author if CAUSATION in commit.metadata else None
            module = definitions[recorded["name"]].__module__
            self._story.facts.decisions.append(Decision(recorded["name"], module, given, by=by))

    def _check(self, post: Post) -> None:
        __tracebackhide__ = True
        at, parked = post.keep.at, post.keep.parked()
        why = at.why or next((f"#{one.position}: {one.why}" for one in parked.values()), "")
        if why or at.state != RUNNING:
            raise self._story.failure(f"{post.reacting.name} failed at {why}")

    def _next_due(self) -> datetime | None:
        left = min((post.seconds_left() for post in self._posts), default=float("inf"))
        return None if left == float("inf") else self._now + timedelta(seconds=left)


def _length(time: Length, now: datetime) -> timedelta:
    """A length of time. `now` is the moment that it begins at, for the words of an error."""
    said = ", ".join(f"{unit}={amount!r}" for unit, amount in time.items())
    called, units = f"when_passes({said})", ", ".join(Length.__annotations__)
    if strange := set(time) - set(Length.__annotations__):
        raise TypeError(
            f"{called}: {min(strange)} is no unit of time; say how long after {now.isoformat()}, where the scenario"
            f" is, with {units}"
        )
    try:
        found = timedelta(**time)
        is_later = now + found > now
    except (TypeError, OverflowError, ValueError) as wrong:
        raise TypeError(
            f"{called} is no length of time that there is: {wrong}; give numbers of {units}"
        ) from None
    if not is_later:
        raise ValueError(f"{called}: time goes on, so give more than 0 of one of {units}")
    return found


def _words(time: Length) -> str:
    return ", ".join(f"{amount:g} {unit}" for unit, amount in time.items())


def _told(outcome: Any) -> str:
    return f"refused: {outcome.code}" if isinstance(outcome, Refusal) else wording.event(outcome)
