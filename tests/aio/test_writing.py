"""Many tasks write at once."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import anyio
import anyio.to_thread
import pytest
from msgspec.structs import replace

from backstory import Database, State, Tag, command
from backstory.aio import AsyncDatabase
from backstory.aio.face import Shared
from backstory.aio.workers import Workers
from backstory.errors import StoreError, StoreFull
from backstory.store import Log, Verdict
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.unit import Batch, Hook, Step
from tests.patience import PATIENCE
from tests.state.bank import Account, Deposited, deposit, transfer

pytestmark = pytest.mark.anyio


class Watched:
    """A log that notes how many batches came in each append, and lets a test come between."""

    def __init__(self, log: Log) -> None:
        self.sizes: list[int] = []
        self.before: Callable[[Sequence[Batch]], None] = lambda _: None
        self._log = log
        self.read, self.commits, self.find = log.read, log.commits, log.find
        self.head, self.wait = log.head, log.wait

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        self.before(batches)
        self.sizes.append(len(batches))
        return self._log.append(batches, beside=beside, within=within)


@pytest.fixture(params=["memory", "sqlite"])
async def watched(request: pytest.FixtureRequest, path: str) -> AsyncIterator[tuple[AsyncDatabase, Watched]]:
    db = Database(MemoryStore() if request.param == "memory" else SqliteStore(path))
    log = Watched(db.handle.log)
    db.handle.tip = replace(db.handle.tip, log=log)
    shared = Shared(Workers(8))
    yield AsyncDatabase(db, shared), log
    with anyio.CancelScope(shield=True):
        await shared.close(db.close)


async def test_a_thousand_tasks_on_overlapping_boundaries_decide_as_if_one_after_the_other(
    db: AsyncDatabase,
) -> None:
    accounts = [f"a-{number}" for number in range(40)]
    for account in accounts:
        await db.append(Deposited(account, 100))

    async def move(number: int) -> None:
        source, target = accounts[number % 40], accounts[(number * 7 + 1) % 40]
        await db.execute(transfer(Account(source), Account(target), 1), attempts=1000)

    async with anyio.create_task_group() as tasks:
        for number in range(1000):
            tasks.start_soon(move, number)
    balances = [(await db.load(Account(account))).balance for account in accounts]
    assert sum(balances) == 4000
    assert min(balances) >= 0
    assert (await db.head()).position == 2040


async def test_many_writes_share_few_appends(watched: tuple[AsyncDatabase, Watched]) -> None:
    db, log = watched
    async with anyio.create_task_group() as tasks:
        for number in range(300):
            tasks.start_soon(db.execute, deposit(Account(f"a-{number}"), 1))
            tasks.start_soon(db.append, Deposited("facts", 1))
    assert sum(log.sizes) == 600
    assert len(log.sizes) < 200
    assert 1 <= len(db._shared.workers._threads) <= 8


async def test_a_command_that_came_too_late_is_decided_again(watched: tuple[AsyncDatabase, Watched]) -> None:
    db, log = watched

    def overtake(_: Sequence[Batch]) -> None:
        log.before = lambda _: None
        db.db.append(Deposited("a", 10))

    log.before = overtake
    await db.execute(deposit(Account("a"), 1))
    assert (await db.load(Account("a"))).balance == 11


async def test_where_the_store_fails_every_task_of_the_group_is_told(
    watched: tuple[AsyncDatabase, Watched],
) -> None:
    db, log = watched
    told: list[StoreError] = []

    def full(_: Sequence[Batch]) -> None:
        raise StoreFull("full")

    async def work(number: int) -> None:
        try:
            await db.execute(deposit(Account(f"a-{number}"), 1))
        except StoreError as error:
            told.append(error)

    log.before = full
    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(work, number)
    assert len(told) == 50
    log.before = lambda _: None
    await db.execute(deposit(Account("a"), 1))
    assert (await db.head()).position == 1


async def test_a_draft_that_breaks_the_append_breaks_only_its_own(
    watched: tuple[AsyncDatabase, Watched],
) -> None:
    db, log = watched
    told: list[str] = []

    def break_on(batches: Sequence[Batch]) -> None:
        if any("account:bad" in event.tags for [draft] in batches for event in draft.events):
            raise ZeroDivisionError

    async def work(account: str) -> None:
        try:
            await db.append(Deposited(account, 1))
        except ZeroDivisionError:
            told.append(account)

    log.before = break_on
    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon(work, "bad" if number == 20 else "good")
    assert told == ["bad"]
    assert (await db.head()).position == 39


class Gate(State):
    account: Tag[str]

    def apply(self, event: Deposited) -> None: ...


async def test_a_slow_command_does_not_hold_up_the_others(watched: tuple[AsyncDatabase, Watched]) -> None:
    db, _ = watched
    begun, gate = threading.Event(), threading.Event()

    @command
    def slow(state: Gate) -> Deposited:
        begun.set()
        assert gate.wait(PATIENCE)
        return Deposited(state.account, 1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(db.execute, slow(Gate("slow")))
        await anyio.to_thread.run_sync(begun.wait)
        await anyio.sleep(0.03)
        for _ in range(5):
            await db.execute(deposit(Account("quick"), 1))
        gate.set()
    assert (await db.head()).position == 6


async def test_writes_of_branches_go_to_their_own_log(db: AsyncDatabase) -> None:
    branch = await db.branch("other")

    async def work(where: AsyncDatabase) -> Any:
        return await where.execute(deposit(Account("a"), 1))

    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon(work, (db, branch)[number % 2])
    assert (await db.load(Account("a"))).balance == (await branch.load(Account("a"))).balance == 20
