"""Which commits `log` shows: from a revision, of a range, or after which a field has a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError
from backstory.errors import UnknownRevision
from backstory.history.ask.listing import Filter, Side
from backstory.history.refs.branches import Branches
from backstory.history.refs.revision import Point, missing, resolve_range
from backstory.texts import states
from backstory.texts.having import having
from backstory.told import pasted
from backstory.values.query import Query

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.session import Session


def sides(session: Session, wanted: Filter, arguments: Namespace) -> list[Side]:
    """The logs that are meant, and the wanted commits of each."""
    text = arguments.revision or "HEAD"
    if states.is_tag(text):
        raise UsageError(f"{text} is a tag; the commits that are about it: {pasted('log', '--tag', text)}")
    try:
        return _sides(session, wanted, arguments, text)
    except UnknownRevision:
        if text and any(session.log.read(Query.of([text]), limit=1)):
            line = pasted("log", "--type", text)
            raise UsageError(f"{text} is a type of event; the commits that have one: {line}") from None
        raise


def _sides(session: Session, wanted: Filter, arguments: Namespace, text: str) -> list[Side]:
    branches = session.branches
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
            part = side.wanted
            part.only = having(
                side.log, arguments.value, arguments.of or [], session.state, part.after, part.upto
            )
    return found


def _upto(branches: Branches, wanted: Filter, point: Point) -> Side:
    return Side(branches.view(point.chain), msgspec.structs.replace(wanted, upto=point.position))


def _missing(branches: Branches, wanted: Filter, start: Point, end: Point, sign: str) -> Side:
    """The commits of `end` that `start` does not have."""
    part = missing(branches, start, end)
    narrowed = msgspec.structs.replace(wanted, after=part.after, upto=part.upto, missing=part)
    return Side(part.log, narrowed, sign)
