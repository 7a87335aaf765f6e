"""How long does `backstory log -n 20` take to answer, beside a Python that does nothing?

Measured in a virtual environment that holds Backstory and what it depends on, as its users have it: what else lies
about in an environment (typing_extensions, say) makes imports slower. Each figure is the median of runs in a row.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import CHECKOUT, Contestant, Goal, Question, Run, Skip


def log(run: Run) -> float:
    """The command, on a store of a thousand commits."""
    return _milliseconds(
        [str(_bin(run) / "backstory"), "-s", str(_shared(run) / "bank.db"), "log", "-n", "20"], run
    )


def nothing(run: Run) -> float:
    """`python -c pass`."""
    return _milliseconds([str(_bin(run) / "python"), "-c", "pass"], run)


def prepare(run: Run) -> None:
    """Make the environment and the store."""
    _call([sys.executable, "-m", "venv", str(run.kept / "venv")])
    _call(
        [
            str(_bin(run) / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            str(CHECKOUT),
        ]
    )
    bank.fill(run.kept / "bank.db", 1_000, 100, 1)


def _milliseconds(command: list[str], run: Run) -> float:
    times = []
    for number in range(run.sizes["runs"] + 2):
        started = time.perf_counter()
        _call(command)
        if number > 1:
            times.append(time.perf_counter() - started)
    return median(times) * 1e3


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]
        raise Skip(f"`{' '.join([Path(command[0]).name, *command[1:]])}` failed: {last}")


def _shared(run: Run) -> Path:
    return run.kept.parent / "backstory-log"


def _bin(run: Run) -> Path:
    return _shared(run) / "venv" / "bin"


QUESTION = Question(
    "start_time",
    "time of `backstory log -n 20` from start to end",
    "ms",
    [Contestant("backstory log", log, prepare), Contestant("python -c pass", nothing)],
    [Goal("backstory log", "python -c pass", at_most=4)],
    {"runs": 20},
    {"runs": 3},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
