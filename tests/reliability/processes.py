"""Starting the processes that these tests kill, or set against each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from backstory.record import Recorded
from backstory.store import Log
from backstory.stores.sqlite import SqliteStore
from tests.reliability.samples import problems

ROOT = Path(__file__).parents[2]


def start(module: str, *arguments: object, user: int | None = None) -> subprocess.Popen[str]:
    """Run a module of the tests in a process of its own."""
    command = [sys.executable, "-m", f"tests.reliability.{module}", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, user=user
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What it printed, once it has ended well."""
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


def acknowledged(output: str) -> dict[str, int]:
    """Commit ids and positions that a writer printed; a line that was cut off by its death does not count."""
    whole = output[: output.rfind("\n") + 1]
    return {id: int(position) for id, position in (line.split() for line in whole.splitlines())}


def check_whole(log: Log) -> None:
    """No position is missing, and no commit and no batch of the writers is there in part."""
    events: list[Recorded] = list(log.read())
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
