"""Forks and Ctrl-C while a server's store is open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.server import HASTY, PostgresServer, started
from tests.reliability.processes import finish, running
from tests.reliability.test_inherited import check

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own."""
    own = started(HASTY)
    yield own
    own.close()


@forks
def test_what_has_a_lock_or_a_thread_begins_anew_in_a_child(server: PostgresServer, tmp_path: Path) -> None:
    check("memory:", tmp_path / "history.db", server.address("inherited"), postgres=True)


@forks
def test_two_threads_fork_while_others_work(server: PostgresServer, long: bool) -> None:
    with running("forkers", server.address("forkers"), 40 if long else 1) as process:
        finish(process)


def test_ctrl_c_leaves_the_store_usable(server: PostgresServer, long: bool) -> None:
    with running("interrupting", server.address("interrupting"), 2_000 if long else 4) as process:
        finish(process)
