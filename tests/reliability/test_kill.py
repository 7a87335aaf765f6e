"""kill -9 at any moment: what was acknowledged is there, what was half-written is not."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.reliability.processes import acknowledged, check_sound, finish, start

WRITERS = 2


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path, long: bool) -> None:
    path, random_moment = tmp_path / "history.db", random.Random(0)
    promised: dict[str, int] = {}
    for life in range(200 if long else 10):
        process = start("writer", path, f"life{life}", 0)
        assert process.stdout is not None
        first = process.stdout.readline()  # it writes by now
        time.sleep(random_moment.uniform(0, 0.05))
        process.kill()
        rest, errors = process.communicate()
        assert not errors
        promised |= acknowledged(first + rest)
        check_sound(path, promised)
    assert promised


def test_a_writer_that_is_killed_does_not_disturb_the_others(tmp_path: Path, long: bool) -> None:
    path, random_moment = tmp_path / "history.db", random.Random(1)
    survivor = start("writer", path, "survivor", 300 if long else 60)
    promised: dict[str, int] = {}
    for life in range(20 if long else 3):
        process = start("writer", path, f"life{life}", 0)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(random_moment.uniform(0, 0.05))
        process.kill()
        promised |= acknowledged(first + process.communicate()[0])
    promised |= acknowledged(finish(survivor))
    check_sound(path, promised)


@pytest.mark.parametrize("start_moment", ["at_once", "staggered"])
def test_processes_that_write_at_once_lose_nothing_and_leave_no_gap(
    tmp_path: Path, long: bool, start_moment: str
) -> None:
    path, most = tmp_path / "history.db", 400 if long else 40
    writers = []
    for name in range(WRITERS):
        writers.append(start("writer", path, f"w{name}", most))
        if start_moment == "staggered":
            assert writers[-1].stdout is not None
            writers[-1].stdout.readline()
    outputs = [finish(writer) for writer in writers]
    promised = {id: position for output in outputs for id, position in acknowledged(output).items()}
    if start_moment == "at_once":
        assert len(set(promised.values())) == len(promised) >= WRITERS * most
    check_sound(path, promised)
