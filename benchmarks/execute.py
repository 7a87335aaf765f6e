"""How many commands does one caller execute: load what it reads, decide, append one event durably?

On 100 accounts in turn. The limit is raw SQLite with the same two rows in a transaction with one fsync, and nothing
loaded or decided. eventsourcing's application gets and saves an aggregate; UmaDB's client reads the account's events,
folds, and appends on the condition that there are no newer ones.
"""

from __future__ import annotations

import sys
from functools import partial

import msgspec

from benchmarks import bank, raw
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def accounts(run: Run) -> list[str]:
    """Whose turn it is, execution by execution."""
    return [f"a-{number % run.sizes['accounts']:06}" for number in range(run.sizes["executions"])]


def backstory(run: Run) -> float:
    """execute."""
    turns = accounts(run)
    with bank.database(run.folder / "bank.db") as db:
        for account in sorted(set(turns)):
            db.execute(bank.deposit(bank.Account(account), 1))
        clock = bank.Stopwatch()
        for account in turns:
            db.execute(bank.deposit(bank.Account(account), cents=5))
        return clock.rate(len(turns))


def raw_sqlite(run: Run) -> float:
    """The rows that Backstory would write, and an fsync."""
    count = run.sizes["executions"]
    command = '{"arguments":{"account":{"account":"a-000001"},"cents":5},"name":"deposit"}'
    query = '[{"types":["Deposited","Withdrawn"],"tags":["account:a-000001"]}]'
    rows = raw.rows(count, run.sizes["accounts"], 1)
    with raw.connection(run.folder / "raw.db") as opened:
        clock = bank.Stopwatch()
        for row in rows:
            raw.commit(opened, [row], ("deposit(a-000001, cents=5)", command, query, row[0] - 1))
        return clock.rate(count)


def eventsourcing(run: Run, *, plain: bool = False) -> float:
    """Get, decide, save."""
    from benchmarks import peer_eventsourcing as peer

    count = run.sizes["executions"]
    app = peer.bank(run.folder / "es.db", plain=plain)
    ids = [app.open() for _ in range(run.sizes["accounts"])]
    clock = bank.Stopwatch()
    for number in range(count):
        app.deposit(ids[number % len(ids)], 5)
    return clock.rate(count)


def umadb(run: Run) -> float:
    """Read, fold, append on a condition."""
    from benchmarks import peer_umadb as peer

    turns = accounts(run)
    with peer.client(run.folder / "uma.db") as client:
        from umadb import AppendCondition, Query, QueryItem

        clock = bank.Stopwatch()
        for account in turns:
            query = Query([QueryItem(tags=[f"account:{account}"])])
            response, balance = client.read(query), 0
            while batch := response.next_batch():
                for found in batch:
                    balance += msgspec.json.decode(found.event.data)["cents"]
            assert balance + 5 <= 10**15
            condition = AppendCondition(query, response.head())
            client.append(peer.uma_events([bank.Deposited(account, 5)]), condition)
        return clock.rate(len(turns))


QUESTION = Question(
    "execute",
    "commands executed per second, one caller: load, decide, append one event durably",
    "commands/s",
    [
        Contestant("Backstory", backstory),
        Contestant("raw SQLite", raw_sqlite, note="loads and decides nothing; the limit"),
        Contestant("eventsourcing", eventsourcing, note="cached immutable aggregates, msgspec"),
        Contestant("eventsourcing JSON", partial(eventsourcing, plain=True), note="its defaults"),
        Contestant("UmaDB", umadb),
    ],
    [Goal("Backstory", "raw SQLite", at_least=0.43), Goal("Backstory", "eventsourcing", at_least=1.35)],
    {"executions": 2_000, "accounts": 100},
    {"executions": 100, "accounts": 10},
    rounds=15,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
