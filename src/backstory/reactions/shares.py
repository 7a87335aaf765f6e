"""The partitions of a subscription, and how consumers of one name share them.

Each consumer says in a ref of its own until when it is there. The refs decide about shares alone. The lease of a
partition decides which consumer may work on it, and its checkpoint which one may write.
"""

from __future__ import annotations

import time

from backstory.errors import ProjectionError
from backstory.place import After, Place
from backstory.projections.source import Source
from backstory.reactions.asked import Asked
from backstory.reactions.keep import Keep
from backstory.refs import CHECKPOINT, CONSUMER
from backstory.store import Log, set_ref
from backstory.values.commit import ORIGIN, Head


class Shares:
    """The checkpoints of all partitions, by number, and this consumer's share of them."""

    def __init__(self, source: Source, asked: Asked, owner: str) -> None:
        self.keeps: dict[int, Keep] = {}
        self._source = source
        self._store = source.branches.store
        self._asked = asked
        self._owner = owner
        self._present = 0.0

    def find(self) -> None:
        """Make the checkpoints that are not there. Raises `ProjectionError` for another number of partitions."""
        asked = self._asked
        names = [asked.name] if asked.partitions == 1 else [
            f"{asked.name}/{number}-of-{asked.partitions}" for number in range(asked.partitions)
        ]  # fmt: skip
        there = [ref for ref in self._store.refs.list(CHECKPOINT + asked.name) if belongs(ref, asked.name)]
        if others := [ref for ref in there if ref.removeprefix(CHECKPOINT) not in names]:
            known = others[0].rpartition("-of-")[2] if "-of-" in others[0] else "1"
            raise ProjectionError(
                f"subscription {asked.name} has {known} partitions, not {asked.partitions}; take another name, or"
                " that number"
            )
        log = self._source.log()
        head = log.head()
        begin = head if asked.after is None else _head_at(asked.after, log, head)
        for number, name in enumerate(names):
            self.keeps[number] = Keep(self._store, name)
            self.keeps[number].begin(begin)

    def fair(self) -> int:
        """How many partitions are this consumer's share; others hear of this one."""
        asked = self._asked
        if asked.partitions == 1:
            return 1
        prefix, now = f"{CONSUMER}{asked.name}/", time.time()
        if time.monotonic() - self._present > asked.lease / 3:
            ref = prefix + self._owner
            set_ref(self._store, ref, f"{now + asked.lease:.3f}", old=self._store.refs.get(ref))
            self._present = time.monotonic()
        alive = 0
        for ref, until in self._store.refs.list(prefix).items():
            alive += float(until) > now
            if float(until) < now - 10 * asked.lease:
                set_ref(self._store, ref, None, old=until)
        return -(-asked.partitions // max(alive, 1))

    def leave(self) -> None:
        """Be there no more."""
        if self._present:
            ref = f"{CONSUMER}{self._asked.name}/{self._owner}"
            set_ref(self._store, ref, None, old=self._store.refs.get(ref))
            self._present = 0.0


def belongs(ref: str, name: str) -> bool:
    """Whether a ref is a checkpoint of a subscription."""
    rest = ref.removeprefix(CHECKPOINT + name)
    return not rest or (rest.startswith("/") and "-of-" in rest)


def _head_at(after: After, log: Log, head: Head) -> Head:
    """The point after which somebody begins. Raises `HistoryMoved`, and `UnknownRevision` for a text that is none."""
    if isinstance(after, str):
        after = Place.parse(after)
    position = after.on(log) if isinstance(after, Place) else after
    if position >= head.position:
        return head
    commit = next(log.commits(after=position - 1, limit=1)) if position else None
    return ORIGIN if commit is None else Head(position, commit.hash, commit.time)
