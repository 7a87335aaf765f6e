"""The projection runner of the `eventsourcing` library, with its quick mapper and a view in SQLite.

Its SQLite application recorder has no `subscribe`, so the runner cannot follow an application that is kept in SQLite.
The events are in memory then: the quickest source that it has. On PostgreSQL it reads its own events from there. Each
event has a transaction of its own, by design.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid5

from benchmarks import bank
from benchmarks.frame import Skip
from benchmarks.peer_eventsourcing import Deposited, MsgspecMapper, NoTranscoder, Withdrawn, next_event

try:
    from eventsourcing.application import Application
    from eventsourcing.dispatch import singledispatchmethod
    from eventsourcing.postgres import PostgresTrackingRecorder
    from eventsourcing.projection import Projection, ProjectionRunner
    from eventsourcing.sqlite import SQLiteTrackingRecorder
    from psycopg.sql import SQL
except ImportError as missing:
    raise Skip(f"eventsourcing is not installed ({missing})") from missing

TABLE = "CREATE TABLE IF NOT EXISTS balances (account TEXT PRIMARY KEY, cents INTEGER NOT NULL) WITHOUT ROWID"
ADD = (
    "INSERT INTO balances VALUES (?1, ?2) ON CONFLICT (account) DO UPDATE SET cents = cents + excluded.cents"
)


POSTGRES_TABLE = "CREATE TABLE IF NOT EXISTS balances (account text PRIMARY KEY, cents bigint NOT NULL)"
POSTGRES_ADD = """
INSERT INTO balances VALUES (%s, %s)
ON CONFLICT (account) DO UPDATE SET cents = balances.cents + excluded.cents
"""


class Bank(Application):
    """An application in memory, filled as it is made: its runner makes it."""

    facts: ClassVar[list[tuple[bool, str, int]]] = []
    clock: ClassVar[bank.Stopwatch]

    def construct_mapper(self, *_: Any) -> Any:
        """Structs as JSON bytes and back."""
        return MsgspecMapper(NoTranscoder())

    def __init__(self, env: Any = None) -> None:
        super().__init__(env)
        if self.recorder.max_notification_id():  # the runner opens what was filled before
            return
        versions: dict[str, int] = {}
        for group in bank.batched(self.facts, 1_000):
            found = [next_event(fact, uuid5(UUID(int=0), fact[1]), versions, plain=False) for fact in group]
            self.recorder.insert_events([self.mapper.to_stored_event(each) for each in found])
        Bank.clock = bank.Stopwatch()


class Balances(SQLiteTrackingRecorder):
    """The view: its table, and one transaction for an event and its tracking."""

    def construct_create_table_statements(self) -> list[str]:
        """The tracking table, and the balances."""
        return [*super().construct_create_table_statements(), TABLE]

    def add(self, account: str, cents: int, tracking: Any) -> None:
        """Change a balance."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(ADD, (account, cents))


class PostgresBalances(PostgresTrackingRecorder):
    """The same view in PostgreSQL."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sql_create_statements.append(SQL(POSTGRES_TABLE))

    def add(self, account: str, cents: int, tracking: Any) -> None:
        """Change a balance."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(POSTGRES_ADD, (account, cents), prepare=True)


class BalancesProjection(Projection[Balances | PostgresBalances]):
    """What the runner calls for each event."""

    name = "balances"
    topics = ()

    @singledispatchmethod
    def process_event(self, event: Any, tracking: Any) -> None:
        """Any other event."""

    @process_event.register
    def _(self, event: Deposited, tracking: Any) -> None:
        self.view.add(event.account, event.cents, tracking)

    @process_event.register
    def _(self, event: Withdrawn, tracking: Any) -> None:
        self.view.add(event.account, -event.cents, tracking)


@contextmanager
def runner(path: Path, facts: list[tuple[bool, str, int]]) -> Iterator[Any]:
    """The runner at work on these facts; its clock was started when the last one was in memory."""
    Bank.facts = facts
    env = {"BALANCES_PERSISTENCE_MODULE": "eventsourcing.sqlite", "BALANCES_SQLITE_DBNAME": str(path)}
    with ProjectionRunner(
        application_class=Bank, projection_class=BalancesProjection, view_class=Balances, env=env
    ) as running:
        yield running


@contextmanager
def postgres_runner(env: dict[str, str], facts: list[tuple[bool, str, int]]) -> Iterator[Any]:
    """The same from PostgreSQL to PostgreSQL; the clock is started when the runner is."""
    env = {**env, "PERSISTENCE_MODULE": "eventsourcing.postgres"}
    Bank.facts = facts
    Bank(env).close()
    Bank.clock = bank.Stopwatch()
    with ProjectionRunner(
        application_class=Bank, projection_class=BalancesProjection, view_class=PostgresBalances, env=env
    ) as running:
        yield running
