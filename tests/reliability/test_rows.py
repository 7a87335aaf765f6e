"""Rows under fire: processes that write at once, and a sync that is killed half-way and run again."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from backstory import connect
from backstory.errors import FoldedWarning
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of

WRITER = """
import sys
from backstory import connect
from backstory.errors import DuplicateRow, StaleRow

url, me = sys.argv[1:]
with connect(url) as db:
    table = db.table("raced", unique=["email"])
    print("ready", flush=True)
    sys.stdin.readline()
    got = 0
    for number in range(6):
        try:
            table.insert(f"{me}-{number}", {"email": f"mail-{number}"})
            got += 1
        except DuplicateRow:
            pass
        while True:
            try:
                with table.edit("counter") as row:
                    row["n"] += 1
                break
            except StaleRow:
                pass
        table.update("shared", **{me: number, "last": me})
print(got)
"""

SYNCING = """
import sys
from backstory import connect

with connect(sys.argv[1]) as db:
    table = db.table("dumped", key="id", unique=["mail"])
    def rows():
        for number in range(1_500):
            yield {"id": number, "mail": number, "value": number * 3}
    print("ready", flush=True)
    table.sync(rows(), batch=20)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_that_write_at_once_lose_nothing_and_share_no_unique_value(
    kind: str, tmp_path: Path
) -> None:
    url = str(tmp_path / "rows.db") if kind == "sqlite" else hasty(None).address(schema_of(tmp_path))
    with connect(url) as db:
        table = db.table("raced", unique=["email"])
        table.upsert_many([("counter", {"n": 0}), ("shared", {})])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, f"w{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    got = [int(writer.communicate()[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert sum(got) == 6
    with connect(url) as db, warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        table = db.table("raced")
        assert table["counter"] == {"n": 18}
        assert {name: table["shared"][name] for name in ("w0", "w1", "w2")} == {"w0": 5, "w1": 5, "w2": 5}
        mails = [row["email"] for row in table.find("email is not None")]
        assert sorted(mails) == sorted(f"mail-{number}" for number in range(6))


def test_a_sync_that_is_killed_half_way_is_finished_by_the_next_one(tmp_path: Path) -> None:
    url = str(tmp_path / "rows.db")
    with connect(url) as db:
        before = db.head().position
        syncing = subprocess.Popen([sys.executable, "-c", SYNCING, url], stdout=subprocess.PIPE, text=True)
        assert syncing.stdout is not None
        assert syncing.stdout.readline() == "ready\n"
        db.log.wait(before, 60)
        syncing.kill()
        syncing.communicate()
        half = db.head().position
        assert half % 20 == 0, "a batch is whole or not there"
    subprocess.run([sys.executable, "-c", SYNCING, url], check=True, capture_output=True)
    with connect(url) as db:
        assert db.head().position == 1_500, "no row was written twice"
        assert db.table("dumped", key="id")[1_499] == {"id": "1499", "mail": 1_499, "value": 4_497}
