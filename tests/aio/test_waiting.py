"""Streams, followers, and tasks that are cancelled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from functools import partial

import anyio
import pytest

from backstory import State, Tag, command
from backstory.aio import AsyncDatabase, connect
from backstory.aio.stream import CHUNK
from backstory.errors import HistoryMoved, StoreClosed, StoreError
from backstory.place import Place
from backstory.values.commit import Head
from tests.patience import PATIENCE
from tests.patience import until_async as until
from tests.state.bank import Account, Deposited, Withdrawn, deposit

pytestmark = pytest.mark.anyio


class Gate(State):
    account: Tag[str]

    def apply(self, event: Deposited) -> None: ...


class Slow:
    """A command that a test holds in the middle of its decision."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

        @command
        def slow(state: Gate) -> Deposited:
            self.begun.set()
            assert self.go.wait(PATIENCE)
            return Deposited(state.account, 1)

        self.command = slow(Gate("slow"))


def watchers() -> int:
    return sum(thread.name == "backstory watch" for thread in threading.enumerate())


async def fill(db: AsyncDatabase, count: int) -> None:
    await db.append(*[Deposited("a", number) for number in range(count)])


async def test_a_stream_is_read_in_chunks_and_may_be_left_early(db: AsyncDatabase) -> None:
    await fill(db, 3 * CHUNK)
    assert [record.position async for record in db.read()] == list(range(1, 3 * CHUNK + 1))
    async for record in db.read():
        if record.position == 5:
            break
    async with db.read(after=10) as events:
        assert (await anext(events)).position == 11
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert [record.position async for record in db.read(limit=CHUNK)][-1] == CHUNK


async def test_an_error_in_a_stream_is_raised_where_it_is_read(db: AsyncDatabase) -> None:
    stream = db.read(at="nowhere")
    with pytest.raises(LookupError):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_followers_see_each_event_once_and_one_thread_waits_for_all(db: AsyncDatabase) -> None:
    seen: list[list[int]] = [[] for _ in range(50)]

    async def follower(mine: list[int]) -> None:
        async with db.follow(Deposited, after=0) as events:
            async for record in events:
                mine.append(record.event.cents)
                if record.event.cents == 199:
                    return

    async with anyio.create_task_group() as tasks:
        for mine in seen:
            tasks.start_soon(follower, mine)
        for number in range(200):
            await db.append(Withdrawn("a", 1), Deposited("a", number))
            await until(lambda: watchers() <= 1)  # one that nobody needs any more may still be ending
    assert all(mine == list(range(200)) for mine in seen)


async def test_without_a_position_it_begins_at_the_head(db: AsyncDatabase) -> None:
    await fill(db, 3)
    events = db.follow()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anext, events)
        await until(watchers)
        tasks.cancel_scope.cancel()
    await db.append(Deposited("a", 77))
    assert (await anext(events)).event.cents == 77


async def test_steps_that_are_cancelled_lose_and_repeat_nothing(db: AsyncDatabase) -> None:
    seen: list[int] = []
    events = db.follow(Deposited, after=0)

    async def write() -> None:
        for number in range(300):
            await db.append(Deposited("a", number), Withdrawn("a", 1))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        wait = 0.0
        with anyio.fail_after(PATIENCE):
            while len(seen) < 300:
                before = len(seen)
                with anyio.move_on_after(wait):
                    while True:
                        seen.append((await anext(events)).event.cents)
                # A little longer until something is seen, so that steps are cancelled early, late and just before.
                wait = wait + 0.0003 if len(seen) == before else 0.0
    assert seen == list(range(300))


