"""Which fields that commits changed later commits own: undoing the commits would change a later decision of somebody.

A revert that restored the value from before what it undid owns nothing. So the commits that a refused revert names can
be reverted first, and then it is not refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from backstory.decide.state import State, state_type
from backstory.history.blame.blame import Blame, blame
from backstory.history.compare.diff import diff
from backstory.history.compare.jsonable import canonical, plain, words_of
from backstory.history.compare.pointer import Path, pointer
from backstory.history.refs.decisions import deciding
from backstory.lookup import Commits, commit_at
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
    owners = _Owners(log, commit, after, taken)
    later = log.read(owners.reference.query(), after=commit.position, limit=1)
    if next(iter(later), None) is None or not (changes := diff(before, after).changes):
        return []
    found = ((change.pointer, owners.of(change.path)) for change in changes)
    return [Owned(owners.reference, pointer, owner) for pointer, owner in found if owner is not None]


class _Given(NamedTuple):
    """The position of the event that gave a field its value, or took it away, and the value; None if it is gone."""

    position: int
    value: bytes | None


class _Owners:
    """Which later events own the fields that a commit changed in one state.

    A revert that restored what was there before the commits that it undid owns nothing: it gives the field back to the
    event that had given it before them.
    """

    def __init__(self, log: Log, commit: Commit, after: State, taken: Collection[int]) -> None:
        self.reference = state_type(type(after)).empty(after)
        self._log = log
        self._commit = commit
        self._after = after
        self._taken = taken
        self._blames: dict[int, Blame] = {}

    def of(self, path: Path) -> int | None:
        """The position of the later event that owns a field; None if it is the commit's, or undone with it."""
        now = self._given(path, self._log.head().position)
        owner = now.position
        while owner > self._commit.position and owner not in self._taken:
            restored = self._restored(path, owner, now.value)
            if restored is None or restored.position < self._commit.first:
                return owner
            owner = restored.position
        return None

    def _restored(self, path: Path, position: int, value: bytes | None) -> _Given | None:
        """The field as it was before what the commit of a position undid; None if it had not this value there."""
        ids = ids_of(commit_at(self._log, position).metadata_json, REVERTS)
        undone = [found for found in (deciding(self._log, id) for id in ids) if found is not None]
        ends = {each.position for each in undone}
        starts = (each.first - 1 for each in undone)
        # Commits that lie one after the other were undone together.
        for start in sorted((start for start in starts if start not in ends), reverse=True):
            if start < position and (given := self._given(path, start)).value == value:
                return given
        return None

    def _given(self, path: Path, upto: int) -> _Given:
        """The field as of a position."""
        blamed = self._blame(upto)
        if not _has(blamed, path):
            return _Given(self._gone(path, upto), None)
        part = blamed[pointer(path)]
        return _Given(part.position, canonical(part.value))

    def _gone(self, path: Path, upto: int) -> int:
        """The position of the event since which a field is not there: the commit's, if nothing has changed since.

        Blame knows only parts that are there. Of a part that is gone, the one around it tells nothing: another event
        may have changed another field of that.
        """
        state, since = state_type(type(self._after)).copy(self._after), min(upto, self._commit.position)
        commits, ended = Commits(self._log), _end(state, path)
        for event in commits.of(self._log.read(self.reference.query(), after=since, upto=upto)):
            state_type(type(state)).fold(state, (event,), commits)
            if (now := _end(state, path)) != ended:
                ended, since = now, event.position
        return since

    def _blame(self, upto: int) -> Blame:
        if upto not in self._blames:
            self._blames[upto] = blame(self._log, self.reference, upto)
        return self._blames[upto]


def _has(blamed: Blame, path: Path) -> bool:
    try:
        blamed[pointer(path)]
    except KeyError:
        return False
    return True


def _end(state: State, path: Path) -> tuple[int, type]:
    """How many steps of a path lead into a state, and the type of what is there."""
    value = plain(state)
    for count, step in enumerate(path):
        try:
            value = value[step]
        except (LookupError, TypeError):
            return count, type(value)
    return len(path), type(value)


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
