"""How long does it take to say who changed each field of a row, and when, after a thousand changes?

`blame` reads the events of the row and follows each field. `as of` is the row in the middle of them. The store has
other rows, too.
"""

from __future__ import annotations

import sys
from functools import partial

from backstory import connect
from benchmarks.cli import alone
from benchmarks.customers import rows
from benchmarks.frame import Contestant, Goal, Question, Run
from benchmarks.project_find import milliseconds

FIELDS = ("city", "name", "email")


def fill(run: Run) -> None:
    """A row that changed often, among others."""
    with connect(str(run.kept / "rows.db")) as db:
        table = db.table("customers")
        table.upsert_many(rows(run.sizes["rows"]).items())
        for number in range(run.sizes["changes"]):
            table.patch("c-00007", {FIELDS[number % len(FIELDS)]: f"value {number}"}, author="ann")


def asked(run: Run, *, past: bool = False) -> float:
    """Milliseconds until there is an answer."""
    with connect(str(run.kept.parent / "blame" / "rows.db")) as db:
        row, middle = db.table("customers").row("c-00007"), db.head().position // 2
        return milliseconds(lambda: db.load(row, at=middle) if past else db.blame(row), 20)


QUESTION = Question(
    "row_blame",
    "until the questions to a row of so many changes are answered",
    "ms",
    [Contestant("blame", asked, fill), Contestant("as of", partial(asked, past=True))],
    [Goal("blame", at_most=50)],
    {"changes": 1_000, "rows": 1_000},
    {"changes": 20, "rows": 10},
    rounds=5,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
