"""Given, when, then: one decision, from the events before it to its result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from backstory.decide.call import Command
from backstory.decide.mistaken import need_command
from backstory.decide.state import State, boundary
from backstory.model.elements import Decision
from backstory.testing import wording
from backstory.testing.deciding import Around, Refusal, after, decided, stored
from backstory.testing.differences import compared
from backstory.testing.history import Broken, Committed, History, as_commits, history
from backstory.testing.story import Step, Story, announce, types_of
from backstory.values.codec import PLAIN
from backstory.values.query import Query

if TYPE_CHECKING:
    from typing import Self

    from backstory.projections.projection import AnyProjection
    from backstory.reactions.process import AnyReaction
    from backstory.testing.projecting import Projected
    from backstory.testing.reacting import Reacted


IMPURE = (
    "decided otherwise when it was decided once more on the same states. A command is decided again on a conflict and"
    " in a merge, so it has to be pure. It gets the time, new ids and random numbers by parameters:"
    " now: Now = provided, new: NewId = provided, chance: Random = provided; and it keeps nothing from one decision to"
    " the next"
)


def given(*events: Any) -> Given:
    """The events of the past: each a commit of its own, or grouped by `committed`; or none."""
    return Given(as_commits(events))


class Given:
    """The past of a scenario. Several scenarios may begin with the same one."""

    def __init__(self, commits: tuple[Committed, ...]) -> None:
        self._commits = commits
        self._history = history(commits)

    def when(
        self, command: Command, *, author: str = "", time: datetime | str | None = None, seed: int = 0
    ) -> When:
        """Let a command decide, on the same states twice.

        Fails if a given event could not have mattered to it, if an invariant breaks, or if the two decisions differ.
        Its inputs are the same in each run: `time`, by default that of the commit before, is its `Now`; new ids are
        `new-1`, `new-2` and so on; `seed` is that of chance.
        """
        __tracebackhide__ = True
        need_command(command)
        story, around = self._story(), Around(author, time, seed, count(1))
        return When(story, self._history, command, around, self._check)

    def project(self, projection: AnyProjection) -> Projected:
        """Make the tables of a projection from these events; then compare rows: `.then_rows(sql, rows)`."""
        __tracebackhide__ = True
        from backstory.testing.projecting import Projected

        return Projected(self._story(), self._history, projection)

    def running(self, *reactions: AnyReaction) -> Reacted:
        """Let reactions and processes run on these events: `.when(command)`, `.when_passes(days=3)`, `.then(...)`."""
        __tracebackhide__ = True
        from backstory.testing.reacting import Reacted

        return Reacted(self._story(), self._commits, reactions)

    def then_state(self, *states: State) -> None:
        """Expect that these states follow, each written as it should be: `Account("a-7", balance=500)`."""
        __tracebackhide__ = True
        story = self._story()
        self._check(story, boundary(states), " and ".join(type(state).__name__ for state in states))
        expect_states(story, self._history, states)

    def _story(self) -> Story:
        lines = [line for commit in self._commits for line in commit.told()]
        story = announce(Story(Step("Given", tuple(lines or ["nothing"]))))
        story.facts.given.extend(types_of(event for commit in self._commits for event in commit.events))
        return story

    def _check(self, story: Story, query: Query, reader: str) -> None:
        """Fail for an event that is given and not read: the test would say less than it seems to."""
        __tracebackhide__ = True
        for record in self._history.records:
            if not query.matches(record):
                raise story.failure(
                    f"{wording.event(PLAIN.decode(record))} could not have mattered: {reader} does not read it,"
                    f" but only {wording.query(query)}"
                )


Check = Callable[[Story, Query, str], None]
"""Fails if the past has events that a query does not read, which a reader of this name has."""


class When:
    """The decision of a command: compare it with the expected one."""

    def __init__(
        self, story: Story, past: History, command: Command, around: Around, check: Check | None = None
    ) -> None:
        __tracebackhide__ = True
        self._story = story
        self._command = command
        self._around = around
        drawn = around.drawn(command, past)
        try:
            outcome, again = decided(drawn, past), decided(drawn, past)
            if check is not None:
                check(story, boundary(outcome.read), str(command))
            story.tell("When", [str(command)])
            if outcome.told != again.told:
                raise story.failure(
                    f"{command} {IMPURE}", compared(outcome.told, again.told, _told)
                ) from again.refused
            self._history = after(outcome, past, around)
            for state in outcome.read:
                self._history.load(state)
        except Broken as broken:
            raise story.failure(broken) from None
        self._refused, self._events = outcome.refused, outcome.events
        story.facts.decisions.append(
            Decision(
                command.kind.name,
                command.kind.__module__,
                types_of(outcome.events),
                None if outcome.refused is None else outcome.refused.code,
            )
        )

    def then(self, *events: Any) -> Self:
        """Expect these events, and no others, in this order."""
        __tracebackhide__ = True
        return self._expect([stored(event) for event in events], "gave other events than expected")

    def then_nothing(self) -> Self:
        """Expect that the command is fine with things as they are: no events, and not refused."""
        __tracebackhide__ = True
        return self.then()

    def then_refused(self, code: str, **details: Any) -> Self:
        """Expect a refusal with this code (its reason, if it has no code), and with at least these details."""
        __tracebackhide__ = True
        return self._expect([Refusal(code, details)], "was not refused")

    def _expect(self, expected: list[Any], otherwise: str) -> Self:
        __tracebackhide__ = True
        actual, refused = self._events, self._refused
        if refused is not None:
            named = expected[0].details if expected and isinstance(expected[0], Refusal) else {}
            actual = [
                Refusal(refused.code, {key: value for key, value in refused.details.items() if key in named})
            ]
            otherwise = f"was refused: {refused}"
        if expected != actual:
            lines = compared(expected, actual, _told)
            raise self._story.failure(f"{self._command} {otherwise}", lines) from refused
        self._story.tell(
            "Then", [f"refused: {refused}"] if refused else [*map(_told, actual)] or ["nothing happens"]
        )
        return self

    def then_state(self, *states: State) -> Self:
        """Expect that these states follow, each written as it should be: `Account("a-7", balance=300)`."""
        __tracebackhide__ = True
        expect_states(self._story, self._history, states)
        return self

    def when(
        self, command: Command, *, author: str = "", time: datetime | str | None = None, seed: int = 0
    ) -> When:
        """Go on: let another command decide on the history so far."""
        __tracebackhide__ = True
        return When(self._story, self._history, command, Around(author, time, seed, self._around.ids))


def expect_states(story: Story, past: History, states: tuple[State, ...]) -> None:
    """Fail if a state does not follow from the history."""
    __tracebackhide__ = True
    try:
        actual = [past.load(state) for state in states]
    except Broken as broken:
        raise story.failure(broken) from None
    if list(states) != actual:
        names = " and ".join(type(state).__name__ for state in states)
        raise story.failure(f"{names} came out otherwise", compared(states, actual, wording.state))
    story.tell("Then", map(wording.state, states))


def _told(outcome: Any) -> str:
    return f"refused: {outcome.code}" if isinstance(outcome, Refusal) else wording.event(outcome)
