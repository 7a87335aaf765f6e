"""Let an assistant do the tasks, and print which it did.

python -m evals --list
python -m evals --agent 'my-assistant --folder {folder} --read {instruction}'
python -m evals --agent '...' --task evolve-an-event --keep solved
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from evals.tasks import Task, tasks


class Result(NamedTuple):
    """How a task went: no faults if it was done."""

    task: str
    seconds: float
    faults: list[str]


def main() -> int:
    """Run the tasks; 0 if all were done."""
    parser = argparse.ArgumentParser(
        prog="python -m evals", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument("--agent", metavar="CMD", help="the command; {instruction} and {folder} become paths")
    parser.add_argument("--task", metavar="NAME", action="append", help="only this task; may be repeated")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="leave the folders of the tasks here")
    parser.add_argument(
        "--seconds", metavar="N", type=float, default=1800, help="for each task; default 1800"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--list", action="store_true", help="list the tasks, and run none")
    arguments = parser.parse_args()
    chosen = [task for task in tasks() if arguments.task is None or task.name in arguments.task]
    if unknown := set(arguments.task or ()) - {task.name for task in chosen}:
        parser.error(f"there is no task {', '.join(sorted(unknown))}; --list lists them")
    if arguments.list:
        for task in chosen:
            print(f"{task.name:<24} {task.title}")
        return 0
    if arguments.agent is None:
        parser.error("--agent names the command that does a task; it gets {instruction} and {folder}")
    results: list[Result] = []
    with tempfile.TemporaryDirectory() if arguments.keep is None else nullcontext(arguments.keep) as place:
        for task in chosen:
            results.append(run(task, arguments.agent, Path(place, task.name).absolute(), arguments.seconds))
            if not arguments.json:
                print(row(results[-1]), flush=True)
    done = sum(not result.faults for result in results)
    if arguments.json:
        print(json.dumps([result._asdict() for result in results], indent=2))
    else:
        print(f"{done} of {len(results)} tasks were done")
    return 0 if done == len(results) else 1


def run(task: Task, agent: str, folder: Path, seconds: float) -> Result:
    """Let the agent do one task in a new folder, and check it."""
    task.start(folder)
    paths = {"{instruction}": folder / "TASK.md", "{folder}": folder}
    command = [_with(paths, word) for word in shlex.split(agent)]
    began, faults = time.monotonic(), []
    try:
        ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, timeout=seconds, check=False)
        if ended.returncode:
            faults.append(f"the agent ended with {ended.returncode}")
    except subprocess.TimeoutExpired:
        faults.append(f"the agent was not done after {seconds:g} seconds")
    except OSError as wrong:
        faults.append(f"the agent could not be started: {wrong}")
    return Result(task.name, round(time.monotonic() - began, 1), faults or task.check(folder))


def _with(paths: Mapping[str, Path], word: str) -> str:
    """A word of the command with paths in it; other braces, such as those of JSON, stay."""
    for name, path in paths.items():
        word = word.replace(name, str(path))
    return word


def row(result: Result) -> str:
    """A line of the table, and the faults below it."""
    line = f"{result.task:<24} {'failed' if result.faults else 'done':<7} {result.seconds:>8.1f} s"
    return "\n".join([line, *(f"    {fault}" for fault in result.faults)])


if __name__ == "__main__":
    sys.exit(main())
