"""Merge, rebase and cherry-pick: taking commits over to another branch, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, get_args

import msgspec

from backstory.decide.context import current
from backstory.decide.register import known
from backstory.errors import BranchError, BranchMoved, HeadMoved, IdReused, MergeConflict, RefMoved
from backstory.history.merge.replay import MergeStep, Outcome, Policy, Replay, Resolution, Rules
from backstory.history.refs.branches import MAIN, Branch, Branches
from backstory.history.refs.decisions import origin
from backstory.history.refs.revision import Point
from backstory.lookup import events_of, head_at, to_end
from backstory.store import Log, Verdict
from backstory.unit import Holds, Step
from backstory.values.codec import PLAIN, Codec
from backstory.values.commit import Commit, Draft, Head, drafted

ATTEMPTS = 10
"""How often a merge is judged again because the target went on while it was judged."""


class MergeReport(msgspec.Struct, frozen=True):
    """The outcome for each commit. Nothing was appended unless `done`: after a dry run, or in a `MergeConflict`.

    `base` is the position up to which both are the same history; `commits` are those that were appended. `moved` says
    that a rebase lets the branch start at another point, even if the branch has no commits of its own. `unseen` are the
    outcomes for commits that are outside of the reader's scope.
    """

    source: str
    target: str
    base: int
    steps: tuple[MergeStep, ...]
    commits: tuple[Commit, ...] = ()
    fast_forward: bool = False
    done: bool = False
    moved: bool = False
    unseen: tuple[Outcome, ...] = ()

    @property
    def nothing_to_do(self) -> bool:
        """Whether the target has everything already, or starts there already."""
        outcomes = {*(step.outcome for step in self.steps), *self.unseen}
        return not self.moved and outcomes <= {"known", "settled"}

    @property
    def judged(self) -> int:
        """How many commits there are, with those that the reader does not see."""
        return len(self.steps) + len(self.unseen)

    @property
    def conflicts(self) -> tuple[MergeStep, ...]:
        """The commits that cannot be taken over as things are."""
        return tuple(step for step in self.steps if step.outcome == "conflict")

    @property
    def clean(self) -> bool:
        """Whether there is no conflict."""
        return not self.conflicts and "conflict" not in self.unseen


class Options(msgspec.Struct, frozen=True):
    """How to treat conflicts; see `Rules`.

    `message` is the reason. `dry_run` appends nothing, and returns the report of a conflict too. `preview` is a dry run
    that also says of each commit in conflict what deciding again would give, if all of them were decided again.

    `author` is the person who runs this; without one, the context's author.

    `ends` are the hashes at which source and target ended when somebody looked at a merge: it raises `HeadMoved` if
    one of them has gone on since, so that what was looked at is done, or nothing.
    """

    resolution: Resolution | None = None
    resolutions: Mapping[str, Resolution] = {}
    unconditioned: Policy = "allow"
    commands: Mapping[str, Any] | None = None
    message: str = ""
    author: str | None = None
    dry_run: bool = False
    preview: bool = False
    ends: tuple[bytes, bytes] | None = None
    codec: Codec = PLAIN

    def __post_init__(self) -> None:
        answers = get_args(Resolution)
        for answer in (self.resolution, *self.resolutions.values()):
            if answer is not None and answer not in answers:
                raise ValueError(f"a conflict is answered with {', '.join(answers)}, not {answer!r}")
        if self.unconditioned not in get_args(Policy):
            raise ValueError(f"unconditioned is {', '.join(get_args(Policy))}, not {self.unconditioned!r}")

    def rules(self, branches: Branches) -> Rules:
        """The rules for the judge. Raises `BranchError` if a commit is forced without a reason."""
        if "force" in (self.resolution, *self.resolutions.values()) and not self.message:
            raise BranchError("to take commits that are in conflict needs a message that says why")
        author = current().author if self.author is None else self.author
        return Rules(
            branches.clock,
            branches.secrets,
            self.codec,
            self.resolution,
            self.resolutions,
            self.unconditioned,
            known(self.commands),
            author,
        )

    @property
    def writes(self) -> bool:
        """Whether the outcome is to be appended."""
        return not (self.dry_run or self.preview)


DEFAULTS = Options()


def merge(branches: Branches, source: str, target: str, options: Options = DEFAULTS) -> MergeReport:
    """Append to `target` the commits that only `source` has: all as one batch, or nothing if there is a conflict.

    Commits keep id, author, message and time. If the target has no new commits it is fast-forwarded: the commits keep
    their hashes too. Only a target that ends inside of a batch gets the rest of the batch with other hashes: a later
    commit may have been decided without an earlier one, which the log would refuse. Raises `MergeConflict` unless
    `dry_run`, `UnknownRevision` for a branch that does not exist, `HeadMoved` if the target goes on at each try.
    """
    other = branches.get(target)

    def judge(head: Head) -> MergeReport:
        return to_end(_judging(branches, source, target, options, head))

    def beside(report: MergeReport) -> Sequence[Step]:
        left_out = [origin(each.commit) for each in report.steps if each.outcome in ("skipped", "refused")]
        if not left_out and not any(each.draft is not None for each in report.steps):
            return ()
        note = branches.reflog.steps(
            "Merged",
            target,
            source=source,
            base=report.base,
            message=options.message,
            fast_forward=report.fast_forward,
        )
        return [branches.settling(target, left_out), *note] if left_out else note

    return _settle(branches, other, judge, beside, options)


def previewing(
    branches: Branches, source: str, target: str, options: Options
) -> Generator[None, None, MergeReport]:
    """The preview of a merge for somebody who waits: it stops after each commit that was judged, and returns it."""
    head = branches.open(branches.get(target)).head()
    options = msgspec.structs.replace(options, preview=True)
    return (yield from _judging(branches, source, target, options, head))


def _judging(
    branches: Branches, source: str, target: str, options: Options, head: Head
) -> Generator[None, None, MergeReport]:
    """The report of a merge while the target ends at `head`."""
    one, other = branches.get(source), branches.get(target)
    view, log = branches.view(one.chain), branches.open(other)
    base = min(branches.shared(one.chain, other.chain)[1], head.position)
    end = view.head()
    if options.ends is not None and options.ends != (end.hash, head.hash):
        raise HeadMoved((end if options.ends[0] != end.hash else head).position)
    commits = list(view.commits(after=base, upto=end.position))
    settled = branches.settled(target) if commits else frozenset()
    if base == head.position and not any(origin(commit) in settled for commit in commits):
        forward = _forward(view, commits, base, source, target)
        if not any(_meets(step.draft, view, base) for step in forward.steps):
            return forward
    rules = options.rules(branches)
    replaying = partial(Replay, view, log, base, head)
    steps = yield from _judged(replaying, rules, commits, lambda commit: origin(commit) in settled, options)
    return MergeReport(source, target, base, tuple(steps))


def rebase(branches: Branches, name: str, onto: Point, options: Options = DEFAULTS) -> MergeReport:
    """Let a branch start at another point, its commits judged again there. Its old log stays, for the reflog.

    If it starts there already, nothing is done. Raises `MergeConflict` unless `dry_run`, `BranchError` for main, which
    is never moved, and if the branch was moved meanwhile.
    """
    branch = branches.get(name)
    if name == MAIN:
        raise BranchError("main is never moved: append to it, or merge into it")
    view, target = branches.view(branch.chain), branches.view(onto.chain)
    base = min(branches.shared(branch.chain, onto.chain)[1], onto.position)
    if base == onto.position == branches.origin(branch.chain).position:
        return MergeReport(name, f"#{onto.position}", base, (), done=options.writes)
    for _ in range(ATTEMPTS):
        head = view.head()
        replaying = partial(Replay, view, target, base, head_at(target, onto.position))
        commits = list(view.commits(after=base, upto=head.position))
        steps = to_end(_judged(replaying, options.rules(branches), commits, lambda _: False, options))
        report = MergeReport(name, f"#{onto.position}", base, tuple(steps), moved=True)
        if not _may_go_in(report, options):
            return report
        with suppress(HeadMoved):
            done = branches.move(
                branch,
                branches.start(onto.chain, onto.position),
                [step.draft for step in steps if step.draft is not None],
                Holds(branch.number, head.position, head.hash, last=True),
                {"onto": onto.position, "message": options.message},
            )
            return msgspec.structs.replace(report, commits=done, done=True)
    raise HeadMoved(view.head().position)


def cherry_pick(branches: Branches, point: Point, target: str, options: Options = DEFAULTS) -> MergeReport:
    """Take over one commit.

    It also conflicts if it relied on commits of its branch that the target does not have. Raises as `merge` does.
    """
    branch = branches.get(target)
    view, log = branches.view(point.chain), branches.open(branch)
    picked = point.commit
    if picked is None:
        raise BranchError("there is no commit at position 0 to take over")

    def judge(head: Head) -> MergeReport:
        base = min(branches.shared(point.chain, branch.chain)[1], picked.first - 1)
        replaying = partial(Replay, view, log, base, head)
        commits = list(view.commits(after=base, upto=picked.position))
        rules = options.rules(branches)
        earlier = partial(_is_before, picked.position)
        steps = to_end(_judged(replaying, rules, commits, earlier, options))
        return MergeReport(f"#{picked.position}", target, base, tuple(steps[-1:]))

    def beside(report: MergeReport) -> Sequence[Step]:
        if all(step.draft is None for step in report.steps):
            return ()
        return branches.reflog.steps("CherryPicked", target, commit=picked.id, message=options.message)

    return _settle(branches, branch, judge, beside, options)


def _judged(
    replaying: Callable[[Rules], Replay],
    rules: Rules,
    commits: Sequence[Commit],
    settled: Callable[[Commit], bool],
    options: Options,
) -> Generator[None, None, list[MergeStep]]:
    """The outcome for each commit; for a preview, also what deciding again would give for those in conflict."""
    replace = msgspec.structs.replace
    if not options.preview:
        return (yield from replaying(rules).judging(commits, settled))
    steps = yield from replaying(replace(rules, asks=True)).judging(commits, settled)
    if all(step.outcome != "conflict" for step in steps):
        return steps
    deciding = replace(rules, resolution="redecide", asks=True)
    again = yield from replaying(deciding).judging(commits, settled)
    return [
        replace(step, again=other) if step.outcome == "conflict" else step
        for step, other in zip(steps, again, strict=True)
    ]


def _is_before(position: int, commit: Commit) -> bool:
    return commit.position < position


def _settle(
    branches: Branches,
    target: Branch,
    judge: Callable[[Head], MergeReport],
    beside: Callable[[MergeReport], Sequence[Step]],
    options: Options,
) -> MergeReport:
    """Judge and write one unit, again if the target went on while it was judged."""
    log, attempts = branches.open(target), 0
    while True:
        head = log.head()
        report = judge(head)
        if not _may_go_in(report, options):
            return report
        try:
            return _append(log, report, head, beside(report))
        except (HeadMoved, IdReused, RefMoved) as moved:
            # An id or a ref is another where another merge was faster.
            attempts += 1
            stands_still = not isinstance(moved, RefMoved) and log.head() == head
            if isinstance(moved, BranchMoved) or stands_still or attempts == ATTEMPTS:
                raise


def _may_go_in(report: MergeReport, options: Options) -> bool:
    """Whether it is to be written: a dry run never is. Raises `MergeConflict`."""
    if report.conflicts and options.writes:
        raise MergeConflict(report)
    return options.writes


def _append(log: Log, report: MergeReport, head: Head, beside: Sequence[Step]) -> MergeReport:
    """Append the judged commits as one batch, on top of `head` alone, with the other steps. Raises `HeadMoved`."""
    drafts = [step.draft for step in report.steps if step.draft is not None]
    if drafts:
        drafts[0] = msgspec.structs.replace(drafts[0], parent=head.hash)
    done: Verdict = ()
    if drafts or beside:
        [done] = log.append([drafts], beside=beside)
    if isinstance(done, tuple):
        return msgspec.structs.replace(report, commits=done, done=True)
    raise done


def _meets(one: Draft | None, view: Log, base: int) -> bool:
    """Whether a log that ends at `base` has an event that the condition of a draft forbids."""
    condition = None if one is None else one.condition
    if condition is None or condition.after >= base:
        return False
    return any(True for _ in view.read(condition.query, after=condition.after, upto=base, limit=1))


def _forward(view: Log, commits: list[Commit], base: int, source: str, target: str) -> MergeReport:
    """A fast-forward: the same commits, decided on the same positions."""
    steps = tuple(MergeStep(commit, "clean", drafted(commit, events_of(view, commit))) for commit in commits)
    return MergeReport(source, target, base, steps, fast_forward=True)
