"""Options that merge, rebase and cherry-pick have in common: the request, and answers to conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse.author import author, author_option
from backstory.cli.parse.parser import application_options
from backstory.history.merge.merge import Options
from backstory.history.refs.branches import Branches
from backstory.history.refs.revision import resolve_commit
from backstory.session.memory import Pending, Resolution
from backstory.told import pasted

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.session import Session

RESOLUTIONS: tuple[Resolution, ...] = ("redecide", "skip", "force")

TEXT = """\
A commit is in conflict if an event that its decision did not know matches the query of the decision. Then nothing is
appended, and the exit code is 1. --skip, --redecide and --force apply to every commit in conflict, or with ID (a
commit's id, its hash, or '#position' on its branch) to that one. You may answer in several runs: answers are kept until
nothing is in conflict. A commit that was appended without a condition cannot be judged; --unconditioned chooses how
to treat it. With --app, commands can be decided again, and states are shown."""

ABOUT = {
    "redecide": "run its command again on the new state",
    "skip": "leave it out; a commit that relied on it is then in conflict too",
    "force": "take it as it is; needs -m",
}


def options(parser: ArgumentParser, verb: str) -> None:
    """The options that all three have."""
    for resolution in RESOLUTIONS:
        parser.add_argument(
            f"--{resolution}",
            nargs="?",
            const="",
            action="append",
            default=[],
            metavar="ID",
            help=ABOUT[resolution],
        )
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why, for the reflog")
    author_option(parser)
    parser.add_argument(
        "--unconditioned",
        choices=("allow", "overlap", "refuse"),
        help="commits without a condition: take them (the default), unless a new event shares a tag, or never",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the outcome for each commit, and append nothing"
    )
    parser.add_argument(
        "--preview",
        action="store_true",
        help="a dry run that also shows what --redecide would give for each commit in conflict",
    )
    parser.add_argument("--continue", action="store_true", help=f"go on with the unfinished {verb}")
    parser.add_argument(
        "--abort", action="store_true", help=f"forget the unfinished {verb}; nothing has been changed"
    )
    application_options(parser)


def begun(arguments: Namespace, session: Session, verb: str, source: str | None) -> Pending | None:
    """The answers given now and before; None if the unfinished merge was only to be forgotten.

    Raises `UsageError` if something else is unfinished, or nothing is.
    """
    arguments.dry_run |= arguments.preview
    memory = session.memory
    waiting = memory.pending
    if waiting is not None and not (
        waiting.verb == verb and (arguments.abort or source in (None, waiting.source))
    ):
        raise UsageError(f"a {waiting.verb} of {waiting.source} is unfinished").hinted(
            f"See the conflicts: {pasted('status')}",
            f"Or forget it: {pasted(waiting.verb, '--abort')}",
        )
    if arguments.abort:
        if waiting is None:
            raise UsageError(f"no {verb} is unfinished; there is nothing to abort")
        session.remember(msgspec.structs.replace(memory, pending=None))
        return None
    if waiting is None:
        if source is None:
            raise UsageError(f"{verb} needs an argument, because no {verb} is unfinished").hinted(
                f"Try: {pasted(verb, '--help')}"
            )
        waiting = Pending(verb, source, session.branch)
    if arguments.unconditioned:
        waiting = msgspec.structs.replace(waiting, unconditioned=arguments.unconditioned)
    if arguments.message:
        waiting = msgspec.structs.replace(waiting, message=arguments.message)
    return waiting


def taken_for_value(arguments: Namespace, branches: Branches) -> str | None:
    """The branch that an option took for its ID, as in `merge --skip what-if`."""
    for resolution in RESOLUTIONS:
        values = getattr(arguments, resolution)
        for index, value in enumerate(values):
            if value and branches.find(value) is not None:
                values[index] = ""
                return str(value)
    return None


def chosen(pending: Pending, arguments: Namespace, branches: Branches, on: str) -> Pending:
    """The ways out that were chosen before and now. Raises `UsageError`."""
    resolutions = dict(pending.resolutions)
    general: list[Resolution] = [
        resolution for resolution in RESOLUTIONS if "" in getattr(arguments, resolution)
    ]
    if len(general) > 1:
        raise UsageError(
            f"--{general[0]} and --{general[1]} are both for all; name commits: --{general[1]} ID"
        )
    for resolution in RESOLUTIONS:
        for name in filter(None, getattr(arguments, resolution)):
            _, commit = resolve_commit(branches, name, on)
            resolutions[commit.id] = resolution
    for_all: Resolution | None = general[0] if general else pending.resolution
    if (for_all == "force" or "force" in resolutions.values()) and not pending.message:
        raise UsageError("to take commits that are in conflict needs a message that says why: --force -m WHY")
    return msgspec.structs.replace(pending, resolution=for_all, resolutions=resolutions)


def options_of(pending: Pending, arguments: Namespace, session: Session) -> Options:
    """The options of the library for the request; without an application everything works but deciding again."""
    return Options(
        commands=session.application.commands_by_name() if session.has_application else {},
        resolution=pending.resolution,
        resolutions=pending.resolutions,
        unconditioned=pending.unconditioned,
        message=pending.message,
        author=author(arguments),
        dry_run=arguments.dry_run,
        preview=arguments.preview,
    )
