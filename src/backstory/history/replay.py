"""Judging commits again on another history: the one rule under merge, rebase and cherry-pick.

Every commit remembers its condition's query, which is what its decision relied on. So there is one question: would this
decision still be made? It would, unless an event that it did not know matches its query, or one that it knew is
missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import msgspec

from backstory.codec import encode
from backstory.commands import Command, CommandType
from backstory.commit import Commit, Draft, Head, draft, drafted
from backstory.errors import BackstoryError, Refused
from backstory.loading import Loader
from backstory.query import Condition, Query
from backstory.record import Encoded, Recorded
from backstory.store import Log
from backstory.stores.judge import SHOWN
from backstory.stores.memory import MemoryLog
from backstory.stores.overlay import OverlayLog

Way = Literal["redecide", "skip", "force"]
"""Ways out of a conflict: run the command again on the new state, leave the commit out, take it as it is."""

Policy = Literal["allow", "overlap", "refuse"]
"""What to do with commits that have no condition: take them, take them unless a new event shares a tag, or never."""

Outcome = Literal[
    "clean", "unchecked", "conflict", "same", "changed", "refused", "skipped", "forced", "known"
]
"""What becomes of a commit. `same`, `changed` and `refused` are what deciding again gave."""

REDECIDED = "'"
"""A commit that was decided again, and differently, has the id of the first with this at its end."""


class Step(msgspec.Struct, frozen=True):
    """What becomes of one commit, and why.

    `in_the_way` are the events that its decision did not know; `before` and `after` the states that its command read,
    as it knew them and as they are now, by parameter, where the command is known here. `reason` says what a refusal, or
    a problem with deciding again, was.
    """

    commit: Commit
    outcome: Outcome
    draft: Draft | None = None
    in_the_way: tuple[Recorded | Encoded, ...] = ()
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    reason: str = ""


class Rules(msgspec.Struct, frozen=True):
    """How to judge: the ways out of conflicts, for all and by commit id; the policy; and what deciding again needs."""

    clock: Callable[[], datetime]
    way: Way | None = None
    ways: Mapping[str, Way] = {}
    unconditioned: Policy = "allow"
    commands: Mapping[str, CommandType[...]] = {}

    def way_for(self, commit: Commit) -> Way | None:
        """The way out that was chosen for a commit, if one was."""
        return self.ways.get(commit.id, self.way)


class Replay:
    """Commits of `source`, judged one after the other on top of `target` as it is at `head`.

    `base` is the position up to which both are the same history. `omitted` are source commits that stay behind: what
    relied on them is in conflict.
    """

    def __init__(self, source: Log, target: Log, base: int, head: Head, rules: Rules) -> None:
        self._source = source
        self._target = target
        self._base = base
        self._head = head
        self._rules = rules
        self._taken: set[int] = set()
        self._dirty: list[Recorded | Encoded] = []
        self._own = MemoryLog(head)
        self._trial = OverlayLog(target, head, self._own)

    def run(self, commits: Iterable[Commit], omitted: Iterable[Commit] = ()) -> list[Step]:
        """Judge each commit; nothing is appended to the target."""
        commits, omitted = list(commits), list(omitted)
        known = {commit.id for commit in (*commits, *omitted) if self._note_known(commit)}
        for commit in omitted:
            if commit.id not in known:
                self._dirty += self._events(commit)
        return [
            Step(commit, "known") if commit.id in known else self._judge(commit, self._events(commit))
            for commit in commits
        ]

    def _note_known(self, commit: Commit) -> bool:
        """Whether the target has this commit, as it was or decided again; its events there are then no news."""
        for id in (commit.id, commit.id + REDECIDED):
            for found in self._target.find(id):
                if found.id == id and found.position <= self._head.position:
                    self._taken.add(found.position)
                    return True
        return False

    def _events(self, commit: Commit) -> list[Recorded]:
        return list(self._source.read(after=commit.first - 1, upto=commit.position))

    def _judge(self, commit: Commit, events: list[Recorded]) -> Step:
        way = self._rules.way_for(commit)
        if commit.condition is None and self._rules.unconditioned == "allow":
            return self._take(commit, events, "unchecked")
        in_the_way = self._in_the_way(commit, events)
        refused = commit.condition is None and self._rules.unconditioned == "refuse"
        if not in_the_way and not refused:
            return self._take(commit, events, "clean" if commit.condition else "unchecked")
        reason = "it has no condition to judge it by" if refused else ""
        if way == "force":
            return self._take(commit, events, "forced", in_the_way)
        if way == "skip":
            self._dirty += events
            return Step(commit, "skipped", in_the_way=in_the_way)
        command, problem = self._command(commit)
        before, after = self._states(commit, command)
        if way == "redecide" and command is not None:
            return self._redecide(commit, events, command, in_the_way, before, after)
        self._dirty += events
        return Step(commit, "conflict", None, in_the_way, before, after, reason or (problem if way else ""))

    def _in_the_way(self, commit: Commit, events: list[Recorded]) -> tuple[Recorded | Encoded, ...]:
        """The first events that the decision did not know, or that it knew and that will be missing."""
        query = _overlap(events) if commit.condition is None else commit.condition.query
        news = self._target.read(query, after=self._base, upto=self._head.position)
        found: Iterator[Recorded | Encoded] = (event for event in news if event.commit not in self._taken)
        first = tuple(islice(found, SHOWN))
        return first + tuple(event for event in self._dirty if query.matches(event))[: SHOWN - len(first)]

    def _take(
        self, commit: Commit, events: Sequence[Recorded], outcome: Outcome, in_the_way: tuple[Any, ...] = ()
    ) -> Step:
        return Step(commit, outcome, self._add(drafted(commit, events)), in_the_way)

    def _add(self, new: Draft) -> Draft:
        """Put a draft on the trial, decided where it now stands."""
        if new.condition is not None:
            condition = Condition(new.condition.query, self._own.head().position)
            new = msgspec.structs.replace(new, condition=condition)
        self._own.append([[new]])
        return new

    def _command(self, commit: Commit) -> tuple[Command | None, str]:
        """The command that made a commit, or why it cannot be run again here."""
        recorded = commit.command
        if recorded is None:
            return None, "no command made it, so it cannot be decided again"
        kind = self._rules.commands.get(recorded["name"])
        if kind is None:
            return None, f"the command {recorded['name']} is not known here, so it cannot be decided again"
        try:
            return kind.parse(recorded["arguments"]), ""
        except TypeError as wrong:
            return None, f"its command cannot be run again: {wrong}"

    def _states(self, commit: Commit, command: Command | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the command read: as its decision knew it, and as it is now."""
        if command is None or commit.condition is None:
            return {}, {}
        then, now = Loader(self._source), Loader(self._trial)
        before = {name: then.load(state, commit.condition.after) for name, state in command.states.items()}
        return before, {name: now.load(state) for name, state in command.states.items()}

    def _redecide(
        self,
        commit: Commit,
        events: list[Recorded],
        command: Command,
        in_the_way: tuple[Any, ...],
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> Step:
        copies = Loader(self._trial)
        states = {name: copies.load(state) for name, state in command.states.items()}
        try:
            decided = [encode(event) for event in command.decide(states)]
        except BackstoryError as no:
            self._dirty += events
            why = str(no) if isinstance(no, Refused) else f"{type(no).__name__}: {no}"
            return Step(commit, "refused", None, in_the_way, before, after, why)
        if decided == [Encoded(event.type, event.version, event.tags, event.data) for event in events]:
            return Step(commit, "same", self._add(drafted(commit, events)), in_the_way, before, after)
        self._dirty += [*events, *decided]
        if not decided:
            return Step(
                commit, "refused", None, in_the_way, before, after, "it decides that nothing is to happen"
            )
        new = draft(
            decided,
            id=commit.id + REDECIDED,
            time=self._rules.clock(),
            condition=Condition(command.query, 0),
            author=commit.author,
            message=commit.message,
            command=command.recorded(),
            metadata={**commit.metadata, "redecided": commit.id},
        )
        return Step(commit, "changed", self._add(new), in_the_way, before, after)


def _overlap(events: list[Recorded]) -> Query:
    """Every event that shares a tag with one of these."""
    query = Query()
    for tag in sorted({tag for event in events for tag in event.tags}):
        query = query | Query.of(tags=[tag])
    return query
