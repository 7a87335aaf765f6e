"""How fast do many events go in, 1,000 a commit, on 100,000 tags at random?

Each contestant begins with the same plain values, makes its own event objects and encodes them inside the clock, and
every commit is durable. Backstory writes its tag and type indexes and the hash chain. UmaDB writes its tag index.
eventsourcing has no tags: it writes one aggregate, its best case. Raw SQLite has its rows encoded before the clock
starts and writes no tag index: the limit, not a rival.
"""

from __future__ import annotations

import sys
from functools import partial
from uuid import uuid4

from backstory.store import append
from benchmarks import bank, raw
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def backstory(run: Run) -> float:
    """Typed events, encoded, drafted, appended."""
    facts = bank.facts(run.sizes["events"], run.sizes["tags"])
    with bank.main_log(run.folder / "bank.db") as log:
        clock = bank.Stopwatch()
        for group in bank.batched(facts, run.sizes["per_commit"]):
            append(log, bank.drafted(bank.events(group)))
        return clock.rate(len(facts))


def umadb(run: Run) -> float:
    """One request a commit."""
    from benchmarks import peer_umadb as peer

    facts = bank.facts(run.sizes["events"], run.sizes["tags"])
    with peer.client(run.folder / "uma.db") as client:
        clock = bank.Stopwatch()
        for group in bank.batched(facts, run.sizes["per_commit"]):
            client.append(peer.uma_events(bank.events(group)))
        return clock.rate(len(facts))


def eventsourcing(run: Run, *, plain: bool = False) -> float:
    """One aggregate, so many events a save."""
    from benchmarks import peer_eventsourcing as peer

    facts = bank.facts(run.sizes["events"], run.sizes["tags"])
    store, aggregate, done = peer.event_store(run.folder / "es.db", plain=plain), uuid4(), 0
    clock = bank.Stopwatch()
    for group in bank.batched(facts, run.sizes["per_commit"]):
        store.put(peer.aggregate_events(group, aggregate, done, plain=plain))
        done += len(group)
    return clock.rate(len(facts))


def raw_sqlite(run: Run) -> float:
    """executemany."""
    size = run.sizes["per_commit"]
    rows = raw.rows(run.sizes["events"], run.sizes["tags"], size)
    with raw.connection(run.folder / "raw.db") as opened:
        clock = bank.Stopwatch()
        for group in bank.batched(rows, size):
            raw.commit(opened, group)
        return clock.rate(len(rows))


QUESTION = Question(
    "bulk_append",
    "events appended per second, 1,000 a commit, tags at random, durable",
    "events/s",
    [
        Contestant("Backstory", backstory),
        Contestant("UmaDB", umadb),
        Contestant("eventsourcing", eventsourcing, note="one aggregate, no tags"),
        Contestant(
            "eventsourcing JSON", partial(eventsourcing, plain=True), note="the same, its default mapper"
        ),
        Contestant("raw SQLite", raw_sqlite, note="no tag index; the limit"),
    ],
    [Goal("Backstory", "UmaDB", at_least=1.3), Goal("Backstory", "eventsourcing", at_least=0.6)],
    {"events": 500_000, "tags": 100_000, "per_commit": 1_000},
    {"events": 5_000, "tags": 1_000, "per_commit": 500},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
