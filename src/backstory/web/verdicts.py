"""The page of a merge: the verdict on each commit, what is in the way, and the ways out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

from backstory.decide.parameters import each_state
from backstory.documents import document
from backstory.documents.commits import call_document, event_document
from backstory.documents.merges import merge_document
from backstory.documents.states import name_of
from backstory.history.compare.diff import diff
from backstory.history.merge.merge import MergeReport
from backstory.history.merge.replay import MergeStep
from backstory.lookup import events_of
from backstory.subject import Subjects
from backstory.values.event_data import RecordedEvent
from backstory.web import merging
from backstory.web.ask import Ask
from backstory.web.merging import Looked, is_ready
from backstory.web.page import Page

SHOWN = 200
"""Commits on the page: those that need an answer first, then the others in their order."""

CHANGES = 30
"""Changed fields of a state that a conflict shows."""

EVENTS = 8
"""Events of a commit that are shown or counted by type."""


def page_of(ask: Ask, asked: Looked, report: MergeReport, note: str = "") -> Page:
    """The page about a report."""
    source, target = (ask.db.branches.log(name) for name in (asked.source, asked.target))
    subjects = Subjects(source)
    steps = sorted(report.steps, key=lambda step: not _needs_answer(step, asked))[:SHOWN]
    steps.sort(key=lambda step: step.commit.position)
    shown = {step.commit.hash.hex() for step in steps}
    counts = Counter((*(step.outcome for step in report.steps), *report.unseen))
    taken = sum(number for outcome, number in counts.items() if outcome in TAKEN)
    return Page(
        "merge.html",
        f"Merge {asked.source} into {asked.target}",
        document("merge", **merge_document(report, subjects, Subjects(target))),
        _command(asked, report),
        {
            "asked": asked,
            "report": report,
            "note": note,
            "steps": [_step(ask, asked, step, subjects) for step in steps],
            "left": len(report.steps) - len(steps),
            "unseen": len(report.unseen),
            "conflicts": counts["conflict"],
            "every": len(report.steps) + len(report.unseen),
            "tallies": [(KINDS[outcome], number, SAID[outcome]) for outcome, number in counts.items()],
            "taken": taken,
            "out": sum(counts[outcome] for outcome in ("skipped", "refused")),
            "ready": is_ready(asked, report),
            "needs_reason": asked.answers.needs_reason,
            "acts": ask.may("append") and ask.reader.scope.is_whole,
            "hidden": [(f"way.{hash}", way) for hash, way in asked.answers.ways.items() if hash not in shown],
            "ends": [end.hex() for end in asked.ends],
            "head": ask.db.branches.log(asked.target).head().position,
            "too_many": False,
        },
    )


def too_many(asked: Looked) -> Page:
    """The page about a merge that a page does not judge."""
    return Page(
        "merge.html",
        f"Merge {asked.source} into {asked.target}",
        document(
            "merge", source=asked.source, target=asked.target, judged=False, more_than=merging.MOST_JUDGED
        ),
        ("merge", asked.source, "-b", asked.target, "--preview"),
        {"asked": asked, "too_many": True, "most": merging.MOST_JUDGED},
    )


SAID = {
    "clean": "clean",
    "unchecked": "unchecked",
    "same": "decided again, the same",
    "changed": "decided again, differently",
    "refused": "left out: refused",
    "skipped": "left out",
    "forced": "taken as it is",
    "known": "there already",
    "settled": "left out by an earlier merge",
    "conflict": "in conflict",
}
KINDS = {
    "clean": ("good", "check"), "same": ("good", "check"), "known": ("quiet", "check"), "settled": ("quiet", "close"),
    "unchecked": ("quiet", "help"), "changed": ("warning", "warn"), "refused": ("warning", "close"),
    "skipped": ("warning", "close"), "forced": ("warning", "warn"), "conflict": ("bad", "bad"),
}  # fmt: skip
TAKEN = {"clean", "unchecked", "same", "changed", "forced"}
"""The outcomes of commits that are taken over."""


def _needs_answer(step: MergeStep, asked: Looked) -> bool:
    return step.outcome == "conflict" or step.commit.hash.hex() in asked.answers.ways


def _step(ask: Ask, asked: Looked, step: MergeStep, subjects: Subjects) -> dict[str, Any]:
    """The values that the page shows of a commit."""
    commit, hash = step.commit, step.commit.hash.hex()
    log = ask.db.branches.log(asked.source)
    events = list(islice(events_of(log, commit), EVENTS))
    answered = asked.answers.ways.get(hash)
    again = step.again
    return {
        "commit": commit,
        "hash": hash,
        "subject": subjects.of(commit),
        "kind": KINDS[step.outcome],
        "said": SAID[step.outcome],
        "is_conflict": step.outcome == "conflict",
        "asks": _needs_answer(step, asked),
        "reason": step.reason,
        "types": list(Counter(event.type for event in events).items()),
        "tags": list(dict.fromkeys(tag for event in events for tag in event.tags))[:4],
        "call": call_document(commit),
        "clauses": [] if commit.condition is None else commit.condition.query.clauses[:4],
        "in_the_way": [_in_the_way(ask, asked, event) for event in step.in_the_way],
        "unseen": step.unseen,
        "states": [*_states(step)],
        "stuck": step.stuck,
        "again": again,
        "given": [event_document(event) for event in (again or step).events[:EVENTS]],
        "answered": answered or ("redecide" if again is not None and again.outcome != "conflict" else ""),
        "late": None if step.there is None or not step.differs else step.there.position,
    }


def _in_the_way(ask: Ask, asked: Looked, event: Any) -> dict[str, Any]:
    """An event in the way: one of the target, one that would be missing there, or one that is newly decided."""
    shown = event_document(event)
    where = "newly decided"
    if isinstance(event, RecordedEvent):
        target = ask.db.branches.log(asked.target)
        there = event in target.read(after=event.position - 1, upto=event.position)
        where = "" if there else f"which {asked.source} had, and which would be missing"
    return {**shown, "where": where, "at": asked.target if not where else asked.source}


def _states(step: MergeStep) -> Iterable[dict[str, Any]]:
    """Each state that the decision read: what is different now."""
    now = dict(each_state(step.after))
    for name, before in each_state(step.before):
        after = now.get(name)
        if after is None or name_of(after) != name_of(before):
            other = "none" if after is None else name_of(after)
            yield {"name": name_of(before), "other": other, "changes": [], "left": 0}
            continue
        changes = diff(before, after).masked().changes
        yield {
            "name": name_of(before),
            "other": "",
            "changes": changes[:CHANGES],
            "left": max(0, len(changes) - CHANGES),
        }


def _command(asked: Looked, report: MergeReport) -> tuple[str, ...]:
    positions = {step.commit.hash.hex(): step.commit.position for step in report.steps}
    words = ["merge", asked.source, "-b", asked.target]
    for hash, way in asked.answers.ways.items():
        if hash in positions:
            words += [f"--{way}", f"#{positions[hash]}"]
    if asked.answers.unconditioned != "allow":
        words += ["--unconditioned", asked.answers.unconditioned]
    if asked.answers.reason:
        words += ["-m", asked.answers.reason]
    return (*words, "--preview", "--app")
