"""The tasks for assistants: each start fails, each reference passes, and an agent is run as it was named."""

from __future__ import annotations

import json
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
