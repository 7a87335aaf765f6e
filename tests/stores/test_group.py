"""Group commit: what becomes of those who wait when the one who writes for them cannot go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from backstory.commit import Draft, draft
from backstory.errors import StoreCorrupt, StoreError, StoreFull, StoreLocked, StoreRefused
from backstory.record import encoded
from backstory.store import Batch, Verdict
from backstory.stores import group
from backstory.stores.group import GroupedLog
from backstory.stores.memory import MemoryStore


class Slow(MemoryLog):
    """A log whose first append waits to be let go, and whose append of several batches raises `error`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.writing, self.let_go = threading.Event(), threading.Event()
        self.error = error

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        if not self.writing.is_set():
            self.writing.set()
            assert self.let_go.wait(10)
        if len(batches) > 1:
            raise self.error
        return super().append(batches)


def one(id: str) -> Draft:
    return draft([encoded("Made", b"{}")], id=id, time=datetime(2026, 11, 1, tzinfo=UTC))


def together(log: Slow) -> Iterator[tuple[str, Any]]:
    """What three callers get: the first writes alone, and the second then for the third, too."""
    grouped, got = GroupedLog(log), dict[str, Any]()

    def call(id: str) -> None:
        try:
            [got[id]] = grouped.append([[one(id)]])
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            got[id] = error

    threads = [threading.Thread(target=call, args=(id,)) for id in ("first", "second", "third")]
    threads[0].start()
    assert log.writing.wait(10)
    for number, thread in enumerate(threads[1:], 1):
        thread.start()
        while len(grouped._waiting) < number:
            time.sleep(0.001)
    log.let_go.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return iter(got.items())


def test_only_who_was_interrupted_is_told_so_and_the_others_may_try_again() -> None:
    log = Slow(KeyboardInterrupt())
    got = dict(together(log))
    assert [commit.id for commit in got["first"]] == ["first"]
    assert isinstance(got["second"], KeyboardInterrupt)
    assert isinstance(got["third"], StoreError)
    assert "with the same ids" in str(got["third"])
    assert [commit.id for commit in log.commits()] == ["first"]


def test_an_error_that_is_not_the_stores_makes_each_call_be_written_alone() -> None:
    log = Slow(ValueError("one of them is broken"))
    got = dict(together(log))
    assert [commit.id for verdict in got.values() for commit in verdict] == ["first", "second", "third"]


def test_an_error_of_the_store_is_everybodys() -> None:
    got = dict(together(Slow(StoreError("no disk"))))
    assert [str(got[id]) for id in ("second", "third")] == ["no disk", "no disk"]


def test_an_error_of_the_store_is_another_one_for_each() -> None:
    got = dict(together(Slow(StoreError("no disk"))))
    assert got["second"] is not got["third"]


@pytest.mark.parametrize("error", [StoreRefused, StoreFull, StoreCorrupt])
def test_what_may_be_the_fault_of_one_is_only_told_to_that_one(error: type[StoreError]) -> None:
    """It gave too much, or more than there is room for, or its condition met a damaged row."""
    log = Slow(error("too large"))
    got = dict(together(log))
    assert [commit.id for verdict in got.values() for commit in verdict] == ["first", "second", "third"]


def test_nobody_waits_once_more_for_a_store_that_one_has_found_locked() -> None:
    class Locked(Slow):
        alone = 0

        def append(self, batches: Sequence[Batch]) -> list[Verdict]:
            if self.writing.is_set() and len(batches) == 1:
                self.alone += 1
                raise StoreLocked("locked")
            return super().append(batches)

    log = Locked(StoreRefused("too large"))
    got = dict(together(log))
    assert [str(got[id]) for id in ("second", "third")] == ["locked", "locked"]
    assert log.alone == 1


INTERRUPTED = """
import random, signal, sys, threading, time
from backstory.stores.group import GroupedLog

class Log:
    read = commits = find = head = wait = None
    def append(self, batches):
        time.sleep(0.0001)
        return [()] * len(batches)

def interrupt(*_):
    if inside:
        raise KeyboardInterrupt

def work(number):
    while not stop:
        try:
            log.append([[]])
        except Exception as error:
            assert "same ids" in str(error), error
        turns[number] += 1

log, inside, stop, turns = GroupedLog(Log()), False, False, [0] * 4
signal.signal(signal.SIGALRM, interrupt)
threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in (1, 2, 3)]
for thread in threads:
    thread.start()
until = time.monotonic() + 2
while time.monotonic() < until:
    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00002, 0.0006))
    try:
        inside = True
        log.append([[]])
        inside = False
    except (KeyboardInterrupt, Exception):
        inside = False
    turns[0] += 1
signal.setitimer(signal.ITIMER_REAL, 0)
stop = True
for thread in threads:
    thread.join(20)
    assert not thread.is_alive(), turns
print(min(turns))
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="NOT TESTED: this system has no interval timers")
def test_nobody_waits_for_ever_however_often_and_wherever_a_caller_is_interrupted() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 100


class Counting(MemoryLog):
    """A log that takes its time, and notes how many batches each of its appends has."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        self.sizes.append(len(batches))
        time.sleep(0.02)
        return super().append(batches)


def test_callers_who_come_back_at_once_are_written_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "LONGEST", 10.0)
    monkeypatch.setattr(group, "COMPANY", 100.0)
    log = Counting()
    grouped = GroupedLog(log)

    def call(number: int) -> None:
        for turn in range(10):
            grouped.append([[one(f"{number}-{turn}")]])

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # The first to come is alone, and its next call makes up for it at the end.
    assert log.sizes[2:-2] == [4] * (len(log.sizes) - 4)
    assert sum(log.sizes) == 40


def test_a_caller_who_is_alone_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "COMPANY", 1e9)
    monkeypatch.setattr(group, "LONGEST", 1e6)
    grouped = GroupedLog(MemoryStore().log())
    for turn in range(100):
        grouped.append([[one(str(turn))]])


def test_a_group_that_waits_in_vain_is_written_without_company() -> None:
    grouped = GroupedLog(MemoryStore().log())
    grouped._size, grouped._pause = 8, 0.01
    assert grouped.append([[one("only")]])
    assert grouped._size == 1


def test_a_leader_who_is_interrupted_while_it_waits_for_company_hands_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grouped = GroupedLog(MemoryStore().log())
    grouped._size, grouped._pause = 8, 10.0

    class Interrupted:
        def acquire(self, timeout: float = -1) -> bool:
            if timeout > 0:
                raise KeyboardInterrupt
            return True

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            grouped.append([[one("first")]])
    grouped._pause = 0.0
    assert grouped.append([[one("second")]])[0][0].position == 1  # type: ignore[index]
