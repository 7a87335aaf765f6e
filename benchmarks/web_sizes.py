"""How large are the first page of the log, the script and the stylesheet?"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from backstory import connect
from backstory.web import Reader, app
from backstory.web.static import content
from benchmarks.asgi import body
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run
from examples.refunds.story import fill


def log(run: Run) -> float:
    """The first page of the log."""
    address = str(run.folder / "refunds.db")
    fill(address, datetime.now(UTC))
    with connect(address) as db:
        return len(body(app(db, actor=lambda _: Reader("mia")), "/log")) / 1000


QUESTION = Question(
    "web_sizes",
    "sizes of what a browser loads",
    "kB",
    [
        Contestant("first page of the log", log, note="50 commits"),
        Contestant("script", lambda _: len(content("backstory.js")) / 1000),
        Contestant("stylesheet", lambda _: len(content("backstory.css")) / 1000),
    ],
    [
        Goal("first page of the log", at_most=60),
        Goal("script", at_most=12),
        Goal("stylesheet", at_most=45),
    ],
    rounds=1,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
