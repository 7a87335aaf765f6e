"""How fast do events become rows in the background on PostgreSQL, each exactly once?

The same table of balances as in `project`, in the database of the log. `pipelined` sends one statement for each event
without waiting for each; `keyed` is a state that is kept of each account. The peer's runner reads its own events from
PostgreSQL, and has one transaction for each event, by design.
"""

from __future__ import annotations

import sys
from functools import partial

from backstory import connect
from backstory.projections.materialize import Materialized
from backstory.projections.projection import AnyProjection
from backstory.store import append
from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run
from benchmarks.project import Balances, Declared, fed


def backstory(run: Run, projection: AnyProjection) -> float:
    """Steps of a feed until the end of the log."""
    with postgres.server(run.folder) as server:
        with postgres.main_log(server.address()) as log:
            for group in bank.batched(bank.facts(run.sizes["events"], run.sizes["accounts"]), 1_000):
                append(log, bank.drafted(bank.events(group)))
        with connect(server.address()) as db:
            return fed(db, projection, run.sizes["events"])


def eventsourcing(run: Run) -> float:
    """Its runner, from PostgreSQL to PostgreSQL."""
    from benchmarks import peer_projection as peer

    count = run.sizes["peer"]
    with postgres.server(run.folder) as server:
        found = bank.facts(count, run.sizes["accounts"])
        with peer.postgres_runner(postgres.environment(server), found) as running:
            running.wait(count, timeout=600)
            return peer.Bank.clock.rate(count)


QUESTION = Question(
    "postgres_project",
    "events per second into a table of PostgreSQL, in the background",
    "events/s",
    [
        Contestant("pipelined", partial(backstory, projection=Balances), note="Backstory"),
        Contestant("keyed", partial(backstory, projection=Materialized(bank.Account)), note="Backstory"),
        Contestant("declared SQL", partial(backstory, projection=Declared), note="Backstory"),
        Contestant("eventsourcing", eventsourcing, note="its runner"),
    ],
    [
        Goal("pipelined", "eventsourcing", at_least=10),
        Goal("keyed", "eventsourcing", at_least=25),
    ],
    {"events": 50_000, "accounts": 10_000, "peer": 5_000},
    {"events": 2_000, "accounts": 100, "peer": 100},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
