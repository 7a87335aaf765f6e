"""A process that forks while it has a store open: `python -m tests.reliability.forking SCENE PATH`, from the checkout.

A process of its own, because a fork of a process with threads is what is tried.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable

from backstory.stores.sqlite import SqliteStore
from tests.reliability.samples import deposited, one, problems

PATIENCE = 200
"""Seconds after which a child that hangs is ended, and says where it hung."""

unfinished: set[int] = set()
"""Children that nobody has waited for yet."""


def child(work: Callable[[], None]) -> int:
    """Fork; in the child do `work` and leave."""
    number = os.fork()
    if number == 0:
        faulthandler.register(signal.SIGALRM, chain=True)
        signal.alarm(PATIENCE)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a child must never go on as its parent
            print("child:", repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    unfinished.add(number)
    return number


def wait(number: int) -> None:
    """Wait until a child has ended well."""
    _, status = os.waitpid(number, 0)
    unfinished.remove(number)
    assert status == 0, f"a child ended with {status}"


def taking_turns(store: SqliteStore) -> None:
    """Parent and child append in turns to the store that the parent opened."""
    log = store.log()
    one(log, deposited(0), id="before")
    for turn in range(5):
        wait(child(lambda turn=turn: print(one(log, deposited(turn), id=f"child-{turn}").position)))  # type: ignore[misc]
        one(log, deposited(turn), id=f"parent-{turn}")
    assert log.head().position == 11
    assert problems(store) == []


def parent_leaves(store: SqliteStore) -> None:
    """The child goes on with the store after the parent has closed it."""
    asked, answer = os.pipe(), os.pipe()
    one(store.log(), deposited(0), id="before")

    def work() -> None:
        one(store.log(), deposited(1), id="child-1")
        os.write(asked[1], b"x")
        os.read(answer[0], 1)
        for number in range(2, 100):
            one(store.log(), deposited(number), id=f"child-{number}")
        store.close()

    number = child(work)
    os.read(asked[0], 1)
    one(store.log(), deposited(1), id="parent-1")
    path = store.file.path
    store.close()
    os.write(answer[1], b"x")
    wait(number)
    again = SqliteStore(path)
    assert again.log().head().position == 101
    assert problems(again) == []
    again.close()


def others_write(store: SqliteStore) -> None:
    """Other threads of the parent are reading and writing at the moment of the fork."""
    stop, log = threading.Event(), store.log()

    def write(name: str) -> None:
        turn = 0
        while not stop.is_set():
            one(log, deposited(turn), id=f"{name}-{turn}")
            turn += 1

    def read() -> None:
        while not stop.is_set():
            list(log.read())

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"] + [
        threading.Thread(target=read)
    ]
    for thread in threads:
        thread.start()
    try:
        for turn in range(10):
            wait(child(lambda turn=turn: print(one(log, deposited(turn), id=f"child-{turn}").position)))  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert sum(commit.id.startswith("child") for commit in log.commits()) == 10
    assert problems(store) == []


SCENES = {scene.__name__: scene for scene in (taking_turns, parent_leaves, others_write)}

if __name__ == "__main__":
    opened = SqliteStore(sys.argv[2], timeout=60)
    try:
        SCENES[sys.argv[1]](opened)
    finally:
        for left in unfinished:
            os.kill(left, signal.SIGKILL)
            os.waitpid(left, 0)
    opened.close()
