"""How far a consumer of events has come, as refs of the store: its checkpoint, lease and parked events.

A `Keep` belongs to one consumer, by its name: a reaction, a subscription, an outbox. Its checkpoint is one ref, and
every change of it is a step of a unit, beside everything else that is to be true at once: the commits that the consumer
gave, the events that it parks. So the commands of an event and the checkpoint after it are kept together or not at all.

The old value of the ref is the fence. A new owner of the lease raises `epoch`, so a unit of the owner before finds
another value, and is not done (`TakenError`). The lease itself decides only which process may try. A lease is over when
its time is over by the clock of the process that asks. It is also over when the checkpoint has not changed for as
long as its owner took it, because the clocks of two machines may be hours apart.

Each unit also guards that the store still has the right to react (`backstory.right`).

    keep = Keep(store, "crm")
    keep.begin(head)                                     # where it begins, if it has never run
    if keep.take(owner, lease=30):
        keep.write(keep.moved(position, hash), append)   # a checkpoint and other steps, together or not at all
        keep.release()
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from backstory.errors import NotReacting, ProjectionError, RefMoved
from backstory.projections.catalog import KEPT_BACK, RUNNING, Parked
from backstory.refs import CHECKPOINT, PARKED, REACTS
from backstory.right import guard
from backstory.store import Store, set_ref
from backstory.unit import SetRef, Step, Unit, Written
from backstory.values.commit import Head

AGAIN = "again"
"""The state of a parked event that is to be tried again by the process that runs the consumer."""

DIGITS = 19
"""Digits of a position in the name of a ref, so that names sort as positions do."""

_encode = msgspec.json.Encoder().encode
_replace = msgspec.structs.replace


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a consumer stands: it has done with every event up to `position`, whose commit has this hash.

    `state` and `why` say what keeps it from going on; while it runs, `why` says what it waits for. `owner` has it until
    `until`, in seconds since 1970, for `lease` seconds at a time; each owner has an `epoch` of its own. `tries` counts
    failures at the next event; `trying` is the position of an event that is tried once only, whatever comes of it.
    `refused` counts commands that were refused. `changes` counts changes of the parked events by others than the owner.
    """

    position: int
    hash: str
    state: str = RUNNING
    why: str = ""
    owner: str = ""
    until: float = 0.0
    lease: float = 0.0
    epoch: int = 0
    tries: int = 0
    trying: int = 0
    refused: int = 0
    changes: int = 0


_checkpoint = msgspec.json.Decoder(Checkpoint).decode
_parked = msgspec.json.Decoder(Parked).decode


class TakenError(ProjectionError):
    """Somebody else runs this consumer by now; nothing was written."""


class ChangedError(ProjectionError):
    """Somebody changed the checkpoint meanwhile, as `pause` does; nothing was written. `Keep.at` is the new one."""


