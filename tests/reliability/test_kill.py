"""kill -9 at any moment: what was acknowledged is there, what was half-written is not."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.reliability.processes import acknowledged, check_sound, finish, first_line, running

WRITERS = 2


def killed(path: Path, name: str, moment: float) -> dict[str, int]:
    """What a writer was promised that was killed so many seconds after its first commit."""
    with running("writer", path, name, 0) as process:
        first = first_line(process)
        time.sleep(moment)
        process.kill()
        rest, errors = process.communicate()
    assert not errors, errors.decode()
    return acknowledged(first + rest)


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path, long: bool) -> None:
    path, random_moment = tmp_path / "history.db", random.Random(0)
    promised: dict[str, int] = {}
    for life in range(200 if long else 10):
        promised |= killed(path, f"life{life}", random_moment.uniform(0, 0.05))
        check_sound(path, promised)
    assert promised


def test_a_writer_that_is_killed_does_not_disturb_the_others(tmp_path: Path, long: bool) -> None:
    path, random_moment = tmp_path / "history.db", random.Random(1)
    promised: dict[str, int] = {}
    with running("writer", path, "survivor", 300 if long else 60) as survivor:
        for life in range(20 if long else 3):
            promised |= killed(path, f"life{life}", random_moment.uniform(0, 0.05))
        promised |= acknowledged(finish(survivor))
    check_sound(path, promised)


@pytest.mark.parametrize("start_moment", ["at_once", "staggered"])
def test_processes_that_write_at_once_lose_nothing_and_leave_no_gap(
    tmp_path: Path, long: bool, start_moment: str
) -> None:
    path, most = tmp_path / "history.db", 400 if long else 40
    promised: dict[str, int] = {}
    with ExitStack() as all_of_them:
        writers, firsts = [], []
        for name in range(WRITERS):
            writers.append(all_of_them.enter_context(running("writer", path, f"w{name}", most)))
            firsts.append(first_line(writers[-1]) if start_moment == "staggered" else b"")
        outputs = [
            acknowledged(first + finish(writer)) for first, writer in zip(firsts, writers, strict=True)
        ]
    for output in outputs:
        promised |= output
    assert len(set(promised.values())) == len(promised) >= WRITERS * most
    check_sound(path, promised)
