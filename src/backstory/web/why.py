"""Why there is a commit: by which command it was decided, on what, what caused it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.documents.commits import call_document
from backstory.history.ask.causes import causes, effects, undone_by
from backstory.values.commit import COMMAND, QUERY, Commit
from backstory.values.query import Query
from backstory.web.shown import is_masked

if TYPE_CHECKING:
    from backstory.history.refs.revision import Point
    from backstory.store import Log
    from backstory.subject import Subjects
    from backstory.values.query import Clause
    from backstory.web.ask import Ask

CLAUSES, COUNTED = 20, 100
"""Parts of a condition that are shown, and events of each that are counted."""

BEFORE, AFTER = 20, 40
"""Causes and effects in the tree."""


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


def decided_on(commit: Commit, log: Log) -> Mapping[str, Any] | None:
    """Its condition: each part with the events of that kind; None if it has none, or if it is withheld."""
    condition = commit.condition
    if condition is None or QUERY in commit.withheld:
        return None
    clauses = condition.query.clauses
    came = next(iter(log.read(condition.query, after=condition.after, upto=commit.first - 1, limit=1)), None)
    return {
        "after": condition.after,
        "clauses": [_clause(clause, condition.after, log) for clause in clauses[:CLAUSES]],
        "left": max(0, len(clauses) - CLAUSES),
        "came": came,
    }


def _clause(clause: Clause, upto: int, log: Log) -> Mapping[str, Any]:
    found = list(log.read(Query((clause,)), upto=upto, backwards=True, limit=COUNTED + 1)) if upto else []
    return {
        "types": clause.types,
        "tags": clause.tags,
        "count": min(len(found), COUNTED),
        "more": len(found) > COUNTED,
        "last": found[0].position if found else None,
    }


def undone(
    ask: Ask, point: Point, commit: Commit, log: Log, subjects: Subjects
) -> list[tuple[Commit, str, Commit | None]]:
    """The commits that revert it, each with its subject, and the commit that reverts that one."""
    upto = _upto(ask, point, commit)
    return [
        (each, subjects.of(each), next(undone_by(log, each, upto), None))
        for each in islice(undone_by(log, commit, upto), AFTER)
    ]


def _upto(ask: Ask, point: Point, commit: Commit) -> int | None:
    """The position up to which is looked for what came of it: that of the reader, if it is a later one there."""
    later = ask.is_past and ask.point.chain == point.chain and ask.position > commit.position
    return ask.position if later else None


def tree(ask: Ask, point: Point, commit: Commit, log: Log) -> Mapping[str, Any] | None:
    """Its causes, each around the next, and around it; and its effects within it. None if it has neither."""
    before = list(islice(causes(log, commit), BEFORE + 1))
    after = list(islice(effects(log, commit, _upto(ask, point, commit)), AFTER + 1))
    if not before and not after:
        return None
    this: dict[str, Any] = {"commit": commit, "this": True, "types": (), "id": "", "within": []}
    inside = {commit.position: this}
    for effect in after[:AFTER]:
        node = _node(log, effect.commit)
        inside[effect.cause.position]["within"].append(node)
        inside[effect.commit.position] = node
    top = this
    for cause in before[:BEFORE]:
        node = _node(log, cause.commit, cause.id)
        node["within"].append(top)
        top = node
    return {"top": top, "earlier": len(before) > BEFORE, "later": len(after) > AFTER}


def _node(log: Log, commit: Commit | None, id: str = "") -> dict[str, Any]:
    types = (
        []
        if commit is None
        else [event.type for event in log.read(after=commit.first - 1, upto=commit.position, limit=3)]
    )
    return {"commit": commit, "this": False, "types": list(dict.fromkeys(types)), "id": id, "within": []}
