"""How many recorded commands does a backtest decide again, per second?

Of 100 accounts, from a SQLite file and from a store in memory. Beside it: the same commands, executed on a store in
memory. A rule that has changed makes every decision differ: each is then also decided on the history as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from backstory.database import Database
from backstory.decide.commands import CommandType
from backstory.lookup import events_of
from backstory.stores.memory import MemoryStore
from backstory.values.commit import drafted
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def executed(run: Run) -> tuple[Database, float]:
    """A store in memory with the commands, and the rate at which they were executed."""
    db, count, accounts = Database(MemoryStore()), run.sizes["commands"], run.sizes["accounts"]
    clock = bank.Stopwatch()
    for number in range(count):
        db.execute(bank.deposit(bank.Account(f"a-{number % accounts:06}"), cents=5))
    return db, clock.rate(count)


def executes(run: Run) -> float:
    """The executes themselves."""
    return executed(run)[1]


def generous(account: bank.Account, cents: int) -> Iterator[bank.Deposited]:
    """Another rule."""
    yield bank.Deposited(account.account, cents + 1)


def backtested(run: Run, *, file: bool = False, changed: bool = False) -> float:
    """The backtest of all of them."""
    db, _ = executed(run)
    if file:
        with bank.database(run.folder / "bank.db") as stored:
            stored.log.append([[drafted(commit, events_of(db.log, commit)) for commit in db.log.commits()]])
            return _rate(stored, changed=changed)
    return _rate(db, changed=changed)


def _rate(db: Database, *, changed: bool) -> float:
    other = {"deposit": CommandType(generous, name="deposit")} if changed else {}
    clock = bank.Stopwatch()
    report = db.backtest(replacing=other)
    count = report.counts["changed" if changed else "same"]
    assert count == db.head().position
    return clock.rate(count)


QUESTION = Question(
    "backtest",
    "recorded commands decided again per second",
    "commands/s",
    [
        Contestant("backtest of a store in memory", backtested),
        Contestant("backtest of a SQLite file", partial(backtested, file=True)),
        Contestant("backtest of a SQLite file, all changed", partial(backtested, file=True, changed=True)),
        Contestant("executes on a store in memory", executes, note="the same commands"),
    ],
    [
        Goal("backtest of a store in memory", "executes on a store in memory", at_least=0.5),
        Goal("backtest of a SQLite file", "executes on a store in memory", at_least=0.5),
    ],
    {"commands": 5_000, "accounts": 100},
    {"commands": 200, "accounts": 10},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
