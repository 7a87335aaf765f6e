"""The tasks for assistants: each start fails, each reference passes, and an agent is run as it was named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evals.tasks import Task, tasks

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.name)
def test_the_start_fails_and_the_reference_passes(task: Task, tmp_path: Path) -> None:
    task.start(tmp_path)
    assert task.check(tmp_path)
    task.solve(tmp_path)
    assert task.check(tmp_path) == []


WRONG = [
    (
        "add-a-slice",
        "library/reservations.py",
        "if book.reserved_for:",
        "if book.reserved_for not in ('', reader):",
    ),
    ("evolve-an-event", "library/events.py", 'data.pop("cents")', '100 * data.pop("cents")'),
    ("incident-to-test", "library/books.py", "if late > 0", "if book.book == 'b-7'"),
    ("incident-to-test", "tests/test_incident.py", "2026-03-15", "2026-03-16"),
    ("mend-a-read-model", "library/loans.py", "record.authored", "record.time"),
    ("write-an-automation", "library/reminders.py", "at=day)", "after=timedelta(days=35))"),
]
"""A line of a reference, and another one that makes the solution wrong."""


@pytest.mark.parametrize(("name", "file", "right", "wrong"), WRONG)
def test_a_solution_that_is_nearly_right_fails(
    name: str, file: str, right: str, wrong: str, tmp_path: Path, long: bool
) -> None:
    original = ROOT / "evals" / "tasks" / name
    line = next(
        path for path in (original / "reference" / file, ROOT / "evals" / "app" / file) if path.exists()
    )
    assert right in line.read_text("utf-8")
    if not long:
        return
    task, folder = Task(tmp_path / name), tmp_path / "folder"
    shutil.copytree(original, task.folder)
    task.start(folder)
    solved = task.folder / "reference" / file
    if not solved.exists():  # a script of the task puts it there
        task.solve(folder)
        solved = folder / file
    solved.write_text(solved.read_text("utf-8").replace(right, wrong), "utf-8")
    if solved.is_relative_to(task.folder):
        task.solve(folder)
    assert task.check(folder)


def test_there_are_ten_and_each_says_what_is_to_be_done() -> None:
    assert len(tasks()) == 10
    for task in tasks():
        assert (task.folder / "instruction.md").read_text("utf-8").startswith(f"# {task.title}\n\n")


def test_an_agent_gets_the_paths_and_its_work_is_checked(tmp_path: Path) -> None:
    agent = tmp_path / "agent.py"
    agent.write_text(
        "import shutil, sys\n"
        "assert 'Choose whether' in open(sys.argv[1]).read()\n"
        f"shutil.copy({str(ROOT / 'evals/tasks/choose-the-model/reference/answer.json')!r}, sys.argv[2])\n"
    )
    words = [sys.executable, "-m", "evals", "--task", "choose-the-model", "--json"]
    words += ["--agent", f"{sys.executable} {agent} {{instruction}} {{folder}}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [result] = json.loads(done.stdout)
    assert result["faults"] == []


@pytest.mark.parametrize(
    ("agent", "fault"),
    [
        ("no-such-program", "could not be started"),
        ("false", "ended with 1"),
        ("sleep 60", "was not done after"),
    ],
)
def test_an_agent_that_fails_is_a_fault_of_the_task(agent: str, fault: str) -> None:
    words = [
        sys.executable,
        "-m",
        "evals",
        "--task",
        "choose-the-model",
        "--seconds",
        "0.5",
        "--agent",
        agent,
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert fault in done.stdout


def test_a_wrong_name_of_a_task_is_said() -> None:
    words = [sys.executable, "-m", "evals", "--task", "nothing", "--agent", "true"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no task nothing" in done.stderr
