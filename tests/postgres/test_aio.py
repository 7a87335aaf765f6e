"""Async on PostgreSQL, under asyncio and under trio: what tests/aio says of files is true of a server."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

from backstory.aio import AsyncDatabase, connect
from backstory.errors import HistoryLost
from backstory.history.check.verify import verify
from backstory.stores.postgres import PostgresStore
from tests.patience import PATIENCE, until_async
from tests.postgres.server import running, schema_of
from tests.state.bank import Account, Deposited, deposit, transfer, withdraw

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    yield
    gc.collect()
    assert [one.name for one in threading.enumerate() if one.name.startswith("backstory watch")] == []


@pytest.fixture
def address(tmp_path: Path) -> str:
    return running().address(schema_of(tmp_path))


@pytest.fixture
async def db(address: str) -> AsyncIterator[AsyncDatabase]:
    async with connect(address) as database:
        yield database


def in_use(address: str) -> int:
    """How many transactions are open, as the server sees it."""
    with running().admin() as admin:
        [[count]] = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backstory' AND xact_start IS NOT NULL"
        ).fetchall()
    return int(count)


async def test_commands_and_states(db: AsyncDatabase) -> None:
    await db.execute(deposit(Account("a"), 500))
    await db.execute(withdraw(Account("a"), cents=200), author="ann", message="rent")
    assert (await db.load(Account("a"))).balance == 300
    assert (await db.load(Account("a"), at="main~1")).balance == 500
    assert [record.position async for record in db.read()] == [1, 2]


async def test_a_follower_sees_what_another_process_would_append(db: AsyncDatabase, address: str) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async with db.follow(Deposited, after=0) as events:
            async for record in events:
                seen.append(record.event.cents)
                if len(seen) == 50:
                    return

    async with connect(address) as other, anyio.create_task_group() as tasks:
        with anyio.fail_after(PATIENCE):
            tasks.start_soon(follow)
            for number in range(50):
                await (other if number % 2 else db).append(Deposited("a", number))
    assert seen == list(range(50))


async def test_two_hundred_tasks_decide_as_if_one_after_the_other(db: AsyncDatabase, address: str) -> None:
    accounts = [Account(f"a-{number}") for number in range(20)]
    await db.append(*[Deposited(account.account, 100) for account in accounts])

    async def move(number: int) -> None:
        source, target = accounts[number % 20], accounts[(number * 7 + 1) % 20]
        await db.execute(transfer(source, target, 1), attempts=1000)

    async with anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(move, number)
    balances = [(await db.load(account)).balance for account in accounts]
    assert sum(balances) == 2000
    assert in_use(address) == 0
    store = PostgresStore(address)
    assert verify(store).problems == []
    assert sum(1 for _ in store.log().commits()) == 201
    store.close()


async def test_tasks_that_are_cancelled_leave_nothing_half_done_and_no_connection_in_use(
    db: AsyncDatabase, address: str
) -> None:
    done: set[int] = set()

    async def write(number: int) -> None:
        for turn in range(20):
            await db.execute(deposit(Account(f"a-{number}"), 1), id=f"{number}-{turn}")
            done.add(number * 100 + turn)

    with anyio.move_on_after(0.1):
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(write, number)
    with anyio.move_on_after(0.02):
        await anext(db.follow())
    kept = {commit.id async for commit in db.commits()}
    assert {f"{one // 100}-{one % 100}" for one in done} <= kept
    await until_async(lambda: not in_use(address))  # what was on its way when it was cancelled ends by itself
    with anyio.fail_after(PATIENCE):  # every connection can be had again
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(db.load, Account(f"a-{number}"))


async def test_five_hundred_followers_of_branches_cost_no_thread_of_their_own(address: str) -> None:
    seen: list[int] = []

    async def follower(branch: AsyncDatabase) -> None:
        async for record in branch.follow(Deposited):
            seen.append(record.event.cents)
            return

    async with connect(address, threads=2) as db, connect(address) as other:
        await db.append(Deposited("a", 0))
        followed = [db, *[await db.branch(f"b{number}") for number in range(4)]]
        watches = [db._shared.of(one.db.handle.tip.line).watch for one in followed]
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for number in range(500):
                    tasks.start_soon(follower, followed[number % 5])
                await until_async(lambda: sum(len(watch._waiters) for watch in watches) == 500)
                names = [one.name for one in threading.enumerate() if one.name.startswith("backstory")]
                assert names.count("backstory-follow") == 1
                for number, branch in enumerate(followed):
                    await (await other.switch(str(branch.name))).append(Deposited("a", number))
        assert sorted(seen) == [number // 100 for number in range(500)]
        assert not any(watch._waiters or watch._unwatch for watch in watches)


async def test_followers_hear_of_lost_history(db: AsyncDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise HistoryLost("a commit is not there any more")

    store, line, told = db.db.store, db.db.handle.tip.line, list[str]()
    watch = db._shared.of(line).watch

    async def follower() -> None:
        try:
            await anext(db.follow())
        except HistoryLost as error:
            told.append(str(error))

    assert isinstance(store, PostgresStore)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(follower)
            await until_async(lambda: len(watch._waiters) == 3 and watch._unwatch is not None)
            await anyio.sleep(0.2)  # no look is going on any more: only the store can wake them now
            monkeypatch.setattr(line.log, "head", lost)
            monkeypatch.setattr(store._head_watch, "_look", lost)
    assert told == ["a commit is not there any more"] * 3
