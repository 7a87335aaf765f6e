"""Group commit: what becomes of those who wait when the one who writes for them cannot go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from backstory.errors import StoreCorrupt, StoreError, StoreFull, StoreLocked, StoreRefused
from backstory.stores import group_commit
from backstory.stores.group_commit import GroupCommit
from backstory.stores.memory import MemoryStore
from backstory.unit import Append, Outcome, Unit, Written
from backstory.values.commit import draft
from backstory.values.event_data import encoded
from tests.patience import PATIENCE, until


class Held(MemoryStore):
    """A store whose first write waits to be let go."""

    def __init__(self) -> None:
        super().__init__()
        self.writing, self.let_go = threading.Event(), threading.Event()

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        if not self.writing.is_set():
            self.writing.set()
            assert self.let_go.wait(PATIENCE)
        return super().write(units)


class Slow(Held):
    """One whose write of several units raises `error`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        if len(units) > 1:
            raise self.error
        return super().write(units)


def one(id: str) -> Unit:
    made = draft([encoded("Made", b"{}")], id=id, time=datetime(2026, 11, 1, tzinfo=UTC))
    return Unit((Append(0, [made]),))


def ids(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Written)
    return [commit.id for commits in outcome.commits for commit in commits]


def together(store: Slow) -> Iterator[tuple[str, Any]]:
    """What three callers get: the first writes alone, and the second then for the third, too."""
    grouped, got = GroupCommit(store.write), dict[str, Any]()

    def call(id: str) -> None:
        try:
            [got[id]] = grouped.write([one(id)])
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            got[id] = error

    threads = [threading.Thread(target=call, args=(id,)) for id in ("first", "second", "third")]
    threads[0].start()
    assert store.writing.wait(PATIENCE)
    for number, thread in enumerate(threads[1:], 1):
        thread.start()
        until(lambda: len(grouped._waiting) == number)  # noqa: B023 - it is asked in this turn
    store.let_go.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    return iter(got.items())


def test_only_who_was_interrupted_is_told_so_and_the_others_may_try_again() -> None:
    store = Slow(KeyboardInterrupt())
    got = dict(together(store))
    assert ids(got["first"]) == ["first"]
    assert isinstance(got["second"], KeyboardInterrupt)
    assert isinstance(got["third"], StoreError)
    assert "with the same ids" in str(got["third"])
    assert [commit.id for commit in store.log().commits()] == ["first"]


def test_an_error_that_is_not_the_stores_makes_each_call_be_written_alone() -> None:
    store = Slow(ValueError("one of them is broken"))
    got = dict(together(store))
    assert [id for outcome in got.values() for id in ids(outcome)] == ["first", "second", "third"]


def test_an_error_of_the_store_is_everybodys() -> None:
    got = dict(together(Slow(StoreError("no disk"))))
    assert [str(got[id]) for id in ("second", "third")] == ["no disk", "no disk"]


def test_an_error_of_the_store_is_another_one_for_each() -> None:
    got = dict(together(Slow(StoreError("no disk"))))
    assert got["second"] is not got["third"]


@pytest.mark.parametrize("error", [StoreRefused, StoreFull, StoreCorrupt])
def test_what_may_be_the_fault_of_one_is_only_told_to_that_one(error: type[StoreError]) -> None:
    """It gave too much, or more than there is room for, or its condition met a damaged row."""
    store = Slow(error("too large"))
    got = dict(together(store))
    assert [id for outcome in got.values() for id in ids(outcome)] == ["first", "second", "third"]


def test_nobody_waits_once_more_for_a_store_that_one_has_found_locked() -> None:
    class Locked(Slow):
        alone = 0

        def write(self, units: Sequence[Unit]) -> list[Outcome]:
            if self.writing.is_set() and len(units) == 1:
                self.alone += 1
                raise StoreLocked("locked")
            return super().write(units)

    store = Locked(StoreRefused("too large"))
    got = dict(together(store))
    assert [str(got[id]) for id in ("second", "third")] == ["locked", "locked"]
    assert store.alone == 1


INTERRUPTED = """
import random, signal, sys, threading, time
from backstory.stores.group_commit import GroupCommit
from backstory.unit import Unit

def written(units):
    time.sleep(0.0001)
    return [()] * len(units)

def interrupt(*_):
    if inside:
        raise KeyboardInterrupt

def work(number):
    while not stop:
        try:
            group.write([Unit(())])
        except Exception as error:
            assert "same ids" in str(error), error
        turns[number] += 1

group, inside, stop, turns = GroupCommit(written), False, False, [0] * 4
signal.signal(signal.SIGALRM, interrupt)
threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in (1, 2, 3)]
for thread in threads:
    thread.start()
while min(turns) < 500:
    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00002, 0.0006))
    try:
        inside = True
        group.write([Unit(())])
        inside = False
    except (KeyboardInterrupt, Exception):
        inside = False
    turns[0] += 1
signal.setitimer(signal.ITIMER_REAL, 0)
stop = True
for thread in threads:
    thread.join()
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="NOT TESTED: this system has no interval timers")
def test_nobody_waits_for_ever_however_often_and_wherever_a_caller_is_interrupted() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")


class Counting(Held):
    """One that notes how many units each of its writes has."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        self.sizes.append(len(units))
        return super().write(units)


def test_callers_who_come_back_at_once_are_written_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "LONGEST", PATIENCE)
    monkeypatch.setattr(group_commit, "COMPANY", 1e9)
    store = Counting()
    grouped = GroupCommit(store.write)

    def call(name: str, turns: int) -> None:
        for turn in range(turns):
            grouped.write([one(f"{name}-{turn}")])

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, "first", 1)]
        assert store.writing.wait(PATIENCE)
        calls += [pool.submit(call, name, 10) for name in ("second", "third", "fourth")]
        until(lambda: len(grouped._waiting) == 3)
        store.let_go.set()
        for each in calls:
            each.result()
    assert store.sizes == [1] + [3] * 10


def test_a_caller_who_is_alone_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "COMPANY", 1e9)
    monkeypatch.setattr(group_commit, "LONGEST", 1e6)
    grouped = GroupCommit(MemoryStore().write)
    for turn in range(100):
        grouped.write([one(str(turn))])


def test_a_group_that_waits_in_vain_is_written_without_company() -> None:
    grouped = GroupCommit(MemoryStore().write)
    grouped._size, grouped._pause = 8, 0.01
    assert grouped.write([one("only")])
    assert grouped._size == 1


def test_a_leader_who_is_interrupted_while_it_waits_for_company_hands_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grouped = GroupCommit(MemoryStore().write)
    grouped._size, grouped._pause = 8, 10.0

    class Interrupted:
        def acquire(self, timeout: float = -1) -> bool:
            if timeout > 0:
                raise KeyboardInterrupt
            return True

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            grouped.write([one("first")])
    grouped._pause = 0.0
    assert ids(grouped.write([one("second")])[0]) == ["second"]
