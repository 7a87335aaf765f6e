"""What a caller does who decides, for each contestant: load, decide, append on that condition, again on a conflict.

with backstory(address) as deposits:
    deposit = deposits("a-000001")    # one for each caller
    deposit()                         # and 5 cents more are on the account
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

from benchmarks import bank

Deposit: TypeAlias = Callable[[], object]
Deposits: TypeAlias = Callable[[str], Deposit]
"""Gives a caller on an account what it does again and again."""

CENTS = 5


@contextmanager
def backstory(path: str) -> Iterator[Deposits]:
    """Commands of a database on a file."""
    with bank.database(Path(path)) as db:

        def deposits(account: str) -> Deposit:
            return lambda: db.execute(bank.deposit(bank.Account(account), cents=CENTS), attempts=1_000)

        yield deposits


@contextmanager
def eventsourcing(path: str) -> Iterator[Deposits]:
    """An application of `eventsourcing` on a file, with its cache of immutable aggregates."""
    from benchmarks import peer_eventsourcing as peer

    application = peer.bank(Path(path))

    def deposits(account: str) -> Deposit:
        id = application.open(account)
        return lambda: application.deposit_surely(id, CENTS)

    yield deposits
    application.close()


@contextmanager
def umadb(address: str) -> Iterator[Deposits]:
    """Callers of a UmaDB server."""
    from benchmarks import peer_umadb as peer

    client = peer.connected(address)

    def deposits(account: str) -> Deposit:
        depositor = peer.Depositor(client, account)
        return lambda: depositor.deposit(CENTS)

    yield deposits


@contextmanager
def umadb_appends(address: str) -> Iterator[Deposits]:
    """Callers of a UmaDB server who read nothing and decide nothing."""
    from benchmarks import peer_umadb as peer

    client = peer.connected(address)
    yield lambda account: lambda: client.append(peer.uma_events([bank.Deposited(account, CENTS)]))


KINDS: dict[str, Callable[[str], AbstractContextManager[Deposits]]] = {
    "backstory": backstory,
    "eventsourcing": eventsourcing,
    "umadb": umadb,
    "umadb appends": umadb_appends,
}


@contextmanager
def place(kind: str, folder: Path) -> Iterator[str]:
    """Where the deposits of a kind go: a file in the folder, or a server on one."""
    if kind.startswith("umadb"):
        from benchmarks import peer_umadb as peer

        with peer.server(folder / "uma.db") as address:
            yield address
    else:
        yield str(folder / "bank.db")
