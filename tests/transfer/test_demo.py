"""`make demo`, as a stranger runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backstory import connect

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "scripts" / "demo.py"


@pytest.mark.parametrize("words", [[], ["--example"]])
def test_the_demo_shows_every_step(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ran = subprocess.run([sys.executable, DEMO, *words], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    steps = re.findall(r"^\d+\. .*\n\n   \$ backstory (\w+)", ran.stdout, re.MULTILINE)
    asked = ["import", "import", "log", "state", "log", "blame", "diff", "bisect", "stats"]
    tried = ["switch", "do", "diff", "log", "merge", "merge", "blame", "bisect", "verify"]
    assert steps == [*asked, *tried, "bisect", "show"]
    assert "Unread:    Order o-1042" in ran.stdout
    assert "sound:" in ran.stdout
    assert "nothing new" in ran.stdout
    [line] = re.findall(r"^   (\S.*backstory ui -s .*)$", ran.stdout, re.MULTILINE)
    store, app = re.findall(r"-s (\S+) --app (\S+)$", line)[0]
    with connect(store, create=False) as db:
        assert db.head().position > 100
    assert app == "examples.refunds"
    assert "Open it now?" not in ran.stdout


def test_the_line_that_it_ends_with_opens_the_page(tmp_path: Path) -> None:
    store = tmp_path / "refunds.db"
    subprocess.run([sys.executable, "-m", "examples.refunds", str(store)], cwd=ROOT, check=True)
    words = ["-s", str(store), "ui", "--app", "examples.refunds", "--no-open", "--for", "0"]
    ran = subprocess.run(
        [sys.executable, "-m", "backstory", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "")
    assert re.fullmatch(r"backstory: http://127.0.0.1:\d+/enter\?token=\S+", ran.stderr.strip())
