"""Compares every snapshot with a replay of its events.

A snapshot that is wrong harms no event: it comes from code that changed without a new `version` of the state, or from
somebody who changed the store. Delete it, and the state is folded anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import fields

from backstory.decide.loading import replayed
from backstory.decide.snapshots import SNAPSHOT, Snapshots
from backstory.decide.state import State, identity, state_type
from backstory.errors import BackstoryError, StoreCorrupt
from backstory.history.refs.branches import Branches
from backstory.store import Log
from backstory.stores.opened import opened
from backstory.values.codec import Codec
from backstory.values.exact import same
from backstory.values.masking import masked_repr
from backstory.values.veil import OPEN, field_names, veil_of


class Kept(msgspec.Struct):
    """The result of `verify_snapshots`: the snapshots that were compared, those of other code or classes, problems."""

    compared: int = 0
    passed_over: int = 0
    problems: list[str] = []


def verify_snapshots(branches: Branches, classes: Iterable[type[State]], codec: Codec) -> Kept:
    """Replay the events of every snapshot of these state classes, on all branches, and compare.

    Snapshots that would not be used are passed over: of other code, of classes that are not given, of branches that
    are gone. Memory is that of the largest state.
    """
    kept = Kept()
    by_name: dict[str, list[type[State]]] = {}
    for cls in classes:
        by_name.setdefault(cls.__qualname__, []).append(cls)
    for name in branches.store.caches.names(SNAPSHOT):
        chain, _, rest = name.removeprefix(SNAPSHOT).partition("/")
        kind, _, key = rest.partition("/")
        log = _log(branches, chain)
        snapshots = Snapshots(branches.store.caches, chain)
        mark = None if log is None else log.head().withheld
        found = [read for cls in by_name.get(kind, ()) if (read := _read(snapshots, cls, key, mark))]
        if log is None or not found:
            kept.passed_over += 1
            continue
        for state, position in found:
            kept.compared += 1
            kept.problems += (
                f"snapshot {name}: {problem}" for problem in _differences(opened(log, codec), state, position)
            )
    return kept


def _log(branches: Branches, chain: str) -> Log | None:
    """The log of a branch, None if it is gone."""
    try:
        return branches.view(tuple(map(int, chain.split("-"))))
    except (StoreCorrupt, ValueError):
        return None


def _read(snapshots: Snapshots, cls: type[State], key: str, mark: str | None) -> tuple[State, int] | None:
    """The snapshot of this identity, None if it is not of this code."""
    try:
        values = zip(state_type(cls).identity, msgspec.json.decode(key), strict=True)
        encoded = {field.name: field.encode_name for field in fields(cls)}
        reference = msgspec.convert({encoded[name]: value for name, value in values}, cls)
        return snapshots.get(reference, reference.query(), mark)
    except (msgspec.MsgspecError, ValueError, TypeError, BackstoryError):
        return None


def _differences(log: Log, state: State, position: int) -> Iterator[str]:
    """The differences of the state from a replay up to its position."""
    head = log.head().position
    if position > head:
        yield f"it is of #{position}, but the log ends at #{head}"
        return
    try:
        fresh = replayed(log, state_type(type(state)).empty(state), position)
    except Exception as wrong:  # noqa: BLE001 - whatever the state's own code raises is a reason not to believe it
        yield f"it is of #{position}, but its events cannot be applied: {wrong!r}"
        return
    veil = veil_of(type(state)) or OPEN
    for name, step in (field_names(type(state)) or {}).items():
        one, other = getattr(state, name), getattr(fresh, name)
        if not same(one, other):
            kept, given = (masked_repr(value, veil.at(step)) for value in (one, other))
            yield f"{name} of {identity(state)} is {kept} at #{position}, but its events give {given}"
