"""How fast do many events go into PostgreSQL, 1,000 a commit, on 100,000 tags at random?"""

from __future__ import annotations

import sys
from uuid import uuid4

from backstory.store import append
from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def backstory(run: Run) -> float:
    """Typed events, encoded, drafted, appended, with every index and the chain."""
    facts = bank.facts(run.sizes["events"], run.sizes["tags"])
    with postgres.server(run.folder) as server, postgres.main_log(server.address()) as log:
        clock = bank.Stopwatch()
        for group in bank.batched(facts, run.sizes["per_commit"]):
            append(log, bank.drafted(bank.events(group)))
        return clock.rate(len(facts))


def aggregates(run: Run) -> float:
    """One aggregate, so many events a save, and no tags."""
    from benchmarks import peer_eventsourcing as peer

    facts = bank.facts(run.sizes["events"], run.sizes["tags"])
    with postgres.server(run.folder) as server, postgres.aggregates(server) as store:
        aggregate, done = uuid4(), 0
        clock = bank.Stopwatch()
        for group in bank.batched(facts, run.sizes["per_commit"]):
            store.put(peer.aggregate_events(group, aggregate, done))
            done += len(group)
        return clock.rate(len(facts))


def dcb(run: Run) -> float:
    """With tags, and no condition."""
    facts = bank.facts(run.sizes["events"], run.sizes["tags"])
    with postgres.server(run.folder) as server, postgres.dcb(server) as recorder:
        clock = bank.Stopwatch()
        for group in bank.batched(facts, run.sizes["per_commit"]):
            recorder.append(postgres.dcb_events(group))
        return clock.rate(len(facts))


QUESTION = Question(
    "postgres_bulk",
    "events appended per second on PostgreSQL, 1,000 a commit, tags at random, durable",
    "events/s",
    [
        Contestant("Backstory", backstory),
        Contestant("eventsourcing aggregates", aggregates, note="one aggregate, no tags"),
        Contestant("eventsourcing DCB", dcb),
    ],
    [
        Goal("Backstory", "eventsourcing aggregates", at_least=3),
        Goal("Backstory", "eventsourcing DCB", at_least=3),
    ],
    {"events": 100_000, "tags": 100_000, "per_commit": 1_000},
    {"events": 2_000, "tags": 1_000, "per_commit": 500},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