class Keep:
    """The checkpoint and the parked events of one consumer. For one thread; any number of processes may have one."""

    def __init__(self, store: Store, name: str, clock: Callable[[], float] = time.time) -> None:
        self.name = name
        self._store = store
        self._clock = clock
        self._ref = CHECKPOINT + name
        self._text: str | None = None
        self._at: Checkpoint | None = None
        self._changed = 0.0  # when the checkpoint was seen to change, by the clock that never goes back
        self._guard: SetRef | None = None
        self._epoch: int | None = None  # of this owner

    @property
    def at(self) -> Checkpoint:
        """The checkpoint as it was last seen, or written here."""
        assert self._at is not None, "it has not begun"
        return self._at

    def look(self) -> Checkpoint | None:
        """The checkpoint now; None if the consumer has never run."""
        self._see(self._store.refs.get(self._ref))
        return self._at

    def _see(self, text: str | None) -> None:
        if text != self._text or not self._changed:
            self._text, self._changed = text, time.monotonic()
            self._at = None if text is None else _checkpoint(text)

    def begin(self, at: Head) -> Checkpoint:
        """The checkpoint; `at` this point, if the consumer has never run."""
        first = _encode(Checkpoint(at.position, at.hash.hex())).decode()
        while (found := self.look()) is None:
            set_ref(self._store, self._ref, first, old=None)
        return found

    def take(self, owner: str, lease: float) -> bool:
        """Become the owner for so many seconds, if nobody is. Raises `NotReacting` if the store does not react."""
        self._guard = guard(self._store)
        seen, now = self.look(), self._clock()
        if seen is None or (seen.owner not in ("", owner) and not self._is_over(seen, now)):
            return False
        self._epoch = None
        try:
            self._write(self._leased(_replace(seen, owner=owner, epoch=seen.epoch + 1), lease))
        except (TakenError, ChangedError):
            return False
        self._epoch = self.at.epoch
        return True

    def _is_over(self, seen: Checkpoint, now: float) -> bool:
        return now >= seen.until or time.monotonic() - self._changed > seen.lease

    def _leased(self, at: Checkpoint, lease: float) -> Checkpoint:
        return _replace(at, until=self._clock() + lease, lease=lease)

    def hold(self, lease: float) -> None:
        """Stay the owner for so many seconds from now. Raises `TakenError`, `ChangedError`, `NotReacting`."""
        self._guard = guard(self._store)
        self._write(self._leased(self.at, lease))

    def release(self) -> None:
        """Let somebody else be the owner at once; nothing, if somebody is."""
        while True:
            try:
                self._write(_replace(self.at, owner="", until=0.0))
            except ChangedError:
                continue
            except TakenError:
                pass
            return

    def moved(self, position: int, hash: bytes, refused: int = 0) -> Checkpoint:
        """The checkpoint after the event at a position, whose commit has this hash."""
        at = self.at
        why = "" if at.state == RUNNING else at.why
        return _replace(
            at, position=position, hash=hash.hex(), why=why, tries=0, trying=0, refused=at.refused + refused
        )

    def write(self, new: Checkpoint, *steps: Step, lease: float = 0.0) -> Written:
        """Write a checkpoint and other steps as one unit, as the owner; with a `lease`, and stay the owner.

        Raises `TakenError` and `ChangedError`, `NotReacting` if the store does not react any more, and the verdict on
        the other steps. Where nobody knows whether it was kept (`StoreError`), write the same again.
        """
        if lease:
            new = self._leased(new, lease)
        return self._write(new, *steps)

    def _write(self, new: Checkpoint, *steps: Step) -> Written:
        if self._epoch not in (None, new.epoch):
            raise TakenError(f"{self.name} is run by somebody else by now; nothing was written")
        text = _encode(new).decode()
        guards = () if self._guard is None else (self._guard,)
        [outcome] = self._store.write([Unit((SetRef(self._ref, text, self._text), *guards, *steps))])
        if isinstance(outcome, Written):
            self._see(text)
            return outcome
        if isinstance(outcome, RefMoved) and outcome.ref == self._ref:
            now = self.look()
            if now is None or now.epoch != new.epoch:
                raise TakenError(f"{self.name} is run by somebody else by now; nothing was written")
            raise ChangedError(f"{self.name} was changed meanwhile; nothing was written")
        if isinstance(outcome, RefMoved) and outcome.ref == REACTS:
            raise NotReacting("this store does not react any more; nothing was written")
        raise outcome

    def change(self, change: Callable[[Checkpoint], Checkpoint], *steps: Step) -> None:
        """Change the checkpoint as somebody who is not its owner: pause it, or retry what is parked."""
        while (found := self.look()) is not None:
            try:
                self._write(change(found), *steps)
            except (TakenError, ChangedError):
                continue
            return

    def parked(self) -> dict[int, Parked]:
        """The events that are kept back or left out, by position, in order."""
        refs = self._store.refs.list(self._prefix)
        return {one.position: one for one in map(_parked, refs.values())}

    @property
    def _prefix(self) -> str:
        return f"{PARKED}{self.name}/"

    def parking(self, new: Parked | None, old: Parked | None = None) -> SetRef:
        """The step that parks an event, changes that, or (`new` is None) parks it no longer."""
        some = new or old
        assert some is not None
        new_text, old_text = (None if one is None else _encode(one).decode() for one in (new, old))
        return SetRef(f"{self._prefix}{some.position:0{DIGITS}}", new_text, old_text)


def keys_held(parked: dict[int, Parked]) -> set[str]:
    """The keys whose events wait."""
    return {one.key for one in parked.values() if one.state in (KEPT_BACK, AGAIN)}
