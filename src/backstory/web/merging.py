"""A merge that somebody looks at: what is asked of it, what it would do, and what a page shows of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from backstory.decide.parameters import each_state
from backstory.documents import document
from backstory.documents.commits import call_document, event_document
from backstory.documents.merges import merge_document
from backstory.documents.states import name_of
from backstory.errors import BackstoryError
from backstory.failing import theirs
from backstory.history.compare.diff import diff
from backstory.history.merge.merge import MergeReport, Options
from backstory.history.merge.replay import MergeStep, Policy, Resolution
from backstory.history.refs.revision import Point, commits_between
from backstory.lookup import events_of
from backstory.subject import Subjects
from backstory.values.event_data import RecordedEvent
from backstory.web.ask import Ask, BadParameter, NotFound
from backstory.web.page import Page

MOST_JUDGED = 5_000
"""Commits that a page judges; the command line judges any number."""

SHOWN = 200
"""Commits on the page: those that need an answer first, then the others in their order."""

CHANGES = 30
"""Changed fields of a state that a conflict shows."""

EVENTS = 8
"""Events of a commit that are shown or counted by type."""

WAYS: Sequence[Resolution] = ("redecide", "skip", "force")
POLICIES: Sequence[Policy] = ("allow", "overlap", "refuse")


class Answers(msgspec.Struct, frozen=True):
    """The ways out that were chosen, by the commit's hash; and how commits without a condition are treated."""

    ways: dict[str, Resolution] = {}
    unconditioned: Policy = "allow"
    reason: str = ""

    @property
    def needs_reason(self) -> bool:
        """Whether a commit is to be taken as it is, and nobody said why."""
        return "force" in self.ways.values() and not self.reason

    @property
    def signed(self) -> str:
        """The answers as a text: the same for the same outcome."""
        return msgspec.json.encode([sorted(self.ways.items()), self.unconditioned]).decode()


def answers_of(fields: Iterable[tuple[str, str]]) -> Answers:
    """The answers of a form: `way.HASH`, `unconditioned` and `reason`. Raises `BadParameter`."""
    ways: dict[str, Resolution] = {}
    unconditioned, reason = "allow", ""
    for name, value in fields:
        if name.startswith("way.") and value:
            if value not in WAYS:
                raise BadParameter(f"a conflict is answered with {', '.join(WAYS)}, not {value[:60]!r}")
            ways[name.removeprefix("way.")] = cast("Resolution", value)
        elif name == "unconditioned" and value:
            unconditioned = value
        elif name == "reason":
            reason = value.strip()
    if unconditioned not in POLICIES:
        raise BadParameter(f"unconditioned is {', '.join(POLICIES)}, not {unconditioned[:60]!r}")
    return Answers(ways, cast("Policy", unconditioned), reason)


class Looked(msgspec.Struct, frozen=True):
    """A merge of one branch into another one, as somebody looked at it."""

    source: str
    target: str
    answers: Answers
    ends: tuple[bytes, bytes]


def named(ask: Ask) -> tuple[str, str]:
    """The branches of the address. Raises `NotFound`, `UnknownRevision` and `BadParameter`."""
    match ask.path[1:]:
        case [source, target]:
            for name in (source, target):
                ask.db.branches.get(name)
            if source == target:
                raise BadParameter(f"{source} has all of itself; a merge needs another branch")
            return source, target
        case _:
            raise NotFound("a merge is at /merge/SOURCE/TARGET: from which branch, and into which")


def looked(ask: Ask, answers: Answers) -> Looked:
    """What somebody looks at now."""
    source, target = named(ask)
    branches = ask.db.branches
    ends = (branches.log(source).head().hash, branches.log(target).head().hash)
    return Looked(source, target, answers, ends)


def options(ask: Ask, asked: Looked, report: MergeReport | None = None) -> Options:
    """The options of the library. The answers are by hash on pages, and by id there: `report` knows both."""
    ids = {} if report is None else {step.commit.hash.hex(): step.commit.id for step in report.steps}
    return Options(
        resolutions={ids[hash]: way for hash, way in asked.answers.ways.items() if hash in ids},
        unconditioned=asked.answers.unconditioned,
        commands=ask.site.application.commands_by_name() if ask.site.application is not None else {},
        message=asked.answers.reason,
        author=ask.reader.name,
        ends=asked.ends,
    )


def waiting(ask: Ask, asked: Looked) -> int:
    """How many commits are to be judged, at most one more than a page judges."""
    branches = ask.db.branches
    points = []
    for name in (asked.target, asked.source):
        branch = branches.get(name)
        points.append(Point(branch.chain, branches.view(branch.chain).head().position))
    return sum(1 for _ in islice(commits_between(branches, *points), MOST_JUDGED + 1))


def judged(ask: Ask, asked: Looked) -> MergeReport:
    """What the merge would do with the answers. Nothing is appended. Raises as `Database.merge` does."""
    into = ask.db.switch(asked.target)
    with theirs("a command of the application"):
        first = into.merge(asked.source, replace(options(ask, asked), preview=True))
        if not asked.answers.ways:
            return first
        with_answers = options(ask, asked, first)
        if "force" in with_answers.resolutions.values() and not with_answers.message:
            with_answers = replace(with_answers, message="-")  # it is asked for before anything is appended
        return into.merge(asked.source, replace(with_answers, preview=True))


def is_ready(asked: Looked, report: MergeReport) -> bool:
    """Whether it can be done as it is."""
    return report.clean and not report.nothing_to_do and not asked.answers.needs_reason


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
        document("merge", source=asked.source, target=asked.target, judged=False, more_than=MOST_JUDGED),
        ("merge", asked.source, "-b", asked.target, "--preview"),
        {"asked": asked, "too_many": True, "most": MOST_JUDGED},
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
    """What the page shows of a commit."""
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


def ends_of(form: Mapping[str, Any]) -> tuple[bytes, bytes] | None:
    """The ends that a form says were looked at; None if it says none."""
    try:
        source, target = (bytes.fromhex(str(form.get(name, ""))) for name in ("source_end", "target_end"))
    except ValueError:
        return None
    return (source, target) if source and target else None


def is_gone_on(error: BackstoryError) -> str:
    """The words of a page that is shown again, because what it was about has changed."""
    return f"{error}: this is what it would do now. Nothing was appended."
