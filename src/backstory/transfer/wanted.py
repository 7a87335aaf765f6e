"""The part of the source's logs that a clone copies: the commits that its names lead to, and no others."""

from __future__ import annotations

from backstory.errors import LogDropped, StoreCorrupt
from backstory.history.refs.branches import MAIN, Branches
from backstory.lookup import commit_at
from backstory.store import Log
from backstory.told import pasted
from backstory.transfer.names import Names
from backstory.transfer.stretch import Stretch, has
from backstory.values.commit import NO_HASH, ORIGIN, Head


class Wanted:
    """How far each log is needed, by its number.

    The log of a branch is needed up to its head. Another log is needed up to the last commit that a mark or a log
    stands on, and only if no log that is needed anyway has this commit.

    `begun` is the end of main in the target. If that is a point of main's history in the source, main goes on there:
    it is one stretch from its beginning, of whichever logs it is made. Raises `StoreCorrupt` for a name that leads
    nowhere, `LogDropped` if a log was dropped meanwhile.
    """

    def __init__(self, source: Branches, names: Names, begun: Head) -> None:
        self._source = source
        self._names = names
        self._main = names.branches[MAIN]
        self._heads = {number: self._view(number).head() for number in names.branches.values()}
        self._is_whole = self._main_has(begun.position, begun.hash)
        for number in names.branches.values():
            self._need_origin(number)
        for name, mark in names.marks.items():
            self._need(f"mark {name} names", mark.position, bytes.fromhex(mark.hash))

    def _view(self, number: int) -> Log:
        return self._source.view(self._source.chain(number))

    def _main_has(self, position: int, hash: bytes) -> bool:
        return has(self._view(self._main), self._heads[self._main].position, position, hash)

    def _origin(self, number: int) -> Head:
        try:
            return self._source.store.origin(number)
        except KeyError:
            raise LogDropped(
                f"log {number} of the source was dropped while it was read; clone again"
            ) from None

    def _need_origin(self, number: int) -> None:
        origin = self._origin(number)
        self._need(f"log {number} stands on", origin.position, origin.hash)

    def _need(self, what: str, position: int, hash: bytes) -> None:
        """Let some log that has this commit be needed up to it."""
        if (position, hash) == (0, NO_HASH) or (self._is_whole and self._main_has(position, hash)):
            return
        holders = self._source.store.holding(position, hash)
        if not holders:
            raise StoreCorrupt(
                f"the source is damaged: {what} a commit at #{position} that is not there;"
                f" look for more damage with: {pasted('verify')}"
            )
        number = next((holder for holder in holders if holder in self._heads), holders[0])
        known = self._heads.get(number)
        if known is None or known.position < position:
            self._heads[number] = commit_at(self._source.store.log(number), position).point
        if known is None:
            self._need_origin(number)

    def stretches(self) -> list[Stretch]:
        """The stretches that are needed, each after those that it stands on."""
        found = [self._stretch(number, head) for number, head in self._heads.items()]
        return sorted(found, key=lambda each: (each.origin.position, MAIN not in each.names, each.number))

    def _stretch(self, number: int, head: Head) -> Stretch:
        branches = tuple(name for name, log in self._names.branches.items() if log == number)
        is_whole = self._is_whole and number == self._main
        origin = ORIGIN if is_whole else self._origin(number)
        return Stretch(self._view(number), number, branches, origin, head)
