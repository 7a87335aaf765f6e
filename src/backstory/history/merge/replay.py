"""Judging commits again on another history: the one rule under merge, rebase and cherry-pick.

Every commit remembers its condition's query: its decision relied on the events that match. So there is one question:
would this decision still be made? It would, if the same events match the query, in the same order: none that it did
not know, and none missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, Literal

import msgspec

from backstory.decide.call import Command
from backstory.decide.commands import CommandType
from backstory.decide.loading import Loader, Reads
from backstory.decide.state import State, boundary
from backstory.errors import BackstoryError, Refused
from backstory.history.ask.recall import Stuck, recalled
from backstory.history.refs.decisions import DECIDED_BY, ORIGIN, made, origin, redecided
from backstory.lookup import commit_with, events_of
from backstory.store import Log, append
from backstory.stores.judge import SHOWN
from backstory.stores.memory import MemoryStore
from backstory.stores.opened import opened
from backstory.stores.overlay import OverlayLog
from backstory.values.codec import Codec
from backstory.values.commit import QUERY, Commit, Draft, Head, draft, drafted
from backstory.values.event_data import EventData, RecordedEvent
from backstory.values.query import Condition, Query, matcher, union

Resolution = Literal["redecide", "skip", "force"]
"""Ways out of a conflict: run the command again on the new state, leave the commit out, take it as it is."""

Policy = Literal["allow", "overlap", "refuse"]
"""How to treat commits without a condition: take all, take those that share no tag with a new event, or take none."""

Outcome = Literal[
    "clean", "unchecked", "conflict", "same", "changed", "refused", "skipped", "forced", "known", "settled"
]
"""The outcome for a commit. `same`, `changed` and `refused` are the results of deciding again. The target has what was
`known`, perhaps decided differently; an earlier merge left out what is `settled`."""


class MergeStep(msgspec.Struct, frozen=True):
    """The outcome for one commit, and the reason.

    `in_the_way` are the events that its decision did not know; `before` and `after` the states that its command read,
    as it knew them and as they are now, by parameter, if the command is known here. `reason` has the words of a refusal
    or of a problem with deciding again; `stuck` says why the command of a conflict cannot be run again here. `events`
    are the other ones, where it was decided differently. `again` is what deciding again would give, where a preview
    asked. `there` is the target's commit of a known decision; `differs` says whether its events are others. `unseen`
    counts the events in the way that are outside of the reader's scope.
    """

    commit: Commit
    outcome: Outcome
    draft: Draft | None = None
    in_the_way: tuple[RecordedEvent | EventData, ...] = ()
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    reason: str = ""
    stuck: str = ""
    there: Commit | None = None
    differs: bool = False
    events: tuple[EventData, ...] = ()
    again: MergeStep | None = None
    unseen: int = 0


class Rules(msgspec.Struct, frozen=True):
    """How to judge: the ways out of conflicts, for all and by commit id; the policy; and values for deciding again.

    `author` is the person who has commands decided again. `asks`: nothing will be written, and an error of a command's
    own code is a reason why it cannot be decided again.
    """

    clock: Callable[[], datetime]
    secrets: Callable[[], bytes]
    codec: Codec
    resolution: Resolution | None = None
    resolutions: Mapping[str, Resolution] = {}
    unconditioned: Policy = "allow"
    commands: Mapping[str, CommandType[...]] = {}
    author: str = ""
    asks: bool = False

    def resolution_for(self, commit: Commit) -> Resolution | None:
        """The way out that was chosen for a commit, if one was."""
        if commit.id in self.resolutions:
            return self.resolutions[commit.id]
        return self.resolution


class Replay:
    """Commits of `source`, judged one after the other on top of `target` as it is at `head`.

    `base` is the position up to which both are the same history.
    """

    def __init__(self, source: Log, target: Log, base: int, head: Head, rules: Rules) -> None:
        self._source = source
        self._target = target
        self._base = base
        self._head = head
        self._rules = rules
        self._places: dict[
            int, int
        ] = {}  # of commits on the target, as far as they are known: where on the source
        self._dirty: list[RecordedEvent | EventData] = []
        self._late: list[RecordedEvent] = []
        self._last_known = 0
        self._own = MemoryStore(head).log()
        self._trial = OverlayLog(target, head, self._own)
        self._codec = rules.codec
        self._now = Loader(opened(self._trial, rules.codec))

    def judging(
        self, commits: Iterable[Commit], settled: Callable[[Commit], bool]
    ) -> Generator[None, None, list[MergeStep]]:
        """Judge each of these commits, which are all from `base` on; nothing is appended to the target.

        Those that are `settled` stay behind: commits that relied on them are in conflict. It stops after each commit,
        for somebody who waits, and returns the outcomes.
        """
        commits, upto = list(commits), self._head.position
        known = {commit.id: there for commit in commits if (there := made(self._target, commit, upto))}
        self._last_known = max((commit.position for commit in commits if commit.id in known), default=0)
        decided: set[str] = set()
        steps = []
        for commit in commits:
            events, there = self._events(commit), known.get(commit.id)
            if origin(commit) in decided:
                step = self._leave(commit, events, "known", there=there)  # its own branch has it twice
            elif there is not None:
                step = self._note_known(commit, events, there)
            elif settled(commit):
                step = self._leave(commit, events, "settled")
            else:
                step = self._judge(commit, events)
            if step.draft is not None or step.outcome == "known":
                decided.add(origin(commit))
            steps.append(step)
            yield
        return steps

    def _note_known(self, commit: Commit, events: list[RecordedEvent], there: Commit) -> MergeStep:
        """Its events on the target are not new to later commits, unless they have other content."""
        found = events_of(self._target, there)
        if there.content != commit.content and self._said(found) != self._said(events):
            return self._leave(commit, events, "known", there=there, differs=True)
        self._places[there.position] = commit.position
        return MergeStep(commit, "known", there=there)

    def _said(self, events: Iterable[RecordedEvent]) -> list[EventData]:
        """The content of events, without their places and without the codec's transformations."""
        return plain(self._codec.opened(iter(events)))

    def _leave(
        self, commit: Commit, events: Sequence[RecordedEvent], outcome: Outcome, **why: Any
    ) -> MergeStep:
        """Leave a commit out: its events will be missing."""
        self._dirty += events
        return MergeStep(commit, outcome, **why)

    def _events(self, commit: Commit) -> list[RecordedEvent]:
        return list(events_of(self._source, commit))

    def _judge(self, commit: Commit, events: list[RecordedEvent]) -> MergeStep:
        resolution, condition = self._rules.resolution_for(commit), _condition(commit)
        if condition is None and self._rules.unconditioned == "allow":
            return self._take(commit, events, "unchecked")
        in_the_way = self._in_the_way(condition, events)
        refused = condition is None and self._rules.unconditioned == "refuse"
        if not in_the_way and not refused:
            return self._take(commit, events, "unchecked" if condition is None else "clean")
        reason = "it has no condition to judge it by" if refused else ""
        if resolution == "force":
            return self._take(commit, events, "forced", in_the_way)
        if resolution == "skip":
            return self._leave(commit, events, "skipped", in_the_way=in_the_way)
        found = recalled(commit, self._rules.commands)
        command, problem = (None, found.words) if isinstance(found, Stuck) else (found, "")
        before, after = self._states(commit, command)
        if command is not None and (resolution == "redecide" or command.kind.decides_again):
            step = self._redecide(commit, events, command, in_the_way, before, after)
            if resolution == "redecide" or step.outcome != "refused":
                return step
            return msgspec.structs.replace(step, outcome="conflict")
        known: dict[str, Any] = {"in_the_way": in_the_way, "before": before, "after": after}
        why = reason or (problem if resolution else "")
        return self._leave(commit, events, "conflict", **known, reason=why, stuck=problem)

    def _in_the_way(
        self, condition: Condition | None, events: list[RecordedEvent]
    ) -> tuple[RecordedEvent | EventData, ...]:
        """The first events that the decision did not know, or that it knew and that will be missing."""
        query = _overlap(events) if condition is None else condition.query
        matches = matcher(query)
        dirty = (event for event in self._dirty if matches(event.type, event.tags))
        return tuple(islice(chain(self._news(query), dirty), SHOWN))

    def _news(self, query: Query) -> Iterator[RecordedEvent]:
        """Events on the target that were not known, or not in this order."""
        matches = matcher(query)
        late = (event.commit for event in self._late if matches(event.type, event.tags))
        overtaken = min(late, default=None)
        reached = 0
        for event in self._target.read(query, after=self._base, upto=self._head.position):
            place = self._places.get(event.commit)
            if place is None or place < reached or (overtaken is not None and place > overtaken):
                yield event
            else:
                reached = place

    def _take(
        self,
        commit: Commit,
        events: Sequence[RecordedEvent],
        outcome: Outcome,
        in_the_way: tuple[Any, ...] = (),
    ) -> MergeStep:
        return MergeStep(commit, outcome, self._keep(commit, events), in_the_way)

    def _keep(self, commit: Commit, events: Sequence[RecordedEvent]) -> Draft:
        """Put a commit on the trial as it is."""
        if commit.position < self._last_known:
            self._late += events  # it comes after something that was after it
        return self._add(drafted(commit, events))

    def _add(self, new: Draft) -> Draft:
        """Put a draft on the trial, decided at its new place."""
        if new.condition is not None:
            condition = Condition(new.condition.query, self._own.head().position)
            new = msgspec.structs.replace(new, condition=condition)
        append(self._own, new)
        return new

    def _states(self, commit: Commit, command: Command | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The states that the command read, as its decision knew them and now; none that cannot be loaded."""
        if command is None or commit.condition is None:
            return {}, {}
        then = Loader(opened(self._source, self._codec))
        known = commit.first - 1  # not `condition.after`: it also knew the commits before it in its own batch
        names = command.kind.reads
        try:
            before = command.gathered(lambda stage: then.load_more(Reads(stage), known))
            now, _ = self._gathered(command)
        except BackstoryError:  # a state cannot be read, or a function that names a state refuses
            return {}, {}
        return {name: before[name] for name in names}, {name: now[name] for name in names}

    def _gathered(self, command: Command) -> tuple[dict[str, Any], list[State]]:
        """All that a command's function gets now, and the states that were read for it."""
        read: list[State] = []

        def load(stage: list[State]) -> list[State]:
            read.extend(stage)
            return self._now.load_all(Reads(stage))[0]

        return command.gathered(load), read

    def _redecide(
        self,
        commit: Commit,
        events: list[RecordedEvent],
        command: Command,
        in_the_way: tuple[Any, ...],
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> MergeStep:
        known: dict[str, Any] = {"in_the_way": in_the_way, "before": before, "after": after}
        try:
            arguments, read = self._gathered(command)
            decided = [self._codec.encode(event) for event in command.decide(arguments)]
        except Refused as no:
            return self._leave(commit, events, "refused", reason=str(no), **known)
        except BackstoryError as wrong:  # of the code at hand: that is no decision
            why = f"its command cannot be run again: {wrong}"
            return self._leave(commit, events, "conflict", reason=why, stuck=why, **known)
        except Exception as wrong:
            if self._rules.asks:
                why = f"its command failed: {type(wrong).__name__}: {wrong}"
                return self._leave(commit, events, "conflict", reason=why, **known)
            wrong.add_note(f"while {command} of commit {commit.id} was decided again; skip it, or mend it")
            raise
        if decided == self._said(events):
            return MergeStep(commit, "same", self._keep(commit, events), in_the_way, before, after)
        if not decided:
            return self._leave(
                commit, events, "refused", reason="it decides that nothing is to happen", **known
            )
        id = redecided(origin(commit))
        if other := self._other(id, commit):
            short = other.hash.hex()[:10]
            why = f"decided again it would get the id {id}, but commit {short} has that, and is another decision"
            return self._leave(commit, events, "conflict", reason=why, stuck=why, **known)
        self._dirty += [*events, *decided]
        new = draft(
            self._codec.seal(decided),
            id=id,
            time=self._rules.clock(),
            condition=Condition(boundary(read), 0) if read else None,
            author=commit.author,
            message=commit.message,
            command=command.recorded_json(),
            metadata=self._metadata(commit),
            secret=self._rules.secrets(),
            reserved_id=True,
        )
        return MergeStep(commit, "changed", self._add(new), events=tuple(decided), **known)

    def _other(self, id: str, commit: Commit) -> Commit | None:
        """The commit of either side that has the id which deciding again would give, and is another decision."""
        for log, upto in ((self._target, self._head.position), (self._source, self._source.head().position)):
            there = commit_with(log, id, upto)
            if there is not None and origin(there) != origin(commit):
                return there
        return None

    def _metadata(self, commit: Commit) -> dict[str, Any]:
        """The metadata of a commit that is decided again in place of another."""
        metadata = {**commit.metadata, ORIGIN: origin(commit), DECIDED_BY: self._rules.author}
        if not self._rules.author:
            del metadata[DECIDED_BY]
        return metadata


def plain(events: Iterable[RecordedEvent]) -> list[EventData]:
    """The content of events, without their places."""
    return [EventData(event.type, event.version, event.tags, event.data) for event in events]


def _condition(commit: Commit) -> Condition | None:
    """The condition that a commit can be judged by; None if its query is withheld."""
    return None if QUERY in commit.withheld else commit.condition


def _overlap(events: list[RecordedEvent]) -> Query:
    """Every event that shares a tag with one of these."""
    return union(Query.of(tags=[tag]) for tag in {tag for event in events for tag in event.tags})
