"""Causes and effects of a commit, and the commits that undo it: by the ids that metadata name, each a look-up.

`db.context(because=record)` makes the event's commit the cause of what is appended. A cause is a decision: where it was
made again by a merge, the commit that stands for it here is the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from operator import attrgetter

import msgspec

from backstory.history.refs.decisions import deciding, names_of_decision
from backstory.lookup import events_of
from backstory.store import Log
from backstory.values.commit import Commit
from backstory.values.links import CAUSATION, REVERTS, Key, ids_of

BEFORE, AFTER = 20, 40
"""Causes and effects in a tree."""

TYPES = 3
"""Events of a commit in a tree whose types are named."""


class Cause(msgspec.Struct, frozen=True):
    """A commit that another one names: what caused it, or what it undoes.

    `commit` is None where the history at hand has none with this id.
    """

    id: str
    commit: Commit | None


class Effect(msgspec.Struct, frozen=True):
    """A commit that was caused by `cause`, which is the commit that was asked about at depth 1."""

    commit: Commit
    cause: Commit
    depth: int


def causes(log: Log, commit: Commit) -> Iterator[Cause]:
    """The cause of a commit, its cause, and so on back to the first. One look-up for each."""
    seen = {commit.id}
    found: Commit | None = commit
    while found is not None and (ids := ids_of(found.metadata_json, CAUSATION)) and ids[0] not in seen:
        [id] = ids
        seen.add(id)
        found = deciding(log, id)
        if found is not None:
            seen.add(found.id)
        yield Cause(id, found)


def effects(log: Log, commit: Commit, upto: int | None = None) -> Iterator[Effect]:
    """Stream all that a commit caused, up to a position: each effect before its own effects, in the order of the log.

    One look-up for each commit that is given. Memory grows with their number.
    """
    seen = {commit.position}
    waiting = [(commit, 0, _naming(log, CAUSATION, commit, upto))]
    while waiting:
        cause, depth, direct = waiting[-1]
        effect = next((each for each in direct if each.position not in seen), None)
        if effect is None:
            waiting.pop()
            continue
        seen.add(effect.position)
        yield Effect(effect, cause, depth + 1)
        waiting.append((effect, depth + 1, _naming(log, CAUSATION, effect, upto)))


def direct_effects(log: Log, commit: Commit, upto: int | None = None) -> Iterator[Commit]:
    """Stream the commits that a commit caused itself, in the order of the log. One look-up."""
    return _naming(log, CAUSATION, commit, upto)


def undone_by(log: Log, commit: Commit, upto: int | None = None) -> Iterator[Commit]:
    """Stream the commits that revert a commit, up to a position, in the order of the log. One look-up.

    A revert may be reverted itself.
    """
    return _naming(log, REVERTS, commit, upto)


def undoes(log: Log, commit: Commit) -> Iterator[Cause]:
    """Stream the commits that a commit reverts, as it names them. One look-up for each."""
    return (Cause(id, deciding(log, id)) for id in ids_of(commit.metadata_json, REVERTS))


def _naming(log: Log, key: Key, commit: Commit, upto: int | None) -> Iterator[Commit]:
    """The commits that name a decision by any of its ids. One commit has one link of a kind to it, but for reverts."""
    found = merge(
        *(log.linked(key, id, upto=upto) for id in names_of_decision(commit)), key=attrgetter("position")
    )
    last = 0
    for each in found:
        if each.position != last:
            last = each.position
            yield each


class Member(msgspec.Struct):
    """A commit of a family, with the first types of its events, and those that it caused. `this` was asked about.

    `commit` is None for a cause that the history at hand does not have.
    """

    commit: Commit | None
    id: str = ""
    this: bool = False
    types: tuple[str, ...] = ()
    within: list[Member] = []


class Family(msgspec.Struct, frozen=True):
    """The causes of a commit, each around the next, and its effects within it; `earlier` and `later` are left out."""

    top: Member
    earlier: bool
    later: bool


def family(log: Log, commit: Commit, upto: int | None = None) -> Family | None:
    """The nearest causes and the first effects of a commit, as a tree; None if it has neither."""
    before = list(islice(causes(log, commit), BEFORE + 1))
    after = list(islice(effects(log, commit, upto), AFTER + 1))
    if not before and not after:
        return None
    this = Member(commit, this=True)
    inside = {commit.position: this}
    for effect in after[:AFTER]:
        member = _member(log, effect.commit)
        inside[effect.cause.position].within.append(member)
        inside[effect.commit.position] = member
    top = this
    for cause in before[:BEFORE]:
        member = _member(log, cause.commit, cause.id)
        member.within.append(top)
        top = member
    return Family(top, len(before) > BEFORE, len(after) > AFTER)


def _member(log: Log, commit: Commit | None, id: str = "") -> Member:
    events = () if commit is None else events_of(log, commit, TYPES)
    return Member(commit, id, types=tuple(dict.fromkeys(event.type for event in events)))
