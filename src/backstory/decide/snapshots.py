"""Snapshots: the states of long histories, kept so that they need not be folded from the first event.

A snapshot is a cache and never a truth: one that was made by other code, or does not fit, is thrown away. None is kept
of a state that JSON would change in any way. They live in a store's caches, `snapshot/<logs>/<state>/<identity>`, as
JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backstory.decide.fingerprint import fingerprint
from backstory.decide.state import State, identity
from backstory.errors import StoreError
from backstory.store import Caches
from backstory.values.exact import same
from backstory.values.query import Query

SNAPSHOT = "snapshot/"


class Snapshot(msgspec.Struct, frozen=True):
    """A state as it was at a position, its query, and the fingerprint of the code that made it.

    `withheld` is the store's mark (`Head.withheld`) when its events were read: with another one, they may have had
    values that are withheld since.
    """

    fingerprint: str
    query: Query
    position: int
    state: msgspec.Raw
    withheld: str | None = None


class Snapshots:
    """The snapshots of one log."""

    def __init__(self, caches: Caches, logs: str) -> None:
        self._caches = caches
        self._prefix = f"{SNAPSHOT}{logs}/"

    def get(
        self, reference: State, query: Query, withheld: str | None, upto: int | None = None
    ) -> tuple[State, int] | None:
        """The state of this identity and its position, if a snapshot is no newer than `upto` and still true.

        `withheld` is the store's mark as it is now; see `Snapshot`.
        """
        return self.get_all([(reference, query)], withheld, upto)[0]

    def get_all(
        self, wanted: Sequence[tuple[State, Query]], withheld: str | None, upto: int | None = None
    ) -> list[tuple[State, int] | None]:
        """The same for several, which are asked for together."""
        names = [self._name(reference) for reference, _ in wanted]
        kept = self._caches.get_all([name for name in names if name is not None])
        return [
            self._read(kept.get(name or ""), *one, withheld, upto)
            for name, one in zip(names, wanted, strict=True)
        ]

    def _read(
        self, text: bytes | None, reference: State, query: Query, withheld: str | None, upto: int | None
    ) -> tuple[State, int] | None:
        if text is None:
            return None
        try:
            snapshot = msgspec.json.decode(text, type=Snapshot)
            if snapshot.withheld != withheld or (upto is not None and snapshot.position > upto):
                return None
            if snapshot.query != query or snapshot.fingerprint != fingerprint(type(reference)):
                return None
            state = msgspec.json.decode(snapshot.state, type=type(reference))
        except msgspec.MsgspecError:
            return None
        # Identities that JSON writes alike have one name: a text, and the member of an enum with that value.
        return (state, snapshot.position) if same(identity(state), identity(reference)) else None

    def keep(self, reference: State, query: Query, state: State, position: int, withheld: str | None) -> None:
        """Keep a state, unless JSON would not give back the same one, or nobody can say when its code has changed.

        A store that cannot be written keeps none.
        """
        name, made_by = self._name(reference), fingerprint(type(state))
        try:
            data = msgspec.json.encode(state)
            if (
                name is None
                or made_by is None
                or not same(msgspec.json.decode(data, type=type(state)), state)
            ):
                return
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            return
        snapshot = Snapshot(made_by, query, position, msgspec.Raw(data), withheld)
        try:
            self._caches.set(name, msgspec.json.encode(snapshot))
        except StoreError:
            return

    def _name(self, reference: State) -> str | None:
        """The name of this identity; None if JSON cannot carry it."""
        try:
            key = msgspec.json.encode(list(identity(reference).values())).decode()
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            return None
        return f"{self._prefix}{type(reference).__qualname__}/{key}"
