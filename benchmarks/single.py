"""How many durable appends does one caller do, one after the other, one event each?

Backstory's rely on a condition. The limit is raw SQLite with one row for the commit and one for the event, in a
transaction with one fsync. eventsourcing appends to one aggregate (its version is its condition); UmaDB's appends rely
on a condition as Backstory's do.
"""

from __future__ import annotations

import sys
from uuid import uuid4

from backstory.values.query import Condition, Query
from benchmarks import bank, raw
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def backstory(run: Run) -> float:
    """Typed, conditional."""
    count = run.sizes["appends"]
    query, after = Query.of(tags=["account:a-000001"]), 0
    with bank.main_log(run.folder / "bank.db") as log:
        clock = bank.Stopwatch()
        for _ in range(count):
            after = bank.commit(log, bank.Deposited("a-000001", 5), Condition(query, after)).position
        return clock.rate(count)


def raw_sqlite(run: Run) -> float:
    """Two rows and an fsync."""
    count = run.sizes["appends"]
    rows = raw.rows(count, 1, 1)
    with raw.connection(run.folder / "raw.db") as opened:
        clock = bank.Stopwatch()
        for row in rows:
            raw.commit(opened, [row])
        return clock.rate(count)


def eventsourcing(run: Run) -> float:
    """The next version of one aggregate."""
    from benchmarks import peer_eventsourcing as peer

    count = run.sizes["appends"]
    store, aggregate = peer.event_store(run.folder / "es.db"), uuid4()
    clock = bank.Stopwatch()
    for version in range(count):
        store.put(peer.aggregate_events([(True, "a-000001", 5)], aggregate, version))
    return clock.rate(count)


def umadb(run: Run) -> float:
    """Conditional."""
    from benchmarks import peer_umadb as peer

    count = run.sizes["appends"]
    with peer.client(run.folder / "uma.db") as client:
        from umadb import AppendCondition, Query, QueryItem

        query, after = Query([QueryItem(tags=["account:a-000001"])]), None
        clock = bank.Stopwatch()
        for _ in range(count):
            condition = AppendCondition(query, after)
            after = client.append(peer.uma_events([bank.Deposited("a-000001", 5)]), condition)
        return clock.rate(count)


QUESTION = Question(
    "single",
    "durable conditional appends per second, one caller, one event each",
    "appends/s",
    [
        Contestant("Backstory", backstory),
        Contestant("raw SQLite", raw_sqlite, note="no condition, no index; the limit"),
        Contestant("eventsourcing", eventsourcing),
        Contestant("UmaDB", umadb),
    ],
    [Goal("Backstory", "raw SQLite", at_least=0.8)],
    {"appends": 2_000},
    {"appends": 100},
    rounds=15,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
