"""An import that is killed in the middle goes on where it was, and brings each change once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from backstory import connect
from backstory.cli import main

ROWS = 4_000

PROGRAM = """
import os, signal, sys
from backstory.cli import main
from backstory.stores.sqlite import SqliteStore
from backstory.transfer.load import load
def dying(*given, **more):
    return load(*given, **more | {"batch": 500})
from backstory.cli.verbs.import_ import taking
taking.load = dying
write, count = SqliteStore.write, 0
def killed(self, *units):
    global count
    count += 1
    if count == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(self, *units)
SqliteStore.write = killed
main(sys.argv[1:])
"""


def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    connection = sqlite3.connect(old)
    connection.execute("CREATE TABLE log (n INTEGER PRIMARY KEY, id INTEGER, at TEXT, price INTEGER)")
    rows = ((n, n % 7, f"2026-03-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}", n) for n in range(ROWS))
    connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    store = str(tmp_path / "new.db")
    words = ["-s", store, "import", "audit", str(old), "--table", "log=prices", "--key", "id", "--time", "at"]
    killed = subprocess.run([sys.executable, "-c", PROGRAM, *words], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    with connect(store) as db:
        before = db.head().position
        assert 0 < before < ROWS
    assert main(words) == 0
    with connect(store) as db:
        assert db.head().position == ROWS
        assert len({commit.id for commit in db.commits()}) == ROWS
        assert db.table("prices")["3"] == {"price": ROWS - ROWS % 7 + 3 - 7 * (ROWS % 7 <= 3)}