@pytest.mark.parametrize("where", ["a file", "memory"])
async def test_a_thousand_followers_of_branches_and_a_trial_cost_no_threads(where: str, path: str) -> None:
    seen: list[int] = []

    async def follower(branch: AsyncDatabase) -> None:
        async for record in branch.follow(Deposited):
            seen.append(record.event.cents)
            return

    async with connect("memory:" if where == "memory" else path, threads=2) as db, db.what_if() as trial:
        await fill(db, 1)
        followed = [db, trial, *[await db.branch(f"b{number}") for number in range(8)]]
        watches = [db._shared.of(one.db.handle.tip.line).watch for one in followed]
        async with anyio.create_task_group() as tasks:
            for number in range(1000):
                tasks.start_soon(follower, followed[number % 10])
            await until(lambda: sum(len(watch._waiters) for watch in watches) == 1000)
            # Two workers; the one that keeps the pace of writes; for a file, the one that looks for other processes.
            assert len([one for one in threading.enumerate() if one.name.startswith("backstory")]) <= 4
            assert watchers() == (where == "a file")
            for number, branch in enumerate(followed):
                await branch.append(Deposited("a", number))
        assert sorted(seen) == [number // 100 for number in range(1000)]
        await until(lambda: not watchers())
        assert not any(watch._waiters or watch._unwatch for watch in watches)


async def test_followers_that_are_cancelled_leave_nothing(db: AsyncDatabase) -> None:
    watch = db._shared.of(db.db.handle.now()).watch
    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(anext, db.follow(after=0))
        await until(watchers)
        tasks.cancel_scope.cancel()
    assert not watch._waiters
    await until(lambda: not watchers() and watch._unwatch is None)


async def test_a_thousand_who_watch_are_woken_only_by_what_concerns_them(db: AsyncDatabase) -> None:
    seen: list[int] = []

    async def watcher(number: int) -> None:
        async with db.watch(Account(str(number))) as values:
            async for one in values:
                if one.value.balance:
                    seen.append(number)
                    return

    watch = db._shared.of(db.db.handle.now()).watch
    async with anyio.create_task_group() as tasks:
        for number in range(1000):
            tasks.start_soon(watcher, number)
        await until(lambda: len(watch._waiters) == 1000 and not watch._fresh)
        waiting = set(watch._waiters)
        assert len([one for one in threading.enumerate() if one.name.startswith("backstory")]) <= 34
        for number in (7, 3):
            await db.append(Deposited(str(number), 1), Deposited("nobody", 1))
            await until(partial(seen.__contains__, number))
        assert seen == [7, 3]
        assert len(waiting - watch._waiters) == 2
        tasks.cancel_scope.cancel()
    assert not watch._interests._by_key


async def test_a_query_that_matches_nothing_for_long_is_followed(db: AsyncDatabase) -> None:
    seen: list[int] = []

    async def follower() -> None:
        async for record in db.follow(Withdrawn, after=0):
            seen.append(record.position)
            return

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower)
        for _ in range(50):
            await fill(db, 10)
        await db.append(Withdrawn("a", 1))
    assert seen == [501]


async def test_one_who_waits_for_a_far_position_delays_nobody_and_whoever_leaves_is_replaced(
    db: AsyncDatabase,
) -> None:
    watch = db._shared.of(db.db.handle.now()).watch
    async with anyio.create_task_group() as far:
        far.start_soon(watch.beyond, 1_000_000)
        await until(watchers)
        for _ in range(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch.beyond, (await db.head()).position)
                await db.append(Deposited("a", 1))
        # Those who come and go bring no threads.
        for _ in range(20):
            with anyio.move_on_after(0.001):
                await watch.beyond(1_000_000)
        assert watchers() == 1
        far.cancel_scope.cancel()
    await until(lambda: not watchers())
    assert not watch._waiters
    await db.append(Deposited("a", 1))
    assert await watch.beyond(20) == 21


async def test_events_of_another_process_are_followed(db: AsyncDatabase, path: str) -> None:
    program = (
        "import sys; from backstory import connect; from tests.state.bank import Deposited\n"
        "with connect(sys.argv[1]) as db:\n    for n in range(100): db.append(Deposited('a', n))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, path])  # noqa: ASYNC220 - starting it is quick
    with anyio.fail_after(PATIENCE):
        async for record in db.follow(after=0):
            assert record.event.cents == record.position - 1
            if record.position == 100:
                break
    assert process.wait(PATIENCE) == 0


async def test_a_follower_goes_with_its_branch_as_far_as_both_histories_are_the_same(
    db: AsyncDatabase,
) -> None:
    await fill(db, 3)
    trial, seen = await db.branch("trial"), list[int]()

    async def follower(wanted: int) -> None:
        async for record in trial.follow(after=3):
            seen.append(record.event.cents)
            if record.event.cents == wanted:
                return

    async def move() -> None:
        await db.append(Deposited("a", 10))
        await (await db.switch("trial")).rebase("main")

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower, 20)
            await until(watchers)
            await move()
            await trial.append(Deposited("a", 20))
        assert seen == [10, 20]
        await move()
        with pytest.raises(HistoryMoved, match="#5 is a place of another history"):
            await anext(trial.follow(after=5))


