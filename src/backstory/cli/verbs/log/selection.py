"""Which commits `log` shows: from a revision, of a range, or after which a field has a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse import target
from backstory.decide.latest import Latest
from backstory.documents.application import identity_types
from backstory.history.ask.listing import Filter, Side
from backstory.history.ask.search import commits_with, commits_with_any
from backstory.history.compare.pointer import assigned, parse
from backstory.history.refs.branches import Branches
from backstory.history.refs.revision import Point, missing, resolve_range
from backstory.texts import states
from backstory.told import pasted

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.session import Session
    from backstory.store import Log


def sides(session: Session, wanted: Filter, arguments: Namespace) -> list[Side]:
    """The logs that are meant, and the wanted commits of each."""
    branches, text = session.branches, arguments.revision or "HEAD"
    if states.is_tag(text):
        raise UsageError(f"{text} is a tag; the commits that are about it: {pasted('log', '--tag', text)}")
    span = resolve_range(branches, text, session.branch)
    if span is None:
        found = [_upto(branches, wanted, session.point(text))]
    elif span.both:
        found = [
            _missing(branches, wanted, span.start, span.end, ">"),
            _missing(branches, wanted, span.end, span.start, "<"),
        ]
    else:
        found = [_missing(branches, wanted, span.start, span.end, "")]
    if arguments.value is not None:
        for side in found:
            side.wanted.only = frozenset(_with_value(side.log, side.wanted, arguments, session))
    return found


def _upto(branches: Branches, wanted: Filter, point: Point) -> Side:
    return Side(branches.view(point.chain), msgspec.structs.replace(wanted, upto=point.position))


def _missing(branches: Branches, wanted: Filter, start: Point, end: Point, sign: str) -> Side:
    """The commits of `end` that `start` does not have."""
    part = missing(branches, start, end)
    narrowed = msgspec.structs.replace(wanted, after=part.after, upto=part.upto, missing=part)
    return Side(part.log, narrowed, sign)


def _with_value(log: Log, wanted: Filter, arguments: Namespace, session: Session) -> set[int]:
    """The positions of the commits after which a field has a value."""
    asked = assigned(arguments.value)
    if asked is None:
        raise UsageError(f"-S takes PATH=VALUE, as in status=paid; got {arguments.value!r}")
    path, value = asked
    words, steps = arguments.of or [], parse(path)
    if not words:
        states.check_path(steps, Latest)
        found = commits_with_any(log, Latest, path, value, wanted.after, wanted.upto)
    elif len(words) == 1 and not states.is_tag(words[0]) and _has_identity(session, words[0]):
        cls = session.application.state(words[0])
        states.check_path(steps, cls)
        found = commits_with_any(log, cls, path, value, wanted.after, wanted.upto)
    else:
        reference = target.reference(session, words)
        states.check_path(steps, type(reference))
        found = commits_with(log, reference, path, value, wanted.after, wanted.upto)
    return {hit.commit for hit in found}


def _has_identity(session: Session, name: str) -> bool:
    return bool(identity_types(session.application.state(name)))
