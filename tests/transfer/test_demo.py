"""`make demo`, as a stranger runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "scripts" / "demo.py"


@pytest.mark.parametrize("words", [[], ["--example"]])
def test_the_demo_shows_every_step(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ran = subprocess.run([sys.executable, DEMO, *words], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    steps = re.findall(r"^\d+\. .*\n\n   \$ backstory (\w+)", ran.stdout, re.MULTILINE)
    asked = ["import", "import", "log", "state", "log", "blame", "diff", "bisect", "stats"]
    tried = ["switch", "do", "diff", "log", "merge", "merge", "blame", "bisect", "verify"]
    assert steps == asked + tried
    assert "sound:" in ran.stdout
    assert "nothing new" in ran.stdout
