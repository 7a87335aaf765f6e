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
