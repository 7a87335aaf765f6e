"""A process that forks may go on using its store on both sides."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.reliability.forking import SCENES
from tests.reliability.processes import finish, running


@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")
@pytest.mark.parametrize("scene", SCENES)
def test_parent_and_child_both_use_the_store(tmp_path: Path, scene: str) -> None:
    with running("forking", scene, tmp_path / "history.db") as process:
        finish(process)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")
@pytest.mark.parametrize("address", ["memory:", "history.db"])
def test_two_threads_fork_while_others_work(tmp_path: Path, address: str, long: bool) -> None:
    where = address if address == "memory:" else tmp_path / address
    with running("forkers", where, 40 if long else 3) as process:
        finish(process)
