"""The torture test while others meddle with the file: they drop its locks, read it, fork, and put it back."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from backstory import Database, connect
from backstory.history.check.verify import verify
from tests.reliability.mischief import KINDS
from tests.reliability.processes import finish, running
from tests.reliability.test_torture import History, check_decisions, check_rules, check_told
from tests.reliability.torture import Told

READ = """
import sqlite3, sys, time
until = time.monotonic() + 100_000
while time.monotonic() < until:
    connection = sqlite3.connect(sys.argv[1])
    connection.execute("SELECT count(*), sum(length(data)) FROM events").fetchall()
    connection.close()
    time.sleep(0.003)
"""
COPY = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]), sleep=0.002)"


def told_by(path: Path, outputs: list[bytes]) -> list[Told]:
    """What the processes and their children were told."""
    children = [msgspec.json.decode(file.read_bytes(), type=Told) for file in path.parent.glob("*.child-*")]
    return children + [told for output in outputs for told in msgspec.json.decode(output, type=list[Told])]


def check(db: Database, told: list[Told]) -> None:
    """Find every rule kept, every acknowledged commit there and no other, and every decision made again the same."""
    events = list(db.log.read())
    history = History(db.log, events)
    check_rules(db)
    check_told(db, told, history)
    check_decisions(db, events, history)
    assert verify(db.store).problems == []


def test_nothing_is_lost_whatever_others_do_to_the_file(tmp_path: Path, long: bool) -> None:
    path = tmp_path / "torture.db"
    connect(str(path)).close()
    with ExitStack() as stack:
        reader = stack.enter_context(subprocess.Popen([sys.executable, "-c", READ, path]))
        stack.callback(reader.kill)
        started = [
            stack.enter_context(running("mischief", path, seed, 3, 1_000 if long else 15, *KINDS))
            for seed in range(3)
        ]
        outputs = [finish(process) for process in started]
        assert reader.poll() is None
    with connect(str(path), create=False) as db:
        check(db, told_by(path, outputs))


def test_nothing_is_decided_on_a_history_that_was_put_back(tmp_path: Path, long: bool) -> None:
    path, backup = tmp_path / "torture.db", tmp_path / "backup.db"
    known: list[Told] = []
    for phase in range(20 if long else 2):
        with running("mischief", path, f"1{phase}", 3, 20 if long else 5) as process:
            known += told_by(path, [finish(process)])
        subprocess.run([sys.executable, "-c", COPY, path, backup], check=True)
        with connect(str(path)) as db:
            before = db.head().position
        with ExitStack() as stack:
            started = [
                stack.enter_context(running("mischief", path, f"{seed}{phase}", 3, 1_000_000))
                for seed in (2, 3)
            ]
            with connect(str(path)) as db:
                while len({commit.author for commit in db.commits(after=before)}) < 2:
                    time.sleep(0.01)
            subprocess.run([sys.executable, "-c", COPY, backup, path], check=True)
            for process in started:
                finish(process)
        with connect(str(path)) as db:
            assert db.head().position == before
    with connect(str(path), create=False) as db:
        check(db, known)
