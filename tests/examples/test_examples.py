"""The examples hold together: each can be run, is specified, and is explained."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from backstory.application import load
from backstory.database import Database
from backstory.history.backtest.report import Report

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


@pytest.mark.filterwarnings("ignore::backstory.errors.ClearTextWarning")
@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_unchanged_code_decides_every_command_of_an_example_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    reports: list[Report] = []
    closed, commands = Database.close, load(f"examples.{folder.name}", ROOT).commands_by_name()

    def close(self: Database) -> None:
        if self._owns:
            reports.extend(self.backtest(commands=commands, each=each) for each in (False, True))
        closed(self)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [folder.name])
    monkeypatch.setattr(Database, "close", close)
    runpy.run_module(f"examples.{folder.name}", run_name="__main__")
    capsys.readouterr()
    assert sum(report.counts["same"] for report in reports) > 0
    for report in reports:
        assert not report.differs, report.steps
        assert [step.words for step in report.steps] == []
