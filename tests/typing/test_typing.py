"""What type checkers infer of programs that use Backstory: mypy --strict and pyright, as a user runs them."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import backstory
from backstory import guide
from tests import programs

SAMPLE = Path(__file__).parent / "sample.py"

WRONG = """\
from backstory import Event, State, Tag, connect
from sample import Account, Deposited, close, deposit, withdraw


class Other(State):
    account: Tag[str]

    def apply(self, event: Deposited) -> None: ...


class Moved(Event):
    account: Tag[str]
    cents: int = 0


account = Account("a-7")
deposit(account)  # wrong
deposit(account, "500")  # wrong
deposit(account, 5, 6)  # wrong
deposit(account, dollars=5)  # wrong
deposit("a-7", 5)  # wrong
deposit(Other("a-7"), 5)  # wrong
withdraw(cents=5)  # wrong
close(account, "moved")  # wrong
close(account, reason=5)  # wrong
Account()  # wrong
Account(7)  # wrong
Account("a-7", "0")  # wrong
Deposited("a-7")  # wrong
Deposited("a-7", "5")  # wrong
Moved("a-7").cents = 5  # wrong
Deposited("a-7", 5).dollars  # wrong
with connect("memory:") as db:
    db.execute(deposit)  # wrong
    db.execute(Deposited("a-7", 5))  # wrong
    db.execute(deposit(account, 5), name="ann")  # wrong
    db.execute(deposit(account, 5), author=7)  # wrong
    db.load(Account)  # wrong
    db.load(Deposited("a-7", 5))  # wrong
    db.load(account).saldo  # wrong
    text: str = db.load(account).balance  # wrong
    db.load(account, at=1.5)  # wrong
    db.preview(deposit(account, 5)).events[0].dollars  # wrong
"""
"""Mistakes that must be found: each line that says `# wrong` has one, and no other line has any."""


def mypy(folder: Path) -> set[tuple[str, int]]:
    """The files and lines in which mypy sees an error."""
    options = [
        "--strict",
        "--output=json",
        "--no-error-summary",
        "--config-file=",
        f"--cache-dir={folder / 'cache'}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *sorted(path.name for path in folder.glob("*.py"))],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    assert not done.stderr, done.stderr
    errors = map(json.loads, done.stdout.splitlines())
    return {(Path(error["file"]).name, error["line"]) for error in errors if error["severity"] == "error"}


def pyright(folder: Path) -> set[tuple[str, int]]:
    """The files and lines in which pyright sees an error."""
    # A configuration of its own, so that none of a folder above counts.
    package = Path(backstory.__file__).parents[1]
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(package)]}), encoding="utf-8")
    options = ["--outputjson", "--project", str(folder), "--pythonpath", sys.executable]
    done = subprocess.run(
        [sys.executable, "-m", "pyright", *options],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    errors = json.loads(done.stdout)["generalDiagnostics"]
    return {
        (Path(error["file"]).name, error["range"]["start"]["line"] + 1)
        for error in errors
        if error["severity"] == "error"
    }


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_sample_and_the_guide_are_inferred_every_mistake_is_found_and_nothing_else(
    checker: Callable[[Path], set[tuple[str, int]]], tmp_path: Path
) -> None:
    (tmp_path / "sample.py").write_text(SAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    for page in guide.topics():
        code = "\n\n".join(re.findall(r"```python\n(.*?)```", page.text, re.DOTALL))
        (tmp_path / f"guide_{page.name.replace('-', '_')}.py").write_text(code, encoding="utf-8")
    wrong = {("wrong.py", number) for number, line in enumerate(WRONG.splitlines(), 1) if "# wrong" in line}
    assert len(wrong) > 20
    assert checker(tmp_path) == wrong


def test_the_sample_runs() -> None:
    with programs.forgotten():
        runpy.run_path(str(SAMPLE))
