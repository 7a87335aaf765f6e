"""Why there is a commit: by which command it was decided, and which commits revert it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.documents.commits import call_document
from backstory.history.ask.causes import undone_by
from backstory.values.commit import COMMAND, Commit
from backstory.web.shown import is_masked

if TYPE_CHECKING:
    from backstory.history.refs.revision import Point
    from backstory.store import Log
    from backstory.subject import Subjects
    from backstory.web.ask import Ask

REVERTS = 40
"""Commits that revert one which are shown."""


def call(ask: Ask, commit: Commit) -> Mapping[str, Any] | None:
    """The command that made it, masked, and its arguments; None if none did, or if it is withheld."""
    if COMMAND in commit.withheld or not commit.command_json:
        return None
    try:
        recorded = call_document(commit)
    except msgspec.DecodeError:
        recorded = None
    if not isinstance(recorded, dict) or not isinstance(recorded.get("arguments", {}), dict):
        return {"name": "a command that cannot be read", "full": "", "arguments": ()}
    name = str(recorded.get("name"))
    known = None if ask.site.application is None else ask.site.application.commands_by_name().get(name)
    given = []
    for parameter, value in recorded.get("arguments", {}).items():
        cls = known.reads[parameter].cls.__name__ if known is not None and parameter in known.reads else ""
        is_one = bool(cls) and isinstance(value, dict)
        identity = list(map(str, value.values())) if is_one else []
        is_named = is_one and not any(map(is_masked, identity))
        given.append((parameter, value, (cls, *identity) if is_named else ()))
    given += [(parameter, "withheld", ()) for parameter in recorded.get("withheld", ())]
    given += [(parameter, value, ()) for parameter, value in (recorded.get("inputs") or {}).items()]
    full = "" if known is None else f"{known.__module__}.{known.__name__}"
    return {"name": name, "full": full, "arguments": given}


def undone(
    ask: Ask, point: Point, commit: Commit, log: Log, subjects: Subjects
) -> list[tuple[Commit, str, Commit | None]]:
    """The commits that revert it, each with its subject, and the commit that reverts that one."""
    upto = upto_of(ask, point, commit)
    return [
        (each, subjects.of(each), next(undone_by(log, each, upto), None))
        for each in islice(undone_by(log, commit, upto), REVERTS)
    ]


def upto_of(ask: Ask, point: Point, commit: Commit) -> int | None:
    """The position up to which is looked for what came of it: that of the reader, if it is a later one there."""
    later = ask.is_past and ask.point.chain == point.chain and ask.position > commit.position
    return ask.position if later else None
