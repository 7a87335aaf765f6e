"""How near do 50 appends in one transaction come to what PostgreSQL can do at all?

The limit: one connection that inserts the same rows into the same columns, 50 commits of one event in a transaction,
with prepared statements in a pipeline and one fsync. It has no index but the primary keys, no hashes, and it decides
nothing.
"""

from __future__ import annotations

import sys
from typing import Any

from backstory.values.query import Condition, Query
from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

SCHEMA = """
CREATE TABLE commits (
    key bigint PRIMARY KEY, size integer, id text, time bigint, authored bigint, author text, message text,
    command text, metadata text, query text, after bigint, secret bytea, content bytea, hash bytea, signature bytea
);
CREATE TABLE events (key bigint PRIMARY KEY, in_commit bigint, type text, version bigint, tags text, data text);
CREATE TABLE tags (tag text, key bigint, type text, PRIMARY KEY (tag, key));
"""


def raw(run: Run) -> float:
    """The same rows, and nothing else."""
    with postgres.server(run.folder) as server, server.admin() as connection:
        connection.execute(SCHEMA)
        cursor = connection.cursor()
        clock = bank.Stopwatch()
        for start in range(0, run.sizes["appends"], run.sizes["together"]):
            keys = range(start + 1, start + run.sizes["together"] + 1)
            commits: list[tuple[Any, ...]] = [
                (key, 1, f"01a209d6-9bbc-72cd-a502-{key:012}", key, key, "", "", "", "{}",
                 f'[{{"types":[],"tags":["account:a-{key % 50:06}"]}}]', key - 50, bytes(16), bytes(32), bytes(32), b"")
                for key in keys
            ]  # fmt: skip
            events = [
                (
                    key,
                    key,
                    "Deposited",
                    1,
                    f'["account:a-{key % 50:06}"]',
                    f'{{"account":"a-{key % 50:06}","cents":5}}',
                )
                for key in keys
            ]
            with connection.transaction():
                cursor.executemany("INSERT INTO commits VALUES (" + "%s, " * 14 + "%s)", commits)
                cursor.executemany("INSERT INTO events VALUES (%s, %s, %s, %s, %s, %s)", events)
                cursor.executemany(
                    "INSERT INTO tags VALUES (%s, %s, %s)",
                    [(f"account:a-{key % 50:06}", key, "Deposited") for key in keys],
                )
        return clock.rate(run.sizes["appends"])


def group(run: Run) -> float:
    """50 conditional batches in one append."""
    together = run.sizes["together"]
    queries = [Query.of(tags=[f"account:a-{number:06}"]) for number in range(together)]
    with postgres.server(run.folder) as server, postgres.main_log(server.address()) as log:
        clock, after = bank.Stopwatch(), 0
        for _ in range(0, run.sizes["appends"], together):
            batches = [
                [bank.drafted([bank.Deposited(f"a-{number:06}", 5)], Condition(query, after))]
                for number, query in enumerate(queries)
            ]
            *_, verdict = log.append(batches)
            assert isinstance(verdict, tuple), verdict
            after = verdict[-1].position
        return clock.rate(run.sizes["appends"])


def callers(run: Run) -> float:
    """50 threads, one conditional event at a time."""
    with postgres.server(run.folder) as server, postgres.main_log(server.address()) as log:
        steps = [postgres.conditional(log, number) for number in range(run.sizes["together"])]
        return postgres.together(steps, run.sizes["appends"] // len(steps))


QUESTION = Question(
    "postgres_raw",
    "durable appends per second on PostgreSQL, 50 in a transaction",
    "appends/s",
    [
        Contestant("Backstory", group, note="conditional, one caller with 50 batches"),
        Contestant("Backstory, 50 threads", callers, note="conditional"),
        Contestant("raw PostgreSQL", raw, note="the limit"),
    ],
    [
        Goal("Backstory", "raw PostgreSQL", at_least=0.6),
        Goal("Backstory, 50 threads", "raw PostgreSQL", at_least=0.6),
    ],
    {"together": 50, "appends": 10_000},
    {"together": 5, "appends": 20},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
