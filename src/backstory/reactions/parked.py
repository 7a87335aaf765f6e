"""The parked events of one reaction, as the owner of its lease knows them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from backstory.projections.catalog import KEPT_BACK, Parked
from backstory.reactions.keep import AGAIN, Checkpoint, keys_held
from backstory.reactions.lease import Lease
from backstory.unit import Step, Written


class ParkedEvents:
    """Knows which events are parked, whose keys wait behind them, and which ones an operator wants tried again.

    They are read again where the checkpoint says that somebody else has changed them.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._keep = lease.keep
        self._changes = -1
        self._known: dict[int, Parked] = {}
        self._keys: set[str] = set()
        self._again: deque[Parked] = deque()

    def __contains__(self, position: int) -> bool:
        return position in self._known

    def holds(self, key: str) -> bool:
        """Whether an event of this key waits, so that the later ones wait, too."""
        return key in self._keys

    @property
    def first_again(self) -> Parked | None:
        """The first one that is to be tried again."""
        return self._again[0] if self._again else None

    def forget(self) -> None:
        """Read them again at the next `learn`: somebody else was the owner."""
        self._changes = -1

    def learn(self) -> None:
        """Read them if somebody has changed them."""
        changes = self._keep.at.changes
        if changes != self._changes:
            self._know(self._keep.parked())
            self._changes = changes

    def _know(self, parked: dict[int, Parked]) -> None:
        self._known = parked
        self._keys = keys_held(parked)
        self._again = deque(each for each in parked.values() if each.state == AGAIN)

    def park(self, parked: Parked, after: Checkpoint) -> None:
        """Park an event, and move the checkpoint behind it."""
        self._lease.write(after, self._keep.parking(parked))
        self._known[parked.position] = parked
        if parked.state == KEPT_BACK:
            self._keys.add(parked.key)

    def write_first(self, steps: Sequence[Step], refused: int) -> Written:
        """Write what the first one gave that was tried again, and park it no longer."""
        first, at = self._again[0], self._keep.at
        new = replace(at, refused=at.refused + refused)
        written = self._lease.write(new, *steps, self._keep.parking(None, first))
        del self._known[first.position]
        self._again.popleft()
        if not self._again:
            self._know(self._known)
        return written

    def keep_first(self, why: str) -> None:
        """Keep back the first one that was tried again, and all that wait for it."""
        failed = self._again[0]
        old = [each for each in self._again if each.key == failed.key]
        new = {each.position: replace(each, state=KEPT_BACK) for each in old}
        new[failed.position] = replace(failed, state=KEPT_BACK, why=why, tries=failed.tries + 1)
        self._lease.write(self._keep.at, *(self._keep.parking(new[each.position], each) for each in old))
        self._know(self._known | new)
