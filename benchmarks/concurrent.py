"""How many durable appends does one process do with 32 callers at once?

Every caller is a thread that appends one event at a time, on its own tag, and waits for each to be durable. Backstory's
callers rely on a condition: nothing new with my tag since my last event. UmaDB's have none, which is easier on it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from backstory.values.query import Condition, Query
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def backstory(run: Run) -> float:
    """Conditional appends on different tags."""
    with bank.main_log(run.folder / "bank.db") as log:

        def caller(number: int, appends: int) -> None:
            account, after = f"a-{number:06}", 0
            query = Query.of(tags=[f"account:{account}"])
            for _ in range(appends):
                after = bank.commit(log, bank.Deposited(account, 5), Condition(query, after)).position

        return together(caller, run.sizes["callers"], run.sizes["appends_each"])


def umadb(run: Run) -> float:
    """Unconditional appends."""
    from benchmarks import peer_umadb as peer

    with peer.client(run.folder / "uma.db") as client:

        def caller(number: int, appends: int) -> None:
            account = f"a-{number:06}"
            for _ in range(appends):
                client.append(peer.uma_events([bank.Deposited(account, 5)]))

        return together(caller, run.sizes["callers"], run.sizes["appends_each"])


def together(caller: Callable[[int, int], None], callers: int, times: int) -> float:
    """All callers start at once, each told its number and how often; how many a second until the last is done."""
    failed: list[BaseException] = []
    ready = threading.Barrier(callers + 1)

    def work(number: int) -> None:
        ready.wait()
        try:
            caller(number, times)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    ready.wait()
    clock = bank.Stopwatch()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return clock.rate(callers * times)


QUESTION = Question(
    "concurrent",
    "durable appends per second by 32 threads of one process, one event each",
    "appends/s",
    [
        Contestant("Backstory", backstory, note="conditional"),
        Contestant("UmaDB", umadb, note="unconditional"),
    ],
    [Goal("Backstory", "UmaDB", at_least=3)],
    {"callers": 32, "appends_each": 500},
    {"callers": 32, "appends_each": 20},
    rounds=9,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
