"""How fast does a real log come in: BPI Challenge 2012, 262,200 events in gzipped XES, from file to durable store?"""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.cli import alone
from benchmarks.frame import Contestant, Question, Run, Skip

FILE = "bpic2012.xes.gz"
EVENTS = 262_200


def backstory(run: Run) -> float:
    """`backstory import xes`, as a user runs it, its start included."""
    source = run.data / FILE
    if not source.is_file():
        raise Skip(f"{source} is not there; name its folder with --data")
    program = [sys.executable, "-m", "backstory", "-s", str(run.folder / "loans.db")]
    _run([*program, "init"])
    started = time.perf_counter()
    _run([*program, "import", "xes", str(source)])
    return EVENTS / (time.perf_counter() - started)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"`backstory {' '.join(command[5:])}` failed: {done.stderr.strip() or done.returncode}")


QUESTION = Question(
    "import_xes",
    f"events imported per second from {FILE}",
    "events/s",
    [Contestant("Backstory", backstory)],
    [],
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
