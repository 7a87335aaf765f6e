"""Merges and conflicts as a reader with a scope sees them: judged on the whole history, then shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from backstory.decide.latest import Latest
from backstory.decide.parameters import each_state
from backstory.decide.state import State, state_type
from backstory.errors import BackstoryError, Conflict, MergeConflict
from backstory.history.merge.merge import MergeReport
from backstory.history.merge.replay import MergeStep
from backstory.history.refs.branches import Branches
from backstory.scope.rule import Scope, Sight, sight_of
from backstory.store import Log
from backstory.values.commit import COMMAND, QUERY, Commit
from backstory.values.query import Condition, Query

WITHHELD = "withheld"
"""In the place of words about states that the reader may not see."""


def seen_conflict(conflict: Conflict, scope: Scope) -> Conflict:
    """A conflict that names events in scope only, and counts the others."""
    sight, condition = sight_of(scope), conflict.condition
    events = tuple(sight.seen(conflict.events))
    if sight.outside(condition.query) is not None:
        condition = Condition(Query.none(), condition.after)
    unseen = conflict.unseen + len(conflict.events) - len(events)
    return Conflict(conflict.draft, condition, events, unseen)


class Showing:
    """Shows reports of merges between the branches that a reader sees."""

    def __init__(self, branches: Branches, scope: Scope) -> None:
        self._branches = branches
        self._sight = sight_of(scope)
        self._views: list[Log] = []

    def error(self, error: BackstoryError) -> BackstoryError:
        """The error of a write, as the reader may see it."""
        if isinstance(error, MergeConflict):
            return MergeConflict(self.report(error.report))
        return seen_conflict(error, self._sight.scope) if isinstance(error, Conflict) else error

    def report(self, report: MergeReport) -> MergeReport:
        """A report of the commits that the reader sees. Of the others it has the outcomes."""
        self._views = self._ordered(report.source, report.target)
        seen = [(step, self._commit(step.commit)) for step in report.steps]
        return replace(
            report,
            steps=tuple(self._step(step, commit) for step, commit in seen if commit is not None),
            commits=tuple(commit for each in report.commits if (commit := self._commit(each)) is not None),
            unseen=(*report.unseen, *(step.outcome for step, commit in seen if commit is None)),
        )

    def _commit(self, commit: Commit) -> Commit | None:
        """A commit of either side, as the reader sees it."""
        for view in self._views:
            for found in view.find(commit.hash.hex()):
                if found.hash == commit.hash:
                    return found
        return None

    def _ordered(self, *names: str) -> list[Log]:
        """The histories of all branches, those of these names first."""
        branches = sorted(self._branches.all(), key=lambda branch: branch.name not in names)
        return [self._branches.view(branch.chain) for branch in branches]

    def _step(self, step: MergeStep, commit: Commit) -> MergeStep:
        in_the_way = tuple(_seen(self._sight, step.in_the_way))
        clear = self._is_clear(step, commit)
        return replace(
            step,
            commit=commit,
            draft=None,
            in_the_way=in_the_way,
            unseen=step.unseen + len(step.in_the_way) - len(in_the_way),
            before=step.before if clear else {},
            after=step.after if clear else {},
            reason=step.reason if clear or not step.reason else WITHHELD,
            stuck=step.stuck if clear or not step.stuck else WITHHELD,
            there=None if step.there is None else self._commit(step.there),
            events=tuple(_seen(self._sight, step.events)),
            again=None if step.again is None else self._step(step.again, commit),
        )

    def _is_clear(self, step: MergeStep, commit: Commit) -> bool:
        """Whether words and states of a step are about nothing but what the reader sees."""
        if {COMMAND, QUERY} & commit.withheld:
            return False
        states = [*_states(step.before), *_states(step.after)]
        return all(map(self._sees, states)) and (bool(states) or not commit.command_json)

    def _sees(self, state: State) -> bool:
        """Whether a state that was folded from all events is the one that the reader would get."""
        compiled, query = state_type(type(state)), state.query()
        tells = compiled.wants_record or (compiled.raw and type(state) is not Latest)
        return not tells and self._sight.covers(query)


def _states(named: Mapping[str, Any]) -> Iterable[State]:
    return [state for _, state in each_state(named)]


def _seen(sight: Sight, events: Iterable[Any]) -> Iterable[Any]:
    return sight.seen(events)
