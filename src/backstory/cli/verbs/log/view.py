"""How `log` shows a commit: as lines for people, and as fields for --json."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.show import commits
from backstory.refs import BRANCH, MAIN_REF, MARK

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.cli.show.output import Output
    from backstory.history.ask.listing import Side
    from backstory.session import Session
    from backstory.values.commit import Commit

SHOWN = 10
"""Events that are listed of one commit."""


class View(msgspec.Struct):
    """How a commit is shown: as lines for people, and as fields for --json."""

    lines: Callable[[Side, Commit], Iterator[str]]
    fields: Callable[[Side, Commit], dict[str, Any]]


def named(session: Session) -> Mapping[bytes, list[str]]:
    """The names of branches and marks, by hash; nothing is loaded if there is only main."""
    if not (session.store.refs.list(BRANCH).keys() - {MAIN_REF} or session.store.refs.list(MARK)):
        return {}
    from backstory.history.refs.names import names

    return names(session.branches, session.branch)


def viewed(arguments: Namespace, session: Session, names: Mapping[bytes, list[str]], out: Output) -> View:
    """How commits are shown."""
    more: Callable[[Side, Commit], Iterator[str]] | None = None
    also: Callable[[Side, Commit], dict[str, Any]] | None = None
    if arguments.stat or arguments.patch or arguments.format is not None:
        from backstory.cli.verbs.log import details

        if arguments.format is not None:
            form = details.formatter(arguments.format, names)
            return View(lambda side, commit: iter([form(side, commit)]), commit_fields)
        more, also = details.more(arguments, session, out)

    def lines(side: Side, commit: Commit) -> Iterator[str]:
        known = names.get(commit.hash, ())
        shown = out.paint(f"({', '.join(known)})", "green") if known else ""
        sign = f"{side.sign} " if side.sign else ""
        subject = side.subjects.of(commit)
        if arguments.oneline:
            yield sign + commits.line(commit, subject, out, shown)
        else:
            yield sign + commits.title(commit, out, shown)
            yield from commits.signature(commit)
            yield from commits.message(commit, subject, out)
            if not arguments.stat:
                yield from events(side, commit, out)
        if more is not None:
            yield from more(side, commit)

    def fields(side: Side, commit: Commit) -> dict[str, Any]:
        found = commit_fields(side, commit)
        return found if also is None else found | also(side, commit)

    return View(lines, fields)


def commit_fields(side: Side, commit: Commit) -> dict[str, Any]:
    """A commit for --json."""
    from backstory.documents.commits import commit_document

    fields = commit_document(commit, side.subjects.of(commit), side.events(commit))
    return {"side": side.sign, **fields} if side.sign else fields


def events(side: Side, commit: Commit, out: Output) -> Iterator[str]:
    """The events of a commit, or the first of them."""
    yield ""
    shown = list(side.events(commit, SHOWN))
    yield from (commits.INDENT + text for text in commits.events(shown, out))
    if len(shown) < commit.size:
        yield out.paint(f"{commits.INDENT}and {commit.size - len(shown):,} more", "dim")
