"""Processes that share a subscription are killed at any moment: each event is given, and those of a key in order."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from backstory import Event, Tag, connect
from backstory.right import has_right, take
from tests.postgres.schemas import schemas

CONSUMER = """
import os, sys
from backstory import connect
from tests.reactions.test_consumers import Sold
out = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
db = connect(sys.argv[1])
with db.subscribe("crm", Sold, partition="article", partitions=4, after=0, lease=0.5) as events:
    print("consuming", flush=True)
    for each in events:
        os.write(out, f"{each.key} {each.event.number}\\n".encode())
        each.done()
"""

ROOT = Path(__file__).parents[2]


class Sold(Event, name="consumers.sold"):
    article: Tag[str]
    number: int


def consumer(address: str, out: Path) -> subprocess.Popen[str]:
    """A process that consumes, and writes a line for each event before it says that it is done."""
    return subprocess.Popen(
        [sys.executable, "-c", CONSUMER, address, str(out)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store that may react, and that processes share."""
    if request.param == "sqlite":
        return str(tmp_path / "shop.db")
    with closing(schemas().open(tmp_path)) as store:
        if not has_right(store):
            take(store)
        return schemas()._server.address(store.server.address.schema)


def test_consumers_that_are_killed_get_each_event_and_those_of_a_key_in_order(
    address: str, tmp_path: Path, long: bool
) -> None:
    out, dice, number = tmp_path / "out", random.Random(5), 0
    with connect(address) as db:
        processes = [consumer(address, out) for _ in range(2)]
        for turn in range(30 if long else 3):
            until = time.monotonic() + dice.uniform(0.2, 0.6)
            while time.monotonic() < until:
                db.append(*[Sold(article, number) for article in "abcdefgh"])
                number += 1
            victim = processes[turn % 2]
            victim.kill()
            victim.communicate()
            processes[turn % 2] = consumer(address, out)
        end = time.monotonic() + 120
        while any(last(seen(out)[article]) != number - 1 for article in "abcdefgh"):
            assert time.monotonic() < end, "not all events were given"
            time.sleep(0.05)
        for process in processes:
            process.kill()
            process.communicate()
    for numbers in seen(out).values():
        assert list(dict.fromkeys(numbers)) == list(range(number))


def seen(out: Path) -> dict[str, list[int]]:
    """The numbers that were given of each article, in order."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in out.read_text().splitlines() if out.exists() else ():
        article, text = line.split()
        found[article].append(int(text))
    return found


def last(numbers: list[int]) -> int:
    return numbers[-1] if numbers else -1
