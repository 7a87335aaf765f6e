"""Merge, rebase and cherry-pick: the outcome for each commit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from backstory.decide.parameters import each_state
from backstory.documents.commits import commit_document, event_document
from backstory.history.compare.jsonable import shown

if TYPE_CHECKING:
    from backstory.history.merge.merge import MergeReport
    from backstory.history.merge.replay import MergeStep
    from backstory.subject import Subjects


def merge_document(report: MergeReport, source: Subjects, target: Subjects) -> dict[str, Any]:
    """The report, with the subjects of the commits of both sides; `unseen` counts what a reader may not see."""
    unseen = {"unseen": Counter(report.unseen)} if report.unseen else {}
    return {
        **unseen,
        "source": report.source,
        "target": report.target,
        "base": report.base,
        "done": report.done,
        "clean": report.clean,
        "fast_forward": report.fast_forward,
        "steps": [_step(step, source, target) for step in report.steps],
        "commits": [commit_document(commit, target.of(commit)) for commit in report.commits],
    }


def _step(step: MergeStep, source: Subjects, target: Subjects) -> dict[str, Any]:
    there = step.there
    unseen = {"unseen": step.unseen} if step.unseen else {}
    return {
        **unseen,
        "commit": commit_document(step.commit, source.of(step.commit)),
        "outcome": step.outcome,
        "reason": step.reason,
        "stuck": step.stuck,
        "there": None if there is None else commit_document(there, target.of(there)),
        "differs": step.differs,
        "events": [event_document(event) for event in step.events],
        "again": None if step.again is None else _again(step.again),
        "in_the_way": [event_document(event) for event in step.in_the_way],
        "before": {name: shown(state) for name, state in each_state(step.before)},
        "after": {name: shown(state) for name, state in each_state(step.after)},
    }


def _again(step: MergeStep) -> dict[str, Any]:
    """The result that deciding again would have."""
    return {
        "outcome": step.outcome,
        "reason": step.reason,
        "events": [event_document(event) for event in step.events],
    }
