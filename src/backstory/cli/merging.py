"""What merge, rebase and cherry-pick have in common on the command line: ways out of conflicts, and the report.

Nothing is appended while there is a conflict. This folder remembers what was asked for and what has been chosen, so
that one may answer commit by commit; everything is judged again each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli import commits
from backstory.cli.author import author, author_option
from backstory.cli.changes import painted
from backstory.cli.exits import UsageError, answer
from backstory.cli.parser import application_options
from backstory.cli.text import count, plain
from backstory.documents.merges import merge_document
from backstory.documents.states import name_of
from backstory.history.branches import Branches
from backstory.history.merge import MergeReport, Options
from backstory.history.replay import Step
from backstory.history.revision import resolve, resolve_commit
from backstory.record import Recorded
from backstory.session.memory import Pending, Way
from backstory.subject import Subjects

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.output import Output
    from backstory.session import Session
    from backstory.store import Log

WAYS: tuple[Way, ...] = ("redecide", "skip", "force")

TEXT = """\
A commit is in conflict when an event that its decision did not know matches what it read. Then nothing at all is
appended, and the exit code is 1. A way out without ID is for all that are in conflict, with ID (a commit's id, hash or
'#position' on its branch) for one; they add up until the rest is clean. Commits that were appended without a condition
cannot be judged: --unconditioned says what to do with them. With --app, commands can be decided again, and states are
shown."""

ABOUT = {
    "redecide": "run its command again on the new state",
    "skip": "leave it out, and what relied on it is in conflict in turn",
    "force": "take it as it is; needs -m",
}

Act = Callable[[Branches, Options], MergeReport]


def options(parser: ArgumentParser, verb: str) -> None:
    """The options that all three have."""
    for way in WAYS:
        parser.add_argument(
            f"--{way}", nargs="?", const="", action="append", default=[], metavar="ID", help=ABOUT[way]
        )
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why, for the reflog")
    author_option(parser)
    parser.add_argument(
        "--unconditioned",
        choices=("allow", "overlap", "refuse"),
        help="commits without a condition: take them (the default), unless a new event shares a tag, or never",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would become of each commit, and append nothing"
    )
    parser.add_argument("--continue", action="store_true", help=f"go on with the {verb} that waits")
    parser.add_argument(
        "--abort", action="store_true", help=f"forget the {verb} that waits; nothing has been changed"
    )
    application_options(parser)


def begun(arguments: Namespace, session: Session, verb: str, source: str | None) -> Pending | None:
    """What is asked for, with what was chosen before; None where there was nothing but to forget it.

    Raises `UsageError` where something else waits, or nothing does.
    """
    memory = session.memory
    waiting = memory.pending
    if waiting is not None and waiting.verb != verb:
        raise UsageError(
            f"a {waiting.verb} of {waiting.source} waits for a word; see: backstory status\n"
            f"or forget it: backstory {waiting.verb} --abort"
        )
    if arguments.abort:
        if waiting is None:
            raise UsageError(f"no {verb} waits for a word; there is nothing to abort")
        session.remember(msgspec.structs.replace(memory, pending=None))
        return None
    if waiting is not None and source is not None and source != waiting.source:
        raise UsageError(
            f"a {verb} of {waiting.source} waits for a word; see: backstory status\n"
            f"or forget it: backstory {verb} --abort"
        )
    if waiting is None:
        if source is None:
            raise UsageError(f"{verb} what? No {verb} waits for a word\nTry: backstory {verb} --help")
        waiting = Pending(verb, source, session.branch)
    if arguments.unconditioned:
        waiting = msgspec.structs.replace(waiting, unconditioned=arguments.unconditioned)
    if arguments.message:
        waiting = msgspec.structs.replace(waiting, message=arguments.message)
    return waiting


def taken_for_value(arguments: Namespace, branches: Branches) -> str | None:
    """The branch that an option took for its ID, as in `merge --skip what-if`."""
    for way in WAYS:
        values = getattr(arguments, way)
        for index, value in enumerate(values):
            if value and branches.find(value) is not None:
                values[index] = ""
                return str(value)
    return None


def chosen(pending: Pending, arguments: Namespace, branches: Branches, on: str) -> Pending:
    """The ways out that were chosen before and now. Raises `UsageError`."""
    ways = dict(pending.ways)
    general: list[Way] = [way for way in WAYS if "" in getattr(arguments, way)]
    if len(general) > 1:
        raise UsageError(
            f"--{general[0]} and --{general[1]} are both for all; name commits: --{general[1]} ID"
        )
    for way in WAYS:
        for name in filter(None, getattr(arguments, way)):
            _, commit = resolve_commit(branches, name, on)
            ways[commit.id] = way
    for_all: Way | None = general[0] if general else pending.way
    if (for_all == "force" or "force" in ways.values()) and not pending.message:
        raise UsageError("to take commits that are in conflict needs a message that says why: --force -m WHY")
    return msgspec.structs.replace(pending, way=for_all, ways=ways)


def settle(pending: Pending, arguments: Namespace, session: Session, act: Act, out: Output) -> int:
    """Do it, and report; where there is a conflict, remember that it waits."""
    branches = session.branches
    view = _source_log(branches, pending)
    report = act(
        branches,
        Options(
            commands=session.application.commands_by_name() if session.has_application else {},
            way=pending.way,
            ways=pending.ways,
            unconditioned=pending.unconditioned,
            message=pending.message,
            author=author(arguments),
            dry_run=arguments.dry_run,
        ),
    )
    memory = session.memory
    waits = None if report.done else pending
    if not arguments.dry_run and waits != memory.pending:
        session.remember(msgspec.structs.replace(memory, pending=waits))
    source, target = Subjects(view), _target_log(branches, pending, done=report.done)
    if out.json:
        out.document(pending.verb, **merge_document(report, source, Subjects(target)))
    else:
        out.page()
        out.lines(words(report, pending, source, target, out, dry_run=arguments.dry_run))
    return answer(report.clean)


def words(
    report: MergeReport, pending: Pending, source: Subjects, target: Log, out: Output, *, dry_run: bool
) -> Iterator[str]:
    """The report for people."""
    if report.conflicts:
        yield from conflict_words(report, pending, source, target, out, dry_run=dry_run)
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


def step_line(step: Step, source: Subjects, out: Output) -> str:
    """A commit and what became of it."""
    outcome = out.paint(SAID[step.outcome], COLORS.get(step.outcome, "green"))
    why = f": {plain(step.reason)}" if step.reason else ""
    if step.there is not None and step.differs:
        why = f", decided differently: {commits.span(step.there)}"
    return f"{commits.line(step.commit, source.of(step.commit), out)}  {outcome}{why}"


def _untold(step: Step) -> bool:
    """Whether more is to be said of a commit than that it is in conflict, or there already."""
    return step.differs or step.outcome not in ("conflict", "known")


def conflict_words(
    report: MergeReport, pending: Pending, source: Subjects, target: Log, out: Output, *, dry_run: bool
) -> Iterator[str]:
    """What is in conflict and why, and what to type next."""
    mine, theirs = (
        (pending.target, pending.source) if pending.verb == "rebase" else (pending.source, pending.target)
    )
    some = count(len(report.conflicts), "commit")
    of = f" of {len(report.steps)}" if len(report.steps) > 1 else ""
    head = f"conflict: {some}{of} from {plain(mine)} would perhaps not be decided so on {plain(theirs)}"
    yield out.paint(f"{head}; nothing was appended", "red")
    for step in report.conflicts:
        yield ""
        yield commits.title(step.commit, out)
        yield from commits.signature(step.commit)
        yield from commits.message(step.commit, source.of(step.commit), out)
        yield ""
        if call := commits.call(step.commit):
            yield f"{commits.INDENT}decided by {call}"
        if step.in_the_way:
            yield f"{commits.INDENT}in the way:"
        for event in step.in_the_way:
            yield f"{commits.INDENT}  {_in_the_way(event, target, mine, out)}"
        yield from _states(step, out)
        if step.reason:
            yield f"{commits.INDENT}{out.paint(plain(step.reason), 'red')}"
            if "not known here" in step.reason:
                yield f"{commits.INDENT}name the application that has it: --app MODULE"
    others = [step for step in report.steps if _untold(step)]
    if others:
        yield ""
        yield "the others:"
        yield from (f"  {step_line(step, source, out)}" for step in others)
    if not dry_run:
        yield ""
        yield from next_words(pending)


def next_words(pending: Pending) -> Iterator[str]:
    """What to type next."""
    verb = f"backstory {pending.verb}"
    rows = {
        f"{verb} --redecide": "run the commands again on the new state",
        f"{verb} --skip": "leave these commits out",
        f"{verb} --force -m WHY": "take them as they are",
        f"{verb} --skip ID --redecide ID": "answer for each commit",
        f"{verb} --abort": "forget it; nothing has been changed",
    }
    width = max(map(len, rows))
    yield "what now?"
    yield from (f"  {written:{width}}  {about}" for written, about in rows.items())


def _in_the_way(event: Any, target: Log, mine: str, out: Output) -> str:
    """An event of the target, or one of the branch itself that will be missing."""
    if isinstance(event, Recorded):
        there = next(iter(target.read(after=event.position - 1, upto=event.position)), None)
        data = commits.data_line(event)
        if there == event:
            return f"{commits.event(event, out)}  {data}"
        return f"{commits.event(event, out)}  {data}, which {plain(mine)} had and which would be missing"
    tags = out.paint("  ".join(map(plain, event.tags)), "green")
    return f"{out.paint(plain(event.type), 'bold')}  {tags}  {commits.data_line(event)}, newly decided"


def _states(step: Step, out: Output) -> Iterator[str]:
    """Each state that was read: as the decision knew it, and as it is now."""
    from backstory.history.diff import diff

    for name, before in step.before.items():
        difference = diff(before, step.after[name])
        shown = out.paint(plain(name_of(before)), "bold")
        yield f"{commits.INDENT}{shown}, as it was when this was decided, and as it is now:"
        if not difference:
            yield f"{commits.INDENT}  no difference in its fields"
        yield from (f"{commits.INDENT}  {text}" for text in painted(difference, out))


def _source_log(branches: Branches, pending: Pending) -> Log:
    """The log whose commits are judged, as it is before that: a rebase gives its branch another one."""
    if pending.verb == "rebase":
        return branches.log(pending.target)
    return branches.view(resolve(branches, pending.source, pending.target).chain)


def _target_log(branches: Branches, pending: Pending, *, done: bool) -> Log:
    """The log that they are judged on, or that has them now."""
    if pending.verb == "rebase" and not done:
        return branches.view(resolve(branches, pending.source, pending.target).chain)
    return branches.log(pending.target)


def _span(first: int, last: int) -> str:
    return f"#{first}" if first == last else f"#{first}..#{last}"
