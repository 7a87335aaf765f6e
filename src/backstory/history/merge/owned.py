"""Which fields that commits changed later commits own: undoing the commits would change a later decision of somebody.

A revert that restored the value from before what it undid owns nothing. So the commits that a refused revert names can
be reverted first, and then it is not refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from backstory.decide.state import State, state_type
from backstory.history.blame.blame import Blame, blame
from backstory.history.compare.diff import diff
from backstory.history.compare.jsonable import canonical, words_of
from backstory.history.compare.pointer import Path, pointer
from backstory.history.refs.decisions import deciding
from backstory.lookup import commit_at
from backstory.store import Log
from backstory.values.commit import Commit
from backstory.values.links import REVERTS, ids_of

SHOWN = 3
"""How many fields of later commits an error names."""


class Owned(msgspec.Struct, frozen=True):
    """A field that a reverted commit changed, and that a later event has given its value since."""

    reference: State
    pointer: str
    position: int


def owned(log: Log, commit: Commit, before: State, after: State, taken: Collection[int] = ()) -> list[Owned]:
    """The fields of one state that a commit changed, `before` and `after` it, and that later events own.

    Events at the positions `taken` are undone together with it.
    """
    changes = diff(before, after).changes
    if not changes:
        return []
    reference = state_type(type(after)).empty(after)
    owners = _Owners(log, reference, commit, taken)
    found = ((change.pointer, owners.of(change.path)) for change in changes)
    return [Owned(reference, pointer, owner) for pointer, owner in found if owner is not None]


class _Owners:
    """Which later events own the fields that a commit changed in one state.

    A revert that restored the value from before the commits that it undid owns nothing: it gives the field back to the
    event that had given it before them.
    """

    def __init__(self, log: Log, reference: State, commit: Commit, taken: Collection[int]) -> None:
        self._log = log
        self._reference = reference
        self._commit = commit
        self._taken = taken
        self._blames: dict[int, Blame] = {}

    def of(self, path: Path) -> int | None:
        """The position of the later event that owns a field; None if it is the commit's, or undone with it."""
        blamed = self._blame(self._log.head().position)
        while path and not _has(blamed, path):
            path = path[:-1]  # it is gone: the nearest part around it tells
        if not path:
            return None
        part = blamed[pointer(path)]
        owner = part.position
        while owner > self._commit.position and owner not in self._taken:
            start = self._restored(owner)
            before = None if start is None else self._blame(start)
            if before is None or not _has(before, path):
                return owner
            given = before[pointer(path)]
            if given.position < self._commit.first or canonical(given.value) != canonical(part.value):
                return owner
            owner = given.position
        return None

    def _restored(self, position: int) -> int | None:
        """The position before the commits that the commit of a position undid; None if it undid none of this log."""
        ids = ids_of(commit_at(self._log, position).metadata_json, REVERTS)
        undone = [found for found in (deciding(self._log, id) for id in ids) if found is not None]
        start = min((each.first for each in undone), default=position)
        return start - 1 if start < position else None

    def _blame(self, upto: int) -> Blame:
        if upto not in self._blames:
            self._blames[upto] = blame(self._log, self._reference, upto)
        return self._blames[upto]


def _has(blamed: Blame, path: Path) -> bool:
    try:
        blamed[pointer(path)]
    except KeyError:
        return False
    return True


def why(owned: Sequence[Owned]) -> str:
    """Why commits are not undone whose fields later commits own, in words."""
    places = dict.fromkeys(
        f"{one.pointer} of {' '.join(words_of(one.reference))} is #{one.position}'s by now" for one in owned
    )
    left = f"; and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return (
        f"later commits own fields that this would change: {'; '.join([*places][:SHOWN])}{left}."
        " Revert these commits first, or force it"
    )
