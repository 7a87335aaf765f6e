"""Starting the processes that these tests kill, or set against each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backstory.store import Log
from backstory.stores.sqlite import SqliteStore
from backstory.values.event_data import RecordedEvent
from tests.reliability.samples import problems

ROOT = Path(__file__).parents[2]


@contextmanager
def running(module: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module of the tests in a process of its own, which does not outlive the block.

    Its output is not buffered here: a line that was read takes nothing with it of what `communicate` gives.
    """
    command = [sys.executable, "-m", f"tests.reliability.{module}", *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """Its next line: it is at work by now."""
    assert process.stdout is not None
    return process.stdout.readline()


def finish(process: subprocess.Popen[bytes]) -> bytes:
    """What it printed, once it has ended well."""
    output, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return output


def acknowledged(output: bytes) -> dict[str, int]:
    """Commit ids and positions that a writer printed; a line that was cut off by its death does not count."""
    *whole, _ = output.decode().split("\n")
    return {id: int(position) for id, position in map(str.split, whole)}


def check_whole(log: Log) -> None:
    """No position is missing, and no commit and no batch of the writers is there in part."""
    events: list[RecordedEvent] = list(log.read())
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    commits = list(log.commits())
    assert sum(commit.size for commit in commits) == len(events)
    ids = {commit.id for commit in commits}
    assert len(ids) == len(commits)
    for commit in commits:
        name, turn, _ = commit.id.rsplit("-", 2)
        if int(turn) % 5 == 0:
            assert {f"{name}-{turn}-0", f"{name}-{turn}-1"} <= ids
        else:
            assert commit.condition is not None
            assert commit.condition.after == commit.first - 1


def check_sound(path: Path, promised: dict[str, int]) -> None:
    """Open a store, and find all that was promised, whole, and no problem."""
    store = SqliteStore(path)
    log = store.log()
    check_whole(log)
    there = {commit.id: commit.position for commit in log.commits()}
    assert promised.items() <= there.items()
    assert problems(store) == []
    store.close()
