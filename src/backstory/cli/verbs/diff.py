"""`backstory diff`: the difference between two points: of events, of one state, or of every state of a kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse import target
from backstory.cli.parse.parser import application_options
from backstory.cli.show import changes, commits, table
from backstory.cli.show.text import count
from backstory.documents.commits import commit_documents
from backstory.documents.differences import events_diff_document, state_diff_document, states_diff_document
from backstory.documents.states import name_of, noun_of
from backstory.errors import RevisionError
from backstory.failing import theirs
from backstory.history.compare.diff import diff_states
from backstory.history.compare.patch import json_patch
from backstory.history.refs.branches import Branches
from backstory.history.refs.revision import Point, Range, commits_between, resolve_range
from backstory.lookup import events_of
from backstory.subject import Subjects
from backstory.texts import states
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log
    from backstory.values.commit import Commit

EXAMPLES = """\
backstory diff '#2' HEAD
backstory diff '#2' HEAD account:a-7
backstory diff main~2 main Account a-7
backstory diff '#1' main --all Account --stat
backstory diff main~2 HEAD Account a-7 --json-patch
"""

TEXT = """\
Between A and B, or A and HEAD if B is missing; A..B is the same as A B, and A...B begins where the two parted. Without
more words: the commits that only one of them has, with their events. With a tag, or a state of the application and its
identity: field by field. With --all STATE: every state that differs; with --all tags: every tag that differs.
Exit code 1: there is a difference."""


def arguments(parser: ArgumentParser) -> None:
    """The two revisions, the state or tag, and the form of the result."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="A [B] [KEY:VALUE|STATE ...]",
        help="the revisions, and the tag or state to compare",
    )
    parser.add_argument("--all", metavar="STATE", help="every state of this kind that differs, or every tag")
    parser.add_argument("--stat", "--summary", action="store_true", help="only the number of differences")
    parser.add_argument(
        "--json-patch", action="store_true", help="print a JSON Patch (RFC 6902) that makes B of A"
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Compare, and print."""
    branches = session.branches
    span, words = points(session, arguments)
    if arguments.all is not None:
        if words:
            raise UsageError(f"--all {arguments.all} and {' '.join(words)!r}: one of them is too much")
        return every(session, span, arguments, out)
    if words:
        return one(session, span, words, arguments, out)
    if arguments.json_patch:
        raise UsageError("--json-patch is for a tag, a state, or --all STATE")
    return events(branches, span, arguments, out)


def points(session: Session, arguments: Namespace) -> tuple[Range, list[str]]:
    """The two points, and the words after them. Raises `RevisionError`."""
    branches, (first, *rest) = session.branches, arguments.words
    if states.is_tag(first):
        raise UsageError(f"diff from where? Revisions come first: {pasted('diff', 'main~1', 'main', first)}")
    span = resolve_range(branches, first, session.branch)
    if span is not None:
        if span.both:
            chain, shared = branches.shared(span.start.chain, span.end.chain)
            span = Range(Point(chain, shared), span.end, both=False)
        return span, rest
    start = session.point(first)
    if rest and not states.is_tag(rest[0]):
        try:
            return Range(start, session.point(rest[0]), both=False), rest[1:]
        except RevisionError:
            if not is_state(session, rest[0], sure=len(rest) > 1):
                raise
    return Range(start, session.point("HEAD"), both=False), rest


def is_state(session: Session, name: str, *, sure: bool) -> bool:
    """Whether the application has a state of this name. Raises `ApplicationError` if the name can be nothing else."""
    if session.rows(name) is not None:
        return True
    if not session.has_application:
        return False
    app = session.application
    if sure:
        app.state(name)
    return any(cls.__name__ == name.rpartition(".")[2] for cls in app.states)


def one(session: Session, span: Range, words: list[str], arguments: Namespace, out: Output) -> int:
    """Compare one state."""
    reference, branches = target.reference(session, words), session.branches
    with theirs(reference):
        difference = diff_states(
            branches.view(span.start.chain),
            span.start.position,
            branches.view(span.end.chain),
            span.end.position,
            reference,
        )
    if arguments.json_patch:
        out.json_line(msgspec.json.encode(json_patch(difference.masked())))
    elif out.json:
        out.whole(state_diff_document(span, reference, difference))
    else:
        out.page()
        name = plain(name_of(reference))
        if arguments.stat or not difference:
            out.line(f"{name}  {difference.summary}")
        else:
            out.line(out.paint(f"{name}  {label(arguments, words)}", "bold"))
            out.lines(f"  {text}" for text in changes.painted(difference, out))
    return answer(not difference)


def every(session: Session, span: Range, arguments: Namespace, out: Output) -> int:
    """Compare every state of a kind, one pass over the events between."""
    from backstory.history.ask.diff_all import both

    cls, branches = target.state_class(session, arguments.all), session.branches
    number = 0
    with theirs(cls):
        found = both(branches, branches.view, span.start, span.end, cls).found()
        if arguments.json_patch:
            patches = {name_of(each.reference): json_patch(each.difference.masked()) for each in found}
            out.json_line(msgspec.json.encode(patches))
            return answer(not patches)
        if out.json:
            told = states_diff_document(span, found)
            out.whole(told)
            return answer(not told["differs"])
        out.page()
        for each in found:
            number += 1
            name = plain(name_of(each.reference))
            if arguments.stat:
                out.line(f"{name}  {each.difference.summary}")
            else:
                out.line(out.paint(name, "bold"))
                out.lines(f"  {text}" for text in changes.painted(each.difference, out))
    out.say(f"{count(number, noun_of(cls))} {'differs' if number == 1 else 'differ'}")
    return answer(not number)


def label(arguments: Namespace, words: list[str]) -> str:
    """The two points as they were asked for."""
    revisions = arguments.words[: len(arguments.words) - len(words)]
    return plain(revisions[0] if ".." in revisions[0] else " -> ".join([*revisions, "HEAD"][:2]))


def events(branches: Branches, span: Range, arguments: Namespace, out: Output) -> int:
    """The commits that only one of the points has."""
    sides = (
        ("-", "red", branches.view(span.start.chain), commits_between(branches, span.end, span.start)),
        ("+", "green", branches.view(span.end.chain), commits_between(branches, span.start, span.end)),
    )
    if out.json:
        told = events_diff_document(span, *(commit_documents(log, found) for _, _, log, found in sides))
        out.whole(told)
        return answer(not told["differs"])
    out.page()
    if arguments.stat:
        return stat([(log, list(found)) for _, _, log, found in sides], out)
    differs = False
    for sign, color, log, found in sides:
        subjects = Subjects(log)
        for commit in found:
            differs = True
            out.line(f"{out.paint(sign, color)} {commits.line(commit, subjects.of(commit), out)}")
            for record in events_of(log, commit):
                shown = f"{commits.event(record, out)}  {commits.data_line(record)}"
                out.line(f"{out.paint(sign, color)}     {shown}")
    return answer(not differs)


def stat(sides: list[tuple[Log, list[Commit]]], out: Output) -> int:
    """How many events of which type only one of the points has."""
    counts = [
        Counter(event.type for commit in found for event in events_of(log, commit)) for log, found in sides
    ]
    removed, added = counts
    rows = [
        (plain(kind), f"-{removed[kind]}" if removed[kind] else "", f"+{added[kind]}" if added[kind] else "")
        for kind in sorted(removed | added)
    ]
    if rows:
        table.write(out, ("type", "a", "b"), rows, right="a b")
    minus, plus = (len(found) for _, found in sides)
    out.line(f"only in a: {count(minus, 'commit')}; only in b: {count(plus, 'commit')}")
    return answer(not (minus or plus))
