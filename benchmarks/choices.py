"""What does it cost to remember, and what can be asked? The options that an application has, side by side.

A plain UPDATE forgets. An audit trigger keeps the whole old row as JSON, with who and when. A table of Backstory is
table mode, and a command with a state is an event of its own. Each change is one durable transaction of one SQLite file
(write-ahead log, `synchronous=FULL`) on one of many rows in turn. Then, of one row among all: what was it in the middle
of its history, and who gave a field the value that it has?
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from backstory import Database, connect
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.customers import OPTIONS, Customer, opened, rows
from benchmarks.frame import Contestant, Question, Run
from benchmarks.project_find import milliseconds

AS_OF = "SELECT was FROM audit WHERE id = ? AND at > ? ORDER BY at LIMIT 1"
WHO = "SELECT by, at FROM audit WHERE id = ? AND was ->> 'city' IS NOT became ->> 'city' ORDER BY at DESC LIMIT 1"


def written(run: Run, option: str, *, size: bool = False) -> float:
    """Changes a second; with `size`, the bytes by which the file grows for each."""
    path, given = run.folder / "rows.db", rows(run.sizes["rows"])
    change = OPTIONS[option](path, given)
    before, keys = _size(path), list(given)
    clock = bank.Stopwatch()
    for number in range(run.sizes["changes"]):
        change(keys[number % len(keys)], f"city {number}")
    rate = clock.rate(run.sizes["changes"])
    return (_size(path) - before) / run.sizes["changes"] if size else rate


def _size(path: Path) -> int:
    """Of the file, with all that waits in its write-ahead log."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    return path.stat().st_size


def fill(run: Run, option: str) -> None:
    """A file in which each row has its history."""
    given = rows(run.sizes["rows"])
    change, keys = OPTIONS[option](run.kept / "rows.db", given), list(given)
    for number in range(run.sizes["changes"]):
        change(keys[number % len(keys)], f"city {number}")


def asked(run: Run, option: str, question: str) -> float:
    """Milliseconds until one row has its answer, in a process that has just opened the file."""
    path, key = run.kept / "rows.db", "c-00007"
    if option == "audit trigger":
        db = opened(path, "")
        [(middle,)] = db.execute("SELECT (min(at) + max(at)) / 2 FROM audit").fetchall()
        sql, arguments = (AS_OF, (key, middle)) if question == "as of" else (WHO, (key,))
        return milliseconds(lambda: db.execute(sql, arguments).fetchall())
    with connect(str(path)) as store:
        return milliseconds(_asking(store, option, question, store.head().position // 2))


def _asking(db: Database, option: str, question: str, middle: int) -> Callable[[], Any]:
    row: Any = db.table("customers").row("c-00007") if option == "table mode" else Customer("c-00007")
    field = "row.city" if option == "table mode" else "city"
    if question == "as of":
        return lambda: db.load(row, at=middle)
    return lambda: db.blame(row)[field].commit


def _contestants() -> Iterator[Contestant]:
    for option in OPTIONS:
        yield Contestant(f"{option}: rate", partial(written, option=option), note="changes a second")
        yield Contestant(
            f"{option}: bytes", partial(written, option=option, size=True), note="bytes a change"
        )
        if option != "plain UPDATE":
            for question in ("as of", "who"):
                note = f"ms until {'the row as it was' if question == 'as of' else 'who gave the field its value'}"
                asking = partial(asked, option=option, question=question)
                yield Contestant(f"{option}: {question}", asking, partial(fill, option=option), note=note)


QUESTION = Question(
    "choices",
    "what each way to keep rows costs, and what can be asked of it; the unit is beside each name",
    "",
    list(_contestants()),
    [],
    {"changes": 2_000, "rows": 100},
    {"changes": 60, "rows": 10},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
