"""How long does it take from `backstory new app` until its tests pass? Without the installs."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def seconds(run: Run, *options: str) -> float:
    """Seconds of both processes."""
    began = time.perf_counter()
    for arguments in (["backstory", "new", "app", "shop", *options], ["pytest", "-q"]):
        folder = run.folder / "shop" if arguments[0] == "pytest" else run.folder
        subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - began


QUESTION = Question(
    "new_app",
    "from `backstory new app` to its first passing tests",
    "s",
    [
        Contestant("new app", seconds),
        Contestant("new app --web", lambda run: seconds(run, "--web")),
    ],
    [Goal("new app", at_most=5), Goal("new app --web", at_most=5)],
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
