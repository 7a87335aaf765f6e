"""The examples hold together: each can be run, is specified, and is explained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/__main__.py"))


def test_the_page_names_every_example() -> None:
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert EXAMPLES
    assert [folder.name for folder in EXAMPLES if f"]({folder.name}/README.md)" not in page] == []


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_each_runs_and_is_specified_and_explained_by_what_it_prints(folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", f"examples.{folder.name}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in (folder / "README.md").read_text(encoding="utf-8")
    assert done.stderr == ""
    assert list(folder.glob("test_*.py"))
