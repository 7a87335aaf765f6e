"""Checkpoints, leases and parked events, as refs of the store."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from backstory.conformance.sample import decided, fact, one
from backstory.errors import StoreRefused
from backstory.projections.catalog import KEPT_BACK, PAUSED, Parked
from backstory.reactions.keep import ChangedError, Keep, TakenError, keys_held
from backstory.right import give_up
from backstory.store import Store
from backstory.unit import Append
from backstory.values.commit import ORIGIN


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def taken(store: Store, clock: Clock, owner: str) -> Keep:
    """The keep of somebody who has the lease for 30 seconds."""
    keep = Keep(store, "mail", clock)
    keep.begin(ORIGIN)
    assert keep.take(owner, 30)
    return keep


def test_it_begins_once_and_goes_on_from_there(some_store: Store) -> None:
    head = one(some_store.log(), fact("A", "x:1"))
    keep = Keep(some_store, "mail")
    assert keep.look() is None
    assert not keep.take("a", 30)
    keep.begin(head.point)
    again = Keep(some_store, "mail")
    assert again.begin(ORIGIN).position == 1
    assert Keep(some_store, "other").look() is None


def test_a_checkpoint_and_what_was_given_are_kept_together_or_not_at_all(some_store: Store) -> None:
    clock = Clock()
    first, log = taken(some_store, clock, "a"), some_store.log()
    first.write(first.moved(1, b"h" * 32), Append(0, [decided(fact("A", "x:1"))]))
    assert (log.head().position, first.at.position) == (1, 1)
    clock.now += 31
    second = taken(some_store, clock, "b")
    with pytest.raises(TakenError, match="mail is run by somebody else"):
        first.write(first.moved(2, b"h" * 32), Append(0, [decided(fact("A", "x:2"))]))
    assert log.head().position == 1
    assert second.at.position == 1
    first.release()
    assert Keep(some_store, "mail", clock).begin(ORIGIN).owner == "b"


def test_a_lease_is_over_by_the_clock_or_when_nothing_was_heard_for_as_long(
    some_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, behind = Clock(), Clock(-3_600.0)
    first = taken(some_store, clock, "a")
    late = Keep(some_store, "mail", behind)
    heard = 500.0
    monkeypatch.setattr("backstory.reactions.keep.time.monotonic", lambda: heard)
    assert not late.take("b", 30)
    heard += 29
    first.hold(30)
    clock.now += 1
    first.hold(30)
    assert not late.take("b", 30)
    heard += 31
    assert late.take("b", 30)
    with pytest.raises(TakenError):
        first.hold(30)


def test_a_lease_is_as_long_as_its_owner_said_and_not_as_long_as_others_say(some_store: Store) -> None:
    clock = Clock()
    taken(some_store, clock, "a")
    other = Keep(some_store, "mail", clock)
    other.look()
    time.sleep(0.01)
    assert not other.take("b", 0.001)


def test_one_that_is_given_back_is_taken_at_once(some_store: Store) -> None:
    clock = Clock()
    first = taken(some_store, clock, "a")
    other = Keep(some_store, "mail", clock)
    assert not other.take("b", 30)
    first.release()
    assert other.take("b", 30)
    assert other.at.epoch == 2


def test_a_pause_meanwhile_takes_nothing_from_the_owner_and_is_seen(some_store: Store) -> None:
    keep = taken(some_store, Clock(), "a")
    Keep(some_store, "mail").change(lambda at: replace(at, state=PAUSED))
    with pytest.raises(ChangedError):
        keep.write(keep.moved(1, b"h" * 32))
    assert keep.at.state == PAUSED
    keep.write(keep.moved(1, b"h" * 32))
    found = Keep(some_store, "mail").look()
    assert found is not None
    assert (found.position, found.state, found.owner) == (1, PAUSED, "a")


def test_parked_events_are_kept_in_order_and_taken_out_again(some_store: Store) -> None:
    keep = taken(some_store, Clock(), "a")
    events = [Parked(position, f"o-{position % 2}", "no", KEPT_BACK, 5) for position in (10, 9, 100)]
    for event in events:
        keep.write(keep.moved(event.position, b"h" * 32), keep.parking(event))
    parked = Keep(some_store, "mail").parked()
    assert list(parked) == [9, 10, 100]
    assert keys_held(parked) == {"o-0", "o-1"}
    keep.write(keep.at, keep.parking(None, events[0]))
    assert list(keep.parked()) == [9, 100]
    assert keys_held({}) == set()


def test_a_store_without_the_right_lets_nobody_go_on(some_store: Store) -> None:
    keep = taken(some_store, Clock(), "a")
    give_up(some_store)
    with pytest.raises(StoreRefused, match="does not react any more"):
        keep.write(keep.moved(1, b"h" * 32))
    with pytest.raises(StoreRefused, match="does not react: it has a history"):
        keep.hold(30)
