"""What do projections cost the appends: within them, and beside them in another process?

Sixteen callers append one event a commit each. `inline` changes one row within each append. `beside` appends while
another process feeds the same table from a backlog at full speed; `alone` is the same without it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from backstory import connect
from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.frame import CHECKOUT, Contestant, Goal, Question, Run
from benchmarks.project import Balances

FEEDING = """
import sys
from backstory import connect
from backstory.projections.feed import Feed
from benchmarks.project import Balances
with connect(sys.argv[1]) as db:
    home = db.views.ensured(db.views.group_of(Balances))
    print("feeding", flush=True)
    while True:
        row = home.make(1 + max(each.generation for each in home.rows()))
        feed = Feed(home, db.views.source, row)
        while feed.row.position < int(sys.argv[2]):
            feed.step()
        home.drop(feed.row)
"""


def appends(run: Run, address: str, *, inline: bool = False) -> float:
    """Commits a second by all callers."""
    with connect(address, inline=[Balances] if inline else []) as db:

        def caller(number: int) -> postgres.Step:
            def step() -> None:
                db.append(bank.Deposited(f"a-{number:06}", 5))

            return step

        return postgres.together([caller(number) for number in range(16)], run.sizes["each"])


def sqlite(run: Run, *, inline: bool = False) -> float:
    """On a SQLite file."""
    return appends(run, str(run.folder / "bank.db"), inline=inline)


def on_postgres(run: Run, *, inline: bool = False) -> float:
    """On PostgreSQL."""
    with postgres.server(run.folder) as server:
        return appends(run, server.address(), inline=inline)


@contextmanager
def feeding(path: Path, count: int) -> Iterator[None]:
    """A process that makes tables of a backlog, again and again."""
    command = [sys.executable, "-c", FEEDING, str(path), str(count)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "feeding\n"
            yield
        finally:
            process.kill()


def beside(run: Run, *, fed: bool) -> float:
    """On a SQLite file with a backlog."""
    path, count = run.folder / "bank.db", run.sizes["events"]
    bank.fill(path, count, run.sizes["accounts"])
    with feeding(path, count) if fed else nullcontext():
        return appends(run, str(path))


QUESTION = Question(
    "project_appends",
    "appends per second by 16 callers, with projections",
    "appends/s",
    [
        Contestant("SQLite", sqlite),
        Contestant("SQLite, inline", partial(sqlite, inline=True), note="one row within each"),
        Contestant("PostgreSQL", on_postgres),
        Contestant("PostgreSQL, inline", partial(on_postgres, inline=True), note="one row within each"),
        Contestant("alone", partial(beside, fed=False), note="SQLite"),
        Contestant(
            "beside", partial(beside, fed=True), note="SQLite, a projection at full speed in another process"
        ),
    ],
    [
        Goal("SQLite, inline", "SQLite", at_least=0.8),
        Goal("PostgreSQL, inline", "PostgreSQL", at_least=0.65),
        Goal("beside", "alone", at_least=0.85),
    ],
    {"each": 300, "events": 100_000, "accounts": 10_000},
    {"each": 5, "events": 1_000, "accounts": 100},
    rounds=5,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
