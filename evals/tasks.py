"""The tasks, and the folders in which they are solved.

A task is a folder of `tasks/` with `instruction.md`, a `check.py` that runs in a process of its own, and `reference/`,
the files of a solution. It may have `start/`, files that differ from those of `app/`; `prepare.py`, which makes the
store; and `finish.py`, which the reference runs at its end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SECONDS = 300
"""After which a checker is ended."""


class Task(NamedTuple):
    """A task by its folder."""

    folder: Path

    @property
    def name(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def title(self) -> str:
        """The first line of its instruction."""
        return (self.folder / "instruction.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")

    def start(self, folder: Path) -> None:
        """Make the folder as it is before anybody solves the task."""
        shutil.copytree(
            HERE / "app", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
        _overlay(self.folder / "start", folder)
        shutil.copy(self.folder / "instruction.md", folder / "TASK.md")
        self._script("prepare.py", folder)

    def solve(self, folder: Path) -> None:
        """Put the reference solution into a folder."""
        _overlay(self.folder / "reference", folder)
        self._script("finish.py", folder)

    def _script(self, name: str, folder: Path) -> None:
        """Run a script of the task, if it has such a one."""
        if (self.folder / name).exists() and (ran := _python(self.folder / name, folder)).returncode:
            raise RuntimeError(f"{name} of {self.name} failed:\n{ran.stderr}")

    def check(self, folder: Path) -> list[str]:
        """The faults of a solution; none if it passes. A checker that fails by itself is a fault, too."""
        try:
            done = _python(self.folder / "check.py", folder)
        except subprocess.TimeoutExpired:
            return [f"the check was not done after {SECONDS} seconds"]
        if done.returncode == 0:
            return []
        return done.stdout.splitlines() or [
            done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        ]


def tasks() -> list[Task]:
    """All tasks, by name."""
    return [Task(path.parent) for path in sorted((HERE / "tasks").glob("*/instruction.md"))]


def _overlay(source: Path, folder: Path) -> None:
    if source.exists():
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def _python(script: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of a task in its folder, which is where it finds the application, too."""
    path = os.pathsep.join([str(folder), str(HERE.parent)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    for name in [name for name in environment if name.startswith("BACKSTORY_")]:
        del environment[name]
    words = [sys.executable, str(script)]
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
