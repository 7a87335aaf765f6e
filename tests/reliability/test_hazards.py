"""Whatever else opens and closes the file, in this process or in others, no commit that was acknowledged is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.hazards import SCENES
from tests.reliability.processes import ROOT, finish, running

OLDEST = ROOT / ".venv" / "oldest"


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_lost(tmp_path: Path, scene: str) -> None:
    with running("hazards", tmp_path, scene) as process:
        finish(process)


def test_nothing_is_lost_with_the_oldest_apsw_that_is_allowed(tmp_path: Path) -> None:
    if not (OLDEST / "apsw").is_dir():
        pytest.skip("NOT TESTED WITH THE OLDEST APSW: there is no wheel of it for this Python")
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.hazards", tmp_path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(OLDEST)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [version, *played] = done.stdout.splitlines()
    assert version.startswith(f"apsw {(OLDEST / 'version').read_text().strip()}")
    assert played == list(SCENES)
