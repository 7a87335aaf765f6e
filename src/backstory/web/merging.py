"""A merge that somebody looks at: what is asked of it, what it would do, and what a page shows of that."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from backstory.errors import BackstoryError
from backstory.failing import theirs
from backstory.history.merge.merge import MergeReport, Options
from backstory.history.merge.replay import Policy, Resolution
from backstory.history.refs.revision import Point, commits_between
from backstory.lookup import to_end
from backstory.web.ask import Ask, BadParameter, NotFound

MOST_JUDGED = 5_000
"""Commits that a page judges; the command line judges any number."""

LONGEST = 10_000
"""Characters of a reason at most."""

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
            reason = value.strip()[:LONGEST]
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
    """The merge of the address, with the ends that somebody looks at now."""
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


def judging(ask: Ask, asked: Looked) -> Generator[None, None, MergeReport]:
    """The report of the merge with the answers. Nothing is appended. Raises as `Database.merge` does.

    It stops after each commit, and may judge all of them up to four times: with the answers, and decided again.
    """
    into = ask.db.switch(asked.target)
    with theirs("a command of the application"):
        first = yield from into._previewing(asked.source, options(ask, asked))
        if not asked.answers.ways:
            return first
        with_answers = options(ask, asked, first)
        if "force" in with_answers.resolutions.values() and not with_answers.message:
            with_answers = replace(with_answers, message="-")  # it is asked for before anything is appended
        return (yield from into._previewing(asked.source, with_answers))


def judged(ask: Ask, asked: Looked) -> MergeReport:
    """The same, for an action, which is not told how far it is."""
    return to_end(judging(ask, asked))


def is_ready(asked: Looked, report: MergeReport) -> bool:
    """Whether it can be done as it is."""
    return report.clean and not report.nothing_to_do and not asked.answers.needs_reason


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
