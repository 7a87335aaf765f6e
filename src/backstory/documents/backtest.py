"""Backtests: what became of recorded decisions with the code as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.documents.causes import brief_document
from backstory.documents.commits import call_document, event_document
from backstory.documents.differences import difference_document
from backstory.documents.states import reference_document
from backstory.lookup import events_of

if TYPE_CHECKING:
    from backstory.history.backtest.report import Again, Changed, Report
    from backstory.store import Log
    from backstory.subject import Subjects

EVENTS = 20
"""Recorded events of a decision that are shown, and new ones."""


def backtest_document(report: Report, log: Log, subjects: Subjects) -> dict[str, Any]:
    """The counts, the decisions that are not the same, and the states that come out otherwise."""
    return {
        "start": report.start,
        "end": report.end,
        "at": report.at,
        "whole": report.is_whole,
        "each": report.each,
        "differs": report.differs,
        "counts": dict(report.counts),
        "follows_refused": report.follows_refused,
        "reasons": dict(report.reasons),
        "taken": report.taken,
        "decisions": [_again(step, log, subjects) for step in report.steps],
        "more_decisions": report.more,
        "states": [changed_document(each) for each in report.states],
        "more_states": report.more_states,
    }


def changed_document(changed: Changed) -> dict[str, Any]:
    """A state that comes out otherwise, and how."""
    return {**reference_document(changed.reference), **difference_document(changed.difference)}


def _again(step: Again, log: Log, subjects: Subjects) -> dict[str, Any]:
    return {
        "commit": brief_document(step.commit, subjects),
        "command": call_document(step.commit),
        "outcome": step.outcome,
        "stuck": step.stuck or None,
        "reason": step.words or None,
        "before": [event_document(event) for event in events_of(log, step.commit, EVENTS)],
        "after": [event_document(event) for event in step.events[:EVENTS]],
        "sizes": [step.commit.size, step.size],
        "states": [changed_document(each) for each in step.states],
    }
