"""Ctrl-C wherever it can come: `python -m tests.reliability.interrupting ADDRESS MOST`.

Python handles a signal when a function begins, and after each call into C. So each operation is broken off at these
points, at all or at MOST of them. Then the process goes on with the store in another thread, which would wait for ever
for a lock that was not given back. All is done once in peace, and once while other threads append.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import backstory
from backstory import Database, connect
from backstory.errors import HeadMoved, StoreError
from backstory.history.check.verify import verify
from backstory.store import create_log, set_ref
from tests.reliability.torture import Account, Paid, deposit

FILES = (str(Path(backstory.__file__).parent), contextlib.__file__, threading.__file__)
PATIENCE = 60.0
numbers = count()


class Points:
    """Counts the points at which Ctrl-C can come in this thread, and lets it come at one of them."""

    def __init__(self, chosen: int = 0) -> None:
        self.passed = 0
        self.where = ""
        self._chosen = chosen

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """What `sys.setprofile` calls."""
        code = frame.f_code
        if event not in {"call", "c_return"} or not code.co_filename.startswith(FILES):
            return
        self.passed += 1
        if self.passed == self._chosen:
            sys.setprofile(None)
            self.where = f"{code.co_filename}:{frame.f_lineno}, {event} in {code.co_qualname}"
            raise KeyboardInterrupt

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count in this block."""
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)


def append(db: Database) -> None:
    db.append(Paid("a", 1), Paid("b", 1))


def execute(db: Database) -> None:
    db.execute(deposit(Account("a"), cents=1), attempts=1_000)


def hot(db: Database) -> None:
    db.handle.tip.line.executor._lanes.conflict(Account("a").query())
    execute(db)


def load(db: Database) -> None:
    append(db)
    db.load(Account("b"))


def set_note(db: Database) -> None:
    set_ref(db.store, f"note/{next(numbers)}", "x", old=None)


def make_log(db: Database) -> None:
    db.store.log(create_log(db.store, db.head()))


def branch(db: Database) -> None:
    db.branch(f"branch-{next(numbers)}")


def merge(db: Database) -> None:
    name = f"merged-{next(numbers)}"
    db.branch(name).execute(deposit(Account("c"), cents=1))
    append(db)
    with suppress(HeadMoved):
        db.merge(name)


OPERATIONS = (append, execute, hot, load, set_note, make_log, branch, merge)


class Others:
    """Threads that append, and must never stop."""

    def __init__(self, db: Database, number: int) -> None:
        self._db = db
        self._turns = [0] * number
        self._stop = False
        self._threads = [
            threading.Thread(target=self._work, args=(one,), daemon=True) for one in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, number: int) -> None:
        while not self._stop:
            try:
                append(self._db)
            except StoreError as error:
                if "interrupted" not in str(error):
                    raise
            self._turns[number] += 1
            time.sleep(0.002)

    def check(self) -> None:
        """See each of them go on."""
        before = list(self._turns)
        until = time.monotonic() + PATIENCE
        while any(now == then for now, then in zip(self._turns, before, strict=True)):
            assert time.monotonic() < until, f"a thread waits for ever: {before}, then {self._turns}"
            time.sleep(0.001)

    def stop(self) -> None:
        """End them."""
        self._stop = True
        for thread in self._threads:
            thread.join()


def taken(db: Database) -> int:
    """How many connections, and turns to write, are not given back."""
    store: Any = db.store
    if hasattr(store, "server"):
        return int(store.server.address.pool - store.server._free.qsize())
    return (len(store.file._connections._uses) if hasattr(store, "file") else 0) + locks_of_files()


def locks_of_files() -> int:
    """How many locks of `flock` this process has, as Linux says."""
    told = Path("/proc/locks")
    lines = told.read_text(encoding="ascii").splitlines() if told.exists() else []
    return sum(f" {os.getpid()} " in line for line in lines if "FLOCK" in line)


def check(db: Database) -> None:
    """Go on with the store."""
    for operation in (append, hot, set_note, branch):
        operation(db)
    paid = sum(record.event.cents for record in db.read(Account("a")))
    assert paid <= db.load(Account("a")).balance


def in_another_thread(work: Callable[[], None]) -> None:
    """Do it there. Raises what it raises, and ends the process where it hangs."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        faulthandler.dump_traceback()
        raise AssertionError("it hangs")
    for error in raised:
        raise error


def interrupt(db: Database, operation: Callable[[Database], None], chosen: int, *, alone: bool) -> Points:
    """Break an operation off and go on, while what was raised is kept, as an interactive session keeps it."""
    points = Points(chosen)
    kept = None
    try:
        with points.watched():
            operation(db)
    except KeyboardInterrupt as error:
        kept = error
    try:
        assert not alone or taken(db) == 0
        in_another_thread(lambda: check(db))
    except BaseException:
        print(f"{operation.__name__} was interrupted at {points.where}", file=sys.stderr)
        raise
    del kept
    return points


def play(db: Database, most: int, others: int) -> None:
    """Interrupt each operation at `most` of its points."""
    threads = Others(db, others)
    for operation in OPERATIONS:
        operation(db)
        total = interrupt(db, operation, 0, alone=not others).passed
        step = max(total // most, 1)
        for chosen in range(1 + step // 2, total + 1, step):
            interrupt(db, operation, chosen, alone=not others)
            threads.check()
    threads.stop()
    in_another_thread(lambda: check(db))
    assert taken(db) == 0
    assert verify(db.store).problems == []


if __name__ == "__main__":
    with connect(sys.argv[1]) as opened:
        play(opened, int(sys.argv[2]), others=0)
        play(opened, int(sys.argv[2]), others=2)
