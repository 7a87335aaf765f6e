"""`backstory status`: the branch, its standing to the one below, and an unfinished merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.show.counts import commits
from backstory.cli.show.times import human
from backstory.documents.branches import standing_document
from backstory.history.refs.branches import MAIN
from backstory.history.refs.standing import Standings
from backstory.refs import STORE_ID
from backstory.stores import shown
from backstory.subject import subject_of
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory status
backstory status --json
"""


def arguments(parser: ArgumentParser) -> None:
    """Takes no options of its own."""


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Show the status, and the commands to type next."""
    address = session.address
    pending = session.memory.pending
    name = session.branch
    session.check(name)
    branches = session.branches
    stands = Standings(branches).of(branches.get(name))
    log, id = branches.log(name), session.store.refs.get(STORE_ID)
    head = log.head()
    last = next(log.commits(upto=head.position, backwards=True, limit=1), None)
    subject = None if last is None else subject_of(log, last)
    if out.json:
        out.document(
            "status",
            store=shown(address),
            id=id,
            **standing_document(stands, name),
            time=head.time,
            subject=subject,
            pending=pending,
        )
        return 0
    out.line(f"on {out.paint(plain(name), 'bold')} of {plain(shown(address))}")
    if subject is not None:
        out.line(f"head {head.hash.hex()[:10]} {out.paint(f'#{head.position}', 'cyan')}, {human(head.time)}")
        out.line(f"  {plain(subject)}")
    else:
        from backstory.cli.show.commits import none_yet

        out.line(none_yet())
    if name != MAIN:
        out.lines(relation(stands.parent, stands.base, stands.ahead, stands.behind, name))
    if pending is not None:
        from backstory.cli.show.merging import next_words

        out.line()
        out.line(
            out.paint(
                f"a {pending.verb} of {pending.source} into {pending.target} is unfinished: choose how to resolve it",
                "red",
            )
        )
        for id, resolution in pending.resolutions.items():
            out.line(f"  {plain(id)}: {resolution}")
        out.lines(next_words(pending))
    return 0


def relation(parent: str | None, base: int, ahead: int, behind: int, name: str) -> list[str]:
    """How a branch stands to the one below, and the verb for that."""
    if parent is None:
        return [f"it stands on #{base} of a branch that is gone"]
    said = [f"it left {plain(parent)} at #{base}"]
    if ahead:
        how = f"{pasted('switch', parent)} && {pasted('merge', name)}"
        said.append(f"  {commits(ahead)} that {parent} does not have; take them over: {how}")
    if behind:
        said.append(
            f"  {commits(behind)} of {parent} that it does not have; stand on them: {pasted('rebase', parent)}"
        )
    if not ahead and not behind:
        said.append(f"  up to date with {plain(parent)}")
    return said
