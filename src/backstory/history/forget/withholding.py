"""Withholding: taking the bytes of a commit's parts away, so that nobody can read them, and everything still verifies.

The digest of a part stays, and so do all hashes; `docs/design/format.md` says how. It cannot be undone here: the bytes
are in no log of the store any more. Copies of others still have them, and a database that
has moved rows in its files may have left traces there until it is vacuumed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress

from backstory.errors import InvalidEvent, LogDropped, NotThere
from backstory.history.refs.branches import Branches
from backstory.store import Store
from backstory.unit import Withhold
from backstory.values.commit import AUTHOR, COMMAND, DATA, MESSAGE, METADATA, QUERY, Commit

PARTS = {
    "author": AUTHOR,
    "message": MESSAGE,
    "command": COMMAND,
    "metadata": METADATA,
    "query": QUERY,
}
"""The parts of a commit by name; `data` is that of all of its events, and `data:2` that of its second."""


def withhold(branches: Branches, commit: Commit, parts: Iterable[str], *, why: str = "") -> Commit:
    """Take these parts of a commit away, in every log that has it, in one unit; return the rest of the commit.

    The reflog notes that it was done, and why. Caches are emptied, because a snapshot may hold what is taken away.
    Raises `InvalidEvent` for a part that a commit has not, `NotThere` where no log has the commit any more.
    """
    places = tuple(sorted(places_of(parts, commit.size)))
    details: dict[str, object] = {"parts": sorted(parts), "message": why}
    while having := _having(branches.store, commit, places):
        with suppress(NotThere):  # a log was dropped meanwhile
            branches.write(
                *[Withhold(number, commit.id, places) for number in having],
                note=("Withheld", commit.id, details),
            )
    for left in _everywhere(branches.store, commit).values():
        return left
    raise NotThere(f"commit {commit.id!r}")


def _having(store: Store, commit: Commit, places: Collection[int]) -> list[int]:
    """The logs that have one of these parts of a commit."""
    found = _everywhere(store, commit).items()
    return [number for number, each in found if not each.withheld.issuperset(places)]


def _everywhere(store: Store, commit: Commit) -> dict[int, Commit]:
    """The commits that have the same id and say the same, by their logs. One that is dropped meanwhile has none."""
    found: dict[int, Commit] = {}
    for number in store.logs():
        with suppress(KeyError, LogDropped):
            for each in store.log(number).find(commit.id):
                if (each.id, each.content) == (commit.id, commit.content):
                    found[number] = each
    return found


def places_of(parts: Iterable[str], size: int) -> Collection[int]:
    """The places of parts of a commit of so many events. Raises `InvalidEvent` for an unknown name."""
    places: set[int] = set()
    for part in parts:
        name, _, number = part.partition(":")
        if part in PARTS:
            places.add(PARTS[part])
        elif part == "data":
            places.update(range(DATA, DATA + size))
        elif name == "data" and number.isdecimal() and 1 <= int(number) <= size:
            places.add(DATA + int(number) - 1)
        else:
            known = ", ".join([*PARTS, "data", f"data:1 to data:{size}"])
            raise InvalidEvent(f"a commit has no part {part!r}; its parts are {known}")
    return places


def names_of(commit: Commit) -> list[str]:
    """The names of the parts of a commit that are withheld; `data` if that of all of its events is."""
    places = commit.withheld
    names = [name for name, place in PARTS.items() if place in places]
    events = [place - DATA + 1 for place in sorted(places) if place >= DATA]
    return names + (["data"] if len(events) == commit.size else [f"data:{number}" for number in events])
