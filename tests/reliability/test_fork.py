"""A process that forks may go on using its store on both sides."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest

from backstory.stores.sqlite import SqliteStore
from backstory.stores.sqlite.opened import OPENED
from tests.patience import PATIENCE
from tests.reliability.forking import SCENES
from tests.reliability.processes import finish, running

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")


@forks
@pytest.mark.parametrize("scene", SCENES)
def test_parent_and_child_both_use_the_store(tmp_path: Path, scene: str) -> None:
    with running("forking", scene, tmp_path / "history.db") as process:
        finish(process)


@forks
@pytest.mark.parametrize("address", ["memory:", "history.db"])
def test_two_threads_fork_while_others_work(tmp_path: Path, address: str, long: bool) -> None:
    where = address if address == "memory:" else tmp_path / address
    with running("forkers", where, 40 if long else 3) as process:
        finish(process)


def test_a_store_that_is_garbage_does_not_wait_for_a_thread_that_opens_or_forks(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "garbage.db")
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with OPENED._lock:
            held.set()
            go_on.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    del store
    gc.collect()
    assert thread.is_alive()
    go_on.set()
    thread.join()
    SqliteStore(tmp_path / "other.db").close()
    assert not OPENED.guards(str(tmp_path / "garbage.db"))
