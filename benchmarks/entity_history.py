"""What do blame and bisect of one entity cost, against rebuilding it?

An account of 10,000 events, read from SQLite each time: its balance alone, and with a dict of sums by amount.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import msgspec

from backstory import State, Tag
from backstory.decide.loading import replayed
from backstory.history.ask.bisect import first
from backstory.history.ask.expression import predicate
from backstory.history.blame.blame import blame
from backstory.store import Log
from benchmarks import bank
from benchmarks.bank import Deposited, Withdrawn
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


class Account(State):
    """Numbers alone."""

    account: Tag[str]
    balance: int = 0

    def apply(self, event: Deposited | Withdrawn) -> None:
        """Add it."""
        self.balance += event.cents if isinstance(event, Deposited) else -event.cents


class Ledger(State):
    """A dict that grows to a thousand keys."""

    account: Tag[str]
    sums: dict[int, int] = msgspec.field(default_factory=dict)

    def apply(self, event: Deposited | Withdrawn) -> None:
        """Add it to its sum."""
        key = event.cents % 1_000
        self.sums[key] = self.sums.get(key, 0) + event.cents


def rebuild(log: Log, reference: State) -> None:
    """What everything else is measured against."""
    replayed(log, reference)


def bisect(log: Log, reference: State) -> None:
    """With an expression, which has to look after every event."""
    first(log, reference, predicate("balance < 0 and balance % 2 == 1", type(reference)))


def measure(verb: Callable[[Log, State], object], reference: State) -> Callable[[Run], float]:
    """A contestant: how many milliseconds one call takes."""

    def timed(run: Run) -> float:
        with bank.main_log(run.kept.parent / "store" / "bank.db") as log:
            verb(log, reference)
            started = time.perf_counter()
            verb(log, reference)
            return (time.perf_counter() - started) * 1e3

    timed.__doc__ = f"{getattr(verb, '__name__', verb)} of {type(reference).__name__}"
    return timed


def fill(run: Run) -> None:
    """One account's events, a hundred in a commit."""
    path = run.kept.parent / "store"
    path.mkdir(exist_ok=True)
    bank.fill(path / "bank.db", run.sizes["events"], 1, 100)


QUESTION = Question(
    "entity_history",
    "blame and bisect of one entity",
    "ms",
    [
        Contestant("rebuild account", measure(rebuild, Account("a-000000")), fill),
        Contestant("blame account", measure(blame, Account("a-000000"))),
        Contestant("bisect account", measure(bisect, Account("a-000000"))),
        Contestant("rebuild ledger", measure(rebuild, Ledger("a-000000"))),
        Contestant("blame ledger", measure(blame, Ledger("a-000000"))),
    ],
    [
        Goal("blame account", "rebuild account", at_most=3),
        Goal("bisect account", "rebuild account", at_most=3),
        Goal("blame ledger", "rebuild ledger", at_most=3),
    ],
    {"events": 10_000},
    {"events": 500},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
