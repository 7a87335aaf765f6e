"""How long does an assistant wait for an answer on a store of a million events, and how large is it?

Asked is by the SDK's own client. Each tool is asked at least once, also what only the whole log can answer: then the
answer says how far it came. `first` is the slowest answer of a server that has just begun, where the first question
comes a second after its client has connected: an assistant has read a question of a person by then, at least. `later`
is the slowest median of some more tries.
"""

from __future__ import annotations

import asyncio
import sys
import time
from statistics import median
from typing import Any

from mcp import Client

from backstory import connect
from backstory.mcp import Served, server
from benchmarks import large
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

JOB: dict[str, Any] = {"state": "Job00", "id": "j-50"}
KIND: dict[str, Any] = {"state": "Job00", "all": True}

QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("model", {}),
    ("model", {"part": "commands"}),
    ("model", {"part": "observed"}),
    ("check", {}),
    ("projections", {}),
    ("guide", {"topic": "debug"}),
    ("log", {}),
    ("log", {"tags": ["job00:j-50"]}),
    ("log", {"types": ["area49.filled"]}),
    ("log", {"author": "nobody"}),
    ("log", {"having": "count=7", "of": ["Job00"]}),
    ("show", {}),
    ("show", {"revision": "main~20"}),
    ("state", JOB),
    ("state", {"state": "job00:j-50", "at": "main~20"}),
    ("diff", {"a": "#0", **JOB}),
    ("diff", {"a": "#0", **KIND}),
    ("diff", {"a": "main~100"}),
    ("blame", JOB),
    ("bisect", {**JOB, "where": "count > 3"}),
    ("bisect", {**KIND, "where": "count > 3"}),
    ("find", {"state": "Job00", "where": "count > 3"}),
    ("find", {"state": "tags"}),
    ("why", {**JOB, "field": "count"}),
    ("what_if", {"command": "fill00", "arguments": {"job00": "j-50", "count": 5}}),
    ("backtest", {}),
    ("write_spec", JOB),
    ("scaffold_slice", {"name": "count-job", "gives": "JobCounted", "fields": ["job"]}),
]


def prepare(run: Run) -> None:
    """Write the application, and fill the store."""
    large.filled(run.kept.parent / "large", run.sizes["events"], run.sizes["jobs"])


def _asked(run: Run, tries: int) -> list[tuple[list[float], int]]:
    """For each question the milliseconds of its tries, and the bytes of the largest answer."""
    folder = run.kept.parent / "large"
    application = large.written(folder)
    with connect(folder / "large.db") as db:
        return asyncio.run(_answers(Served(db, application, folder=folder), tries, run.sizes["pause"]))


async def _answers(served: Served, tries: int, pause: int) -> list[tuple[list[float], int]]:
    found = []
    async with Client(server(served)) as client:
        await asyncio.sleep(pause)
        for tool, given in QUESTIONS:
            times, size = [], 0
            for _ in range(tries):
                began = time.perf_counter()
                answer = await client.call_tool(tool, given)
                times.append(1_000 * (time.perf_counter() - began))
                size = max(size, len(answer.model_dump_json(by_alias=True, exclude_none=True)))
            found.append((times, size))
    return found


def first(run: Run) -> float:
    """Milliseconds of the slowest first answer."""
    return max(times[0] for times, _ in _asked(run, 1))


def later(run: Run) -> float:
    """Milliseconds of the slowest of later answers, the median of each question."""
    return max(median(times[1:]) for times, _ in _asked(run, 1 + run.sizes["tries"]))


def largest(run: Run) -> float:
    """Thousands of bytes of the largest answer, as the protocol sends it."""
    return max(size for _, size in _asked(run, 1)) / 1_000


QUESTION = Question(
    "assistant",
    "answers of the MCP server beside a store of a million events; the unit is beside each name",
    "",
    [
        Contestant("first answer, ms", first, prepare, note="the slowest"),
        Contestant("later answer, ms", later, note="the slowest"),
        Contestant("answer, kB", largest, note="the largest"),
    ],
    [Goal("later answer, ms", at_most=100), Goal("answer, kB", at_most=20)],
    {"events": 1_000_000, "jobs": 100_000, "tries": 5, "pause": 1},
    {"events": 1_000, "jobs": 100, "tries": 1, "pause": 0},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