async def test_a_follower_begins_after_a_place_and_only_on_the_history_that_has_it(db: AsyncDatabase) -> None:
    await fill(db, 3)
    commit = await anext(db.commits())
    assert (await anext(db.follow(after=str(Place.of(commit, 1))))).position == 2
    for unknown in ("1-0f3a9c1b", "9-0f3a9c1b"):
        with pytest.raises(HistoryMoved, match=unknown):
            await anext(db.follow(after=unknown))


async def test_closing_ends_those_who_wait_with_an_error_that_says_so(path: str) -> None:
    told: list[str] = []

    async def follower(db: AsyncDatabase) -> None:
        try:
            async for _ in db.follow():
                pass
        except StoreClosed as error:
            told.append(str(error))

    async with anyio.create_task_group() as tasks, connect(path) as db:
        for _ in range(5):
            tasks.start_soon(follower, db)
        await until(lambda: len(db._shared.of(db.db.handle.now()).watch._waiters) == 5)
    assert told == ["the database was closed while this waited for events"] * 5
    assert not watchers()


async def test_an_error_while_waiting_reaches_every_follower_and_the_next_one_starts_anew(
    db: AsyncDatabase,
) -> None:
    watch = db._shared.of(db.db.handle.now()).watch
    await db.append(Deposited("a", 1))

    def broken() -> Head:
        raise StoreError("broken")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db.db.handle.tip.line.log, "head", broken)
        for _ in range(2):
            told: list[str] = []

            async def wait(told: list[str]) -> None:
                try:
                    await watch.beyond(0)
                except StoreError as error:
                    told.append(str(error))

            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(wait, told)
            assert told == ["broken"] * 3
    assert await watch.beyond(0) == 1


async def test_a_verb_that_began_ends_before_its_task_is_cancelled(db: AsyncDatabase) -> None:
    slow, ended = Slow(), False

    async def work() -> None:
        nonlocal ended
        try:
            await db.execute(slow.command)
        finally:
            ended = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await until(slow.begun.is_set)
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.03)
            assert not ended
            slow.go.set()
    assert (await db.head()).position == 1


async def test_a_verb_that_did_not_begin_leaves_nothing(path: str) -> None:
    slow = Slow()
    async with connect(path, threads=1) as db, anyio.create_task_group() as tasks:
        tasks.start_soon(db.execute, slow.command)
        await until(slow.begun.is_set)
        for verb in (lambda: db.append(Deposited("a", 1)), lambda: db.load(Account("a"))):
            with anyio.move_on_after(0.01) as scope:
                await verb()
            assert scope.cancelled_caught
        slow.go.set()
    async with connect(path, threads=1) as db:
        assert (await db.head()).position == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncios_own_cancel_waits_as_well(db: AsyncDatabase) -> None:
    slow = Slow()
    task = asyncio.create_task(db.execute(slow.command))
    await until(slow.begun.is_set)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
        assert not task.done()
    slow.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await db.head()).position == 1


async def test_a_cancelled_block_closes_the_database(path: str) -> None:
    slow = Slow()
    async with anyio.create_task_group() as tasks:

        async def work() -> None:
            async with connect(path) as db, anyio.create_task_group() as inner:
                inner.start_soon(db.execute, slow.command)
                await anyio.sleep_forever()

        tasks.start_soon(work)
        await until(slow.begun.is_set)
        tasks.cancel_scope.cancel()
        slow.go.set()
    with anyio.CancelScope() as scope:
        scope.cancel()
        async with connect(path) as db:
            await db.head()
    async with connect(path) as db:
        assert (await db.head()).position == 1


async def test_cancelled_at_any_moment_an_append_is_whole_or_not_there(db: AsyncDatabase) -> None:
    known: set[str] = set()

    async def work(number: int) -> None:
        with anyio.move_on_after(number % 20 / 4000):
            await db.append(Deposited("a", number), Withdrawn("a", number), id=f"id-{number}")
            known.add(f"id-{number}")

    async with anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(work, number)
    commits = [commit async for commit in db.commits()]
    assert all(commit.size == 2 for commit in commits)
    assert known <= {commit.id for commit in commits}
    await db.execute(deposit(Account("a"), 1))
