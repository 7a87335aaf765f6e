"""Processes that react are killed at any moment: each command is in the log once, and each deadline came once.

The tables of a projection that ran beside them equal a fresh fold.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from backstory import Database, connect
from backstory.reactions import operate
from backstory.reactions.deadlines import DeadlineDue, DeadlineSet
from backstory.reactions.keep import Keep
from backstory.reactions.process import process_type
from backstory.right import has_right, take
from tests.patience import until
from tests.postgres.schemas import schemas
from tests.projections.conftest import without_views
from tests.reactions.shop import ROWS, Board, Confirmed, Placed, Reminded, Reminder, confirm

RUNNER = """
import sys
from backstory import connect
from tests.reactions.shop import Board, Reminder, confirm
db = connect(sys.argv[1])
with db.run(confirm, Reminder, Board, lease=0.5):
    print("running", flush=True)
    sys.stdin.read()
"""

ROOT = Path(__file__).parents[2]


def runner(address: str) -> subprocess.Popen[str]:
    """A process that reacts."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store that processes share, and that reacts."""
    found = str(tmp_path / "shop.db")
    if request.param == "postgres":
        found = schemas()._server.address(without_views(schemas().open(tmp_path)).server.address.schema)
    with closing(connect(found)) as db:
        if not has_right(db.store):
            take(db.store)
    return found


def per_order(db: Database, event: Any, field: Callable[[Any], str]) -> Counter[str]:
    """How many of these events each order has."""
    return Counter(field(record.event) for record in db.read(event))


@pytest.mark.timeout(1_800)  # with --long, 200 processes are started
def test_processes_that_are_killed_react_to_each_event_once(address: str, long: bool) -> None:
    with connect(address) as db:
        dice = random.Random(7)
        placed: list[str] = []
        for _ in range(50 if long else 3):
            processes = [runner(address) for _ in range(4 if long else 2)]
            end = time.monotonic() + dice.uniform(0.05, 0.8)
            while time.monotonic() < end:
                order = f"o-{len(placed)}"
                db.append(Placed(order, -1 if order == "o-3" else 5))
                placed.append(order)
                time.sleep(0.01)
            for process in processes:
                process.send_signal(signal.SIGKILL)
                process.communicate()
        once = Counter(placed)
        with db.run(confirm, Reminder, Board, lease=0.5):
            until(lambda: len(list(db.read(Reminded))) >= len(placed))
            until(lambda: len(list(db.read(Confirmed))) >= len(placed) - 1)
        db.run(confirm, Reminder, Board).run(once=True)
        rows = db.rows(Board, ROWS, after=db.head().position, timeout=60)
        assert rows == db.rows(Board, ROWS, live=True)
        assert set(rows) == {(order, order != "o-3", 1) for order in placed}
        assert per_order(db, Reminded, lambda event: str(event.order)) == once
        assert per_order(db, DeadlineSet, lambda event: str(event.of["order"])) == once
        assert per_order(db, DeadlineDue, lambda event: str(event.of["order"])) == once
        del once["o-3"]
        assert per_order(db, Confirmed, lambda event: str(event.order)) == once
        assert [one.key for one in operate.parked(confirm, db.store)] == ["o-3"]
        assert operate.parked(process_type(Reminder), db.store) == []


def stopped_outside_of_a_write(process: subprocess.Popen[str], write: Callable[[], Any]) -> None:
    """Stop a process that is in the middle of no write: another one writes at once, then."""
    while True:
        process.send_signal(signal.SIGSTOP)
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(5)
        if not thread.is_alive():
            return
        process.send_signal(signal.SIGCONT)
        thread.join()


def test_a_process_that_was_stopped_for_longer_than_its_lease_writes_nothing_more(address: str) -> None:
    orders = (f"o-{number}" for number in count())
    with connect(address) as db:
        first = runner(address)
        try:
            db.append(Placed(next(orders), 5))
            until(lambda: list(db.read(Reminded)) and list(db.read(Confirmed)))
            stopped_outside_of_a_write(first, lambda: db.append(Placed(next(orders), 5)))
            with db.run(confirm, lease=0.5):
                placed = len(list(db.read(Placed)))
                until(lambda: len(list(db.read(Confirmed))) == placed)
                first.send_signal(signal.SIGCONT)
                db.append(Placed(next(orders), 5))
                until(lambda: len(list(db.read(Confirmed))) == placed + 1)
            first.communicate("")
        finally:
            first.kill()
            first.communicate()
        assert set(per_order(db, Confirmed, lambda event: str(event.order)).values()) == {1}
        found = Keep(db.store, "confirm").look()
        assert found is not None
        assert found.epoch >= 2
