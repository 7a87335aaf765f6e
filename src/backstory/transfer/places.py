"""The place of each stretch of a clone: the log of the target, and whether the target's names may follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backstory.errors import StoreExists
from backstory.history.refs.branches import MAIN, Branches, settled_of
from backstory.refs import BRANCH, MAIN_MOVES, MARK, STORE_ID
from backstory.store import Store, write
from backstory.transfer.names import Names
from backstory.transfer.stretch import Stretch
from backstory.unit import Holds, NewLog, SetRef, Step
from backstory.values.commit import NO_HASH, Head


class Place(msgspec.Struct, frozen=True):
    """A log of the target that gets a stretch, and has it up to `reached`."""

    number: int
    stretch: Stretch
    reached: Head

    @property
    def stays(self) -> Holds:
        """The guard that it has the stretch; and no more than that, if a branch is to name it."""
        head = self.stretch.head
        return Holds(self.number, head.position, head.hash, last=bool(self.stretch.names))


class Places:
    """The logs of a target, by the logs of the source that go on in them.

    Nothing of the target's own is lost: raises `StoreExists` if a name of the source leads in the target to a commit
    that the source does not have. The names that only the target has are left alone.
    """

    def __init__(
        self, source: Store, target: Store, names: Names, there: Names, found: Sequence[Stretch]
    ) -> None:
        self._source = source
        self._target = target
        self._branches = Branches(target)
        self._names = names
        self._there = there
        self._going_on: dict[int, int] = {}
        self._places: list[Place] = []
        by_number = {stretch.number: stretch for stretch in found}
        for name, number in names.branches.items():
            self._check_branch(name, by_number[number])
        for name in names.marks:
            self._check_mark(name)

    def _check_branch(self, name: str, stretch: Stretch) -> None:
        if name in self._there.marks:
            raise foreign(f"a mark {name}, which is a branch in the source")
        number = self._there.branches.get(name)
        if number is None:
            return
        head = self._branches.view(self._branches.chain(number)).head()
        alike = name == MAIN or self._target.origin(number) == stretch.origin
        if alike and stretch.passes(head) and number not in self._going_on.values():
            self._going_on.setdefault(stretch.number, number)
        elif not self._is_held(head.position, head.hash):
            raise foreign(f"commits in {name} that the source does not have; it ends at #{head.position}")
        elif name == MAIN and self._target.refs.get(MAIN_MOVES) is None:
            raise StoreExists(
                f"main of the target ends at #{head.position}, with a commit that the source does not have; the target"
                f" does not let main be moved; its owner can allow it: set_ref(store, {MAIN_MOVES!r}, 'yes',"
                " old=None); or clone into a new store"
            )

    def _check_mark(self, name: str) -> None:
        if name in self._there.branches:
            raise foreign(f"a branch {name}, which is a mark in the source")
        mark = self._there.marks.get(name)
        if mark is not None and not self._is_held(mark.position, bytes.fromhex(mark.hash)):
            raise foreign(f"a mark {name} of a commit that the source does not have, at #{mark.position}")

    def _is_held(self, position: int, hash: bytes) -> bool:
        """Whether the source has a commit, and so all that came before it."""
        return (position, hash) == (0, NO_HASH) or bool(self._source.holding(position, hash))

    def place(self, stretch: Stretch) -> Place:
        """The log for a stretch: one that goes on, or has all of it if no branch names it; else a log of its own."""
        head = stretch.head
        holding = [] if stretch.names else self._target.holding(head.position, head.hash)
        if holding:
            place = Place(holding[0], stretch, head)
        else:
            number = self._going_on.get(stretch.number)
            number = self._made(stretch) if number is None else number
            place = Place(number, stretch, self._target.log(number).head())
        self._places.append(place)
        return place

    def _made(self, stretch: Stretch, attempt: int = 0) -> int:
        """A log without a name that has a beginning of a stretch: left by a clone that was cut off, or new.

        A stretch that no branch names may end inside of a batch, where no more of it can be appended. So its end is a
        part of the id.
        """
        end = "" if stretch.names else stretch.head.position
        id = f"clone.{self._source.refs.get(STORE_ID) or ''}.{stretch.number}.{end}.{attempt}"
        [number] = write(self._target, NewLog(id, stretch.origin)).logs
        free = number not in self._there.branches.values()
        if free and stretch.passes(self._target.log(number).head()):
            return number
        return self._made(stretch, attempt + 1)

    def naming(self) -> Iterator[Step]:
        """The steps that give the target its names, with the guards that nothing has changed meanwhile."""
        numbers = {place.stretch.number: place.number for place in self._places}
        texts = {BRANCH + name: str(numbers[log]) for name, log in self._names.branches.items()}
        texts |= {MARK + name: self._names.refs[MARK + name] for name in self._names.marks}
        for ref, text in texts.items():
            old = self._there.refs.get(ref)
            yield SetRef(ref, text, old)
            if old is None:
                yield SetRef(other_kind(ref), None, None)
        for name, left_out in self._names.settled.items():
            yield self._branches.settling(name, sorted(settled_of(left_out)))
        for place in self._places:
            yield place.stays


def other_kind(ref: str) -> str:
    """The ref that a mark would have in the place of a branch of the same name, and the other way round."""
    return MARK + ref.removeprefix(BRANCH) if ref.startswith(BRANCH) else BRANCH + ref.removeprefix(MARK)


def foreign(what: str) -> StoreExists:
    """The error of a target with something of its own."""
    return StoreExists(f"the target has {what}; clone into a new store")
