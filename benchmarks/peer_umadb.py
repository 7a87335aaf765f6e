"""UmaDB: a server in Rust that the `umadb` wheel brings, with its Python client, on loopback.

Set up as https://pypi.org/project/umadb/ has it: the `umadb` command with `--listen` and `--db-path`, a `Client`, and
events with tags. It is durable: each commit is two `fdatasync` calls (strace), as
https://umadb.io/architecture.html says of its writer. Of its options `--read-method mmap` was at least as fast as the
default in every question; `--pipelined-writer true` and `--page-cache-max-mb` were slower here, so they are off. One
client that all threads share was faster than one for each.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.bank import Deposited, Withdrawn, batched, events, facts
from benchmarks.frame import Skip

PATIENCE = 10.0
"""Seconds that the server gets to start."""


@contextmanager
def client(path: Path) -> Iterator[Any]:
    """A client of a server that keeps its data in this file."""
    with server(path) as address:
        yield connected(address)


def connected(address: str) -> Any:
    """A client of the server at this address."""
    import umadb

    return umadb.Client(address)


@contextmanager
def server(path: Path) -> Iterator[str]:
    """The address of a server that keeps its data in this file."""
    try:
        import umadb
    except ImportError as error:
        raise Skip(f"umadb is not installed ({error})") from error
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    start = "from umadb.umadb_server_cli import main; main()"
    options = ["--listen", listen, "--db-path", str(path), "--read-method", "mmap"]
    command = [sys.executable, "-c", start, *options]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                umadb.Client(f"http://{listen}").head()
                break
            except Exception as error:
                if time.monotonic() > until or running.poll() is not None:
                    raise Skip(f"the UmaDB server does not answer ({error})") from error
                time.sleep(0.02)
        yield f"http://{listen}"
    finally:
        running.terminate()
        running.wait()


def uma_events(group: Iterable[Deposited | Withdrawn]) -> list[Any]:
    """The same events for UmaDB: type, JSON data, the tag."""
    from umadb import Event

    return [
        Event(type(event).__name__, msgspec.json.encode(event), [f"account:{event.account}"])
        for event in group
    ]


class Depositor:
    """A caller who decides on an account. It remembers what it has folded, and reads what is newer."""

    def __init__(self, client: Any, account: str) -> None:
        from umadb import Query, QueryItem

        self._client = client
        self._account = account
        self._query = Query([QueryItem(tags=[f"account:{account}"])])
        self._balance, self._after = 0, 0

    def deposit(self, cents: int) -> None:
        """Read, fold, decide, append on that condition; again on a conflict."""
        from umadb import AppendCondition, IntegrityError

        while True:
            self._read()
            if self._balance + cents > 10**15:
                raise ValueError("no bank keeps so much")
            condition = AppendCondition(self._query, self._after)
            try:
                self._after = self._client.append(uma_events([Deposited(self._account, cents)]), condition)
            except IntegrityError:
                continue
            self._balance += cents
            return

    def _read(self) -> None:
        response = self._client.read(self._query, start=self._after + 1)
        while batch := response.next_batch():
            for found in batch:
                self._balance += msgspec.json.decode(found.event.data)["cents"]
                self._after = found.position


def fill(path: Path, count: int, accounts: int, size: int = 1_000) -> None:
    """A server's file of so many events."""
    with client(path) as connected:
        for group in batched(facts(count, accounts), size):
            connected.append(uma_events(events(group)))
