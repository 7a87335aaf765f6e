"""Processes that feed projections are killed at any moment: each event is in the tables exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backstory import connect
from backstory.stores.postgres import PostgresStore
from tests.postgres.schemas import schemas
from tests.projections.conftest import without_views
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders

RUNNER = """
import sys
from backstory import connect
from tests.projections.shop import Orders
Orders.batch = 20
db = connect(sys.argv[1])
with db.run(Orders, lease=0.5):
    print("running", flush=True)
    sys.stdin.read()
"""

ROOT = Path(__file__).parents[2]


def runner(address: str) -> subprocess.Popen[str]:
    """A process that feeds the orders."""
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store that processes share."""
    if request.param == "sqlite":
        return str(tmp_path / "shop.db")
    store: PostgresStore = without_views(schemas().open(tmp_path))
    return schemas()._server.address(store.server.address.schema)


def test_runners_that_are_killed_apply_each_event_once(address: str, long: bool) -> None:
    with connect(address) as db:
        rounds = 50 if long else 4
        dice = random.Random(7)
        placed = 0
        for _ in range(rounds):
            processes = [runner(address) for _ in range(2)]
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "running\n"
            until = time.monotonic() + dice.uniform(0.05, 0.5)
            while time.monotonic() < until:
                db.append(*(OrderPlaced(f"o-{placed + each}", each) for each in range(20)))
                placed += 20
            for process in processes:
                process.send_signal(signal.SIGKILL)
                process.communicate()
        db.append(OrderPaid("o-0"))
        with db.run(Orders, lease=0.5):
            db.wait(Orders, timeout=120)
        assert db.rows(Orders, ALL) == db.rows(Orders, ALL, live=True)
        assert db.rows(Orders, "SELECT count(*) FROM orders") == [(placed,)]


def test_a_runner_that_was_stopped_for_longer_than_its_lease_writes_nothing_more(address: str) -> None:
    with connect(address) as db:
        db.append(OrderPlaced("o-1", 1))
        process = runner(address)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            db.wait(Orders, timeout=60)
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.6)
            with db.run(Orders, lease=60):
                db.wait(Orders, db.append(OrderPlaced("o-2", 1)), timeout=60)
                process.send_signal(signal.SIGCONT)
                for number in range(20):
                    db.append(OrderPaid(f"o-{1 + number % 2}"))
                db.wait(Orders, timeout=60)
            assert db.rows(Orders, ALL) == [("o-1", 1, "paid"), ("o-2", 1, "paid")]
        finally:
            process.kill()
            process.communicate()
