"""The result of a merge, rebase or cherry-pick, and the commands to type next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from backstory.cli.show import commits
from backstory.cli.show.changes import painted
from backstory.cli.show.text import count
from backstory.decide.parameters import each_state
from backstory.documents.merges import merge_document
from backstory.documents.states import name_of
from backstory.history.merge.merge import MergeReport
from backstory.history.merge.replay import MergeStep
from backstory.session.memory import Pending
from backstory.session.merging import judged
from backstory.subject import Subjects
from backstory.told import pasted, plain
from backstory.values.event_data import RecordedEvent

if TYPE_CHECKING:
    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log
    from backstory.values.event_data import EventData


class Showing:
    """Shows a report. Made before anything is done, because a rebase gives its branch another log."""

    def __init__(self, session: Session, pending: Pending) -> None:
        self._session = session
        self._pending = pending
        self._judged, self._on = judged(session, pending)
        self._known = session.application.commands_by_name() if session.has_application else {}

    def write(self, report: MergeReport, out: Output, *, dry_run: bool) -> None:
        """The report for people, or as the document of --json."""
        source = Subjects(self._judged)
        target = self._session.branches.log(self._pending.target) if report.done else self._on
        if out.json:
            out.document(self._pending.verb, **merge_document(report, source, Subjects(target)))
        else:
            out.page()
            out.lines(words(report, self._pending, source, target, self._known, out, dry_run=dry_run))


def words(
    report: MergeReport,
    pending: Pending,
    source: Subjects,
    target: Log,
    known: Collection[str],
    out: Output,
    *,
    dry_run: bool,
) -> Iterator[str]:
    """The report for people."""
    if report.conflicts:
        yield from conflict_words(report, pending, source, target, known, out, dry_run=dry_run)
        return
    if report.nothing_to_do:
        if pending.verb == "rebase":
            yield f"nothing to do: {plain(pending.target)} starts at {plain(pending.source)} ({report.target}) already"
        else:
            yield f"nothing to do: {plain(pending.target)} has everything of {plain(pending.source)}"
        yield from (f"  {step_line(step, source, out)}" for step in report.steps if _untold(step))
        return
    new = [step for step in report.steps if step.draft is not None]
    would, some = "would be " if dry_run else "", count(len(new), "commit")
    where = f", {_span(report.commits[0].first, report.commits[-1].position)}" if report.commits else ""
    if report.fast_forward:
        yield f"{'would be a ' if dry_run else ''}fast-forward: {some}{where}, the same to the last hash"
    elif pending.verb == "rebase":
        yield f"{would}rebased: {some} of {plain(pending.target)} on top of {plain(pending.source)}{where}"
    else:
        yield f"{would}taken over: {some} of {plain(pending.source)} into {plain(pending.target)}{where}"
    for step in report.steps:
        yield f"  {step_line(step, source, out)}"
    unchecked = sum(step.outcome == "unchecked" for step in report.steps)
    if unchecked and not report.fast_forward:
        stricter = "had no condition to be judged by; be stricter: --unconditioned overlap"
        yield out.paint(f"{count(unchecked, 'commit')} {stricter}", "dim")


SAID = {
    "clean": "clean",
    "unchecked": "unchecked",
    "same": "decided again, the same",
    "changed": "decided again, differently",
    "refused": "left out: refused",
    "skipped": "left out",
    "forced": "forced",
    "known": "there already",
    "settled": "left out by an earlier merge",
    "conflict": "conflict",
}
COLORS = {"conflict": "red", "refused": "red", "skipped": "yellow", "forced": "yellow", "changed": "yellow"}


def step_line(step: MergeStep, source: Subjects, out: Output) -> str:
    """A commit and its outcome."""
    outcome = out.paint(SAID[step.outcome], COLORS.get(step.outcome, "green"))
    why = f": {plain(step.reason)}" if step.reason else ""
    if step.there is not None and step.differs:
        why = f", decided differently: {commits.span(step.there)}"
    return f"{commits.line(step.commit, source.of(step.commit), out)}  {outcome}{why}"


def _untold(step: MergeStep) -> bool:
    """Whether more is to be said of a commit than that it is in conflict, or there already."""
    return step.differs or step.outcome not in ("conflict", "known")


def conflict_words(
    report: MergeReport,
    pending: Pending,
    source: Subjects,
    target: Log,
    known: Collection[str],
    out: Output,
    *,
    dry_run: bool,
) -> Iterator[str]:
    """The conflicts with their reasons, and the commands to type next."""
    mine, theirs = (
        (pending.target, pending.source) if pending.verb == "rebase" else (pending.source, pending.target)
    )
    mixed = any(not _stands(each, target) for step in report.conflicts for each in step.in_the_way)
    conflicts, number = len(report.conflicts), len(report.steps)
    some = f"{conflicts} of {count(number, 'commit')}" if number > 1 else "the commit"
    verbs, their = ("conflicts", "its decision") if conflicts == 1 else ("conflict", "their decisions")
    why = f"{their} read events that have changed"
    head = f"conflict: {some} from {plain(mine)} {verbs} with {plain(theirs)}: {why}"
    yield out.paint(f"{head}; nothing was appended", "red")
    for step in report.conflicts:
        yield ""
        yield commits.title(step.commit, out)
        yield from commits.signature(step.commit)
        yield from commits.message(step.commit, source.of(step.commit), out)
        yield ""
        if call := commits.call_line(step.commit):
            yield f"{commits.INDENT}decided by {call}"
        if step.in_the_way:
            yield f"{commits.INDENT}in the way:"
        for event in step.in_the_way:
            yield f"{commits.INDENT}  {_in_the_way(event, target, mine, theirs if mixed else None, out)}"
        yield from _states(step, out)
        for why in dict.fromkeys(filter(None, (step.reason, "" if step.again else step.stuck))):
            yield f"{commits.INDENT}{out.paint(plain(why), 'red')}"
        if step.again is not None:
            yield from _again(step.again, out)
        if unknown(step, known):
            yield f"{commits.INDENT}name the application that has it: --app MODULE"
    others = [step for step in report.steps if _untold(step)]
    if others:
        yield ""
        yield "the others:"
        yield from (f"  {step_line(step, source, out)}" for step in others)
    if not dry_run:
        yield ""
        yield from next_words(
            pending, [bool(step.stuck) and not unknown(step, known) for step in report.conflicts]
        )


def _again(step: MergeStep, out: Output) -> Iterator[str]:
    """The result that deciding again would have."""
    said = f"{commits.INDENT}decided again, {_GIVEN[step.outcome]}"
    yield f"{said}: {plain(step.reason)}" if step.reason else said
    for event in step.events:
        yield f"{commits.INDENT}  {_decided(event, out)}"


_GIVEN = {
    "same": "it would have the same events",
    "changed": "it would have other events:",
    "refused": "it would be refused",
    "clean": "nothing would be in its way any more",
    "unchecked": "nothing would be in its way any more",
    "known": "it would be there already",
    "conflict": "it would still be in conflict",
}


def unknown(step: MergeStep, known: Collection[str]) -> bool:
    """Whether a commit cannot be decided again because its command is not among those that are known."""
    command = step.commit.command
    return bool(step.stuck) and command is not None and command.get("name") not in known


def next_words(pending: Pending, stuck: Sequence[bool] = ()) -> Iterator[str]:
    """The commands to type next; `stuck` says for each conflict whether its command cannot be run again."""
    rows = {
        ("--redecide",): "run the commands again on the new state",
        ("--skip",): "leave these commits out",
        ("--force", "-m", "WHY"): "take them as they are",
        ("--skip", "ID", "--redecide", "ID"): "answer for each commit",
        ("--abort",): "forget it; nothing has been changed",
    }
    if any(stuck):
        del rows["--redecide",]
    if stuck and all(stuck):
        del rows["--skip", "ID", "--redecide", "ID"]
    lines = {pasted(pending.verb, *words): about for words, about in rows.items()}
    width = max(map(len, lines))
    yield "what now?"
    yield from (f"  {written:{width}}  {about}" for written, about in lines.items())


def _stands(event: Any, target: Log) -> bool:
    """Whether an event in the way is one of the target."""
    return isinstance(event, RecordedEvent) and event in target.read(
        after=event.position - 1, upto=event.position
    )


def _in_the_way(event: Any, target: Log, mine: str, theirs: str | None, out: Output) -> str:
    """An event of the target, which is named where events of both are shown, or one that will be missing there."""
    if not isinstance(event, RecordedEvent):
        return f"{_decided(event, out)}, newly decided"
    told = f"{commits.event(event, out)}  {commits.data_line(event)}"
    if _stands(event, target):
        return told if theirs is None else f"{told}, on {plain(theirs)}"
    return f"{told}, which {plain(mine)} had and which would be missing"


def _decided(event: EventData, out: Output) -> str:
    """An event that is in no log."""
    tags = out.paint("  ".join(map(plain, event.tags)), "green")
    return f"{out.paint(plain(event.type), 'bold')}  {tags}  {commits.data_line(event)}"


def _states(step: MergeStep, out: Output) -> Iterator[str]:
    """Each state that was read: as the decision knew it, and as it is now."""
    from backstory.history.compare.diff import diff

    now = dict(each_state(step.after))
    for name, before in each_state(step.before):
        shown, after = out.paint(plain(name_of(before)), "bold"), now.get(name)
        if after is None or name_of(after) != name_of(before):
            other = "none" if after is None else plain(name_of(after))
            yield f"{commits.INDENT}{shown}, read when this was decided; now it would be {other}"
            continue
        difference = diff(before, after)
        yield f"{commits.INDENT}{shown}, as it was when this was decided, and as it is now:"
        if not difference:
            yield f"{commits.INDENT}  no difference in its fields"
        yield from (f"{commits.INDENT}  {text}" for text in painted(difference, out))


def _span(first: int, last: int) -> str:
    return f"#{first}" if first == last else f"#{first}..#{last}"
