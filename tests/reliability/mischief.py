"""A process that decides at random as `torture` does, while others meddle with its file.

Run as `python -m tests.reliability.mischief FILE SEED THREADS ROUNDS [KIND ...]`; prints what it was told as one JSON
document. Its children write what they were told to `FILE.child-PID`.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from backstory import Database, connect
from backstory.errors import HistoryLost, StoreLocked
from tests.reliability.torture import Told, work

CHILD_ROUNDS = 3
PATIENCE = 100
"""Seconds after which a child that hangs is ended."""


def close_a_descriptor(_db: Database, path: Path, _chance: random.Random) -> None:
    """Drop SQLite's locks on the file."""
    path.read_bytes()


def try_sqlite3(_db: Database, path: Path, _chance: random.Random) -> None:
    """Be refused by the guard."""
    try:
        sqlite3.connect(path)
    except StoreLocked:
        return
    raise AssertionError("sqlite3 opened the file of an open store")


def fork(db: Database, path: Path, chance: random.Random) -> None:
    """Go on in a child for a while."""
    number = os.fork()
    if number == 0:
        signal.alarm(PATIENCE)
        try:
            told = work(db, random.Random(chance.random()), CHILD_ROUNDS)
            path.with_name(f"{path.name}.child-{os.getpid()}").write_bytes(msgspec.json.encode(told))
        except BaseException as error:  # noqa: BLE001 - a child must never go on as its parent
            print("child:", repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(number, 0)
    assert status == 0, f"a child ended with {status}"


KINDS: dict[str, Callable[[Database, Path, random.Random], None]] = {
    kind.__name__: kind for kind in (close_a_descriptor, try_sqlite3, fork)
}


def until_lost(db: Database, author: str, number: int, rounds: int) -> tuple[list[Told], bool]:
    """Work round by round; say what was told, and whether the history was lost under it."""
    chance, told = random.Random(f"{author}/{number}"), list[Told]()
    try:
        with db.context(author=author):
            told.extend(work(db, chance, 1) for _ in range(rounds))
    except HistoryLost as lost:
        print(lost, file=sys.stderr)
        return told, True
    return told, False


def main(path: Path, seed: int, threads: int, rounds: int, *kinds: str) -> list[Told]:
    """Run the threads of one process, with mischief until the last one is done."""
    chance = random.Random(f"{seed}/mischief")
    with connect(str(path)) as db, ThreadPoolExecutor(threads) as pool:
        runs = [pool.submit(until_lost, db, str(seed), number, rounds) for number in range(threads)]
        while kinds and not all(run.done() for run in runs):
            KINDS[chance.choice(kinds)](db, path, chance)
            time.sleep(chance.random() * 0.02)
    ends = [run.result() for run in runs]
    assert len({lost for _, lost in ends}) == 1, "some threads were told that the history is lost, others not"
    return [one for told, _ in ends for one in told]


if __name__ == "__main__":
    everything = main(Path(sys.argv[1]), *map(int, sys.argv[2:5]), *sys.argv[5:])  # type: ignore[arg-type]
    sys.stdout.write(msgspec.json.encode(everything).decode())
