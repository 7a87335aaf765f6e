"""Two threads fork again and again while others work: `python -m tests.reliability.forkers ADDRESS ROUNDS`.

Each child does the work that the other threads were in the midst of.
"""

from __future__ import annotations

import faulthandler
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from backstory import Database, connect
from backstory.decide.cache import Cache
from backstory.history.check.verify import verify
from backstory.values.ids import new_id
from tests.reliability.forking import PATIENCE, child, wait
from tests.reliability.torture import Account, Paid, deposit

THREADS = 4


def hot(db: Database) -> None:
    """Commands on one account, which go one after the other in this process."""
    db.handle.tip.line.executor._lanes.conflict(Account("a").query())
    db.execute(deposit(Account("a"), cents=1), attempts=1_000)


def loads(db: Database) -> None:
    """Loads of states that are remembered, and of some that are not."""
    for number in range(10):
        db.load(Account(f"a-{number}"))


def appends(db: Database) -> None:
    """Appends that are written in groups."""
    db.append(Paid("b", 1))


def branches(db: Database) -> None:
    """A branch, its log and a ref."""
    db.branch(new_id()).append(Paid("c", 1))


def waits(db: Database) -> None:
    """Waiting for what never comes, and for what is there."""
    db.log.wait(db.head().position + 1_000, 0.002)
    db.log.wait(0)


def opens(db: Database) -> None:
    """Stores that come and go, and a little rubbish."""
    with connect("memory:") as other:
        other.append(Paid("d", 1))
    Cache()
    db.head()


SCENES = (hot, loads, appends, branches, waits, opens)


def play(db: Database, scene: Callable[[Database], None], rounds: int) -> None:
    """Let threads work, and two of them fork."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            scene(db)

    def fork() -> None:
        for _ in range(rounds):
            wait(child(lambda: scene(db)))

    with ThreadPoolExecutor(THREADS + 2) as pool:
        workers = [pool.submit(work) for _ in range(THREADS)]
        forkers = [pool.submit(fork) for _ in range(2)]
        try:
            for forker in forkers:
                forker.result()
        finally:
            stop.set()
        for worker in workers:
            worker.result()


if __name__ == "__main__":
    with connect(sys.argv[1]) as opened:
        for one in SCENES:
            faulthandler.dump_traceback_later(PATIENCE, exit=True)  # if threads that fork wait for each other
            play(opened, one, int(sys.argv[2]))
        assert verify(opened.store).problems == []
