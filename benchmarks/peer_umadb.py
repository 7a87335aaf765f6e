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
    try:
        import umadb
    except ImportError as error:
        raise Skip(f"umadb is not installed ({error})") from error
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    start = "from umadb.umadb_server_cli import main; main()"
    options = ["--listen", address, "--db-path", str(path), "--read-method", "mmap"]
    command = [sys.executable, "-c", start, *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                connected = umadb.Client(f"http://{address}")
                connected.head()
                break
            except Exception as error:
                if time.monotonic() > until or server.poll() is not None:
                    raise Skip(f"the UmaDB server does not answer ({error})") from error
                time.sleep(0.02)
        yield connected
    finally:
        server.terminate()
        server.wait()


def uma_events(group: Iterable[Deposited | Withdrawn]) -> list[Any]:
    """The same events for UmaDB: type, JSON data, the tag."""
    from umadb import Event

    return [
        Event(type(event).__name__, msgspec.json.encode(event), [f"account:{event.account}"])
        for event in group
    ]


def fill(path: Path, count: int, accounts: int, size: int = 1_000) -> None:
    """A server's file of so many events."""
    with client(path) as connected:
        for group in batched(facts(count, accounts), size):
            connected.append(uma_events(events(group)))
