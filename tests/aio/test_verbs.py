"""The verbs, awaited: all of them, with the same parameters, and what they mean to tasks."""

from __future__ import annotations

import inspect
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.to_thread import run_sync

from backstory import Database, Projection, Table, Tx
from backstory.aio import AsyncDatabase, Stream, connect
from backstory.aio.table import AsyncTable
from backstory.database import WhatIf
from backstory.errors import FoldedWarning, StoreClosed, StoreMissing, UnknownTypeWarning
from tests.patience import PATIENCE
from tests.state.bank import Account, Deposited, deposit

pytestmark = pytest.mark.anyio

OWN = {"keep", "given", "leave"}
"""What only the asynchronous one has; `keep` is that of `WhatIf`, and the others are for readers in its own loop."""


def verbs(cls: type[Any]) -> dict[str, Any]:
    return {
        name: value for name, value in inspect.getmembers(cls) if not name.startswith("_") and callable(value)
    }


def parameters(verb: Any) -> list[tuple[str, Any, Any, Any]]:
    return [
        (one.name, one.kind, one.default, one.annotation)
        for one in inspect.signature(verb).parameters.values()
    ]


@pytest.mark.parametrize("name", sorted(set(verbs(Database)) - {"close"}))
def test_every_verb_is_there_with_the_same_parameters(name: str) -> None:
    mine = verbs(AsyncDatabase).get(name)
    assert mine is not None, f"AsyncDatabase has no {name}: add it to backstory/aio/database.py"
    assert parameters(mine) == parameters(verbs(Database)[name])
    assert mine.__doc__


@pytest.mark.parametrize("name", sorted(verbs(Table)))
def test_every_verb_of_a_table_is_there_with_the_same_parameters(name: str) -> None:
    mine = verbs(AsyncTable).get(name)
    assert mine is not None, f"AsyncTable has no {name}: add it to backstory/aio/table.py"
    assert parameters(mine) == parameters(verbs(Table)[name])


def test_there_is_no_other_verb() -> None:
    assert set(verbs(AsyncDatabase)) - set(verbs(Database)) == OWN
    assert parameters(AsyncDatabase.keep) == parameters(WhatIf.keep)


async def test_only_what_what_if_gave_can_be_kept(db: AsyncDatabase) -> None:
    with pytest.raises(TypeError, match="what_if"):
        await db.keep("x")


async def test_each_task_has_its_own_context_and_starts_with_its_parents(db: AsyncDatabase) -> None:
    async def work(author: str) -> None:
        with db.context(author=author):
            await db.execute(deposit(Account(author), 1))
            await anyio.lowlevel.checkpoint()
            await db.append(Deposited(author, 1))

    with db.context(correlation="r-1"):
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(work, f"user-{number}")
    async for record in db.read():
        assert record.author == record.event.account
        assert record.metadata["correlation"] == "r-1"


async def test_a_command_that_fails_fails_alone(db: AsyncDatabase) -> None:
    outcomes: list[object] = []

    async def work(number: int) -> None:
        try:
            cents = 1 if number % 3 else float("nan")
            outcomes.append(await db.execute(deposit(Account(f"a-{number}"), cents)))  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - any will do
            outcomes.append(type(error).__name__)

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(work, number)
    assert len([one for one in outcomes if isinstance(one, str)]) == 10
    assert (await db.head()).position == 20


async def test_after_the_block_every_verb_says_that_it_is_closed(path: str) -> None:
    async with connect(path) as db:
        await db.append(Deposited("a", 1))
        stream = db.read()
    for verb in (db.head, lambda: db.append(Deposited("a", 1)), lambda: db.execute(deposit(Account("a"), 1))):
        with pytest.raises(StoreClosed):
            await verb()
    with pytest.raises(StoreClosed):
        await anext(stream)
    with pytest.raises(StoreClosed):
        await anext(db.follow(after=0))


async def test_a_store_that_cannot_be_opened_leaves_nothing(tmp_path: Any) -> None:
    with pytest.raises(StoreMissing):
        async with connect(str(tmp_path / "no.db"), create=False):
            pass
    with pytest.raises(ValueError, match="threads"):
        async with connect(threads=0):
            pass


async def test_several_event_loops_may_share_one(db: AsyncDatabase, anyio_backend: str) -> None:
    async def elsewhere(number: int) -> None:
        for _ in range(5):
            await db.execute(deposit(Account("a"), 1))
            await db.append(Deposited("b", number))

    async def in_a_thread(number: int, backend: str) -> None:
        await run_sync(lambda: anyio.run(lambda: elsewhere(number), backend=backend))

    async def following(seen: list[int]) -> None:
        async with db.follow(after=0) as events:
            async for record in events:
                seen.append(record.position)
                if len(seen) == 30:
                    return

    seen: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(following, seen)
        for number, backend in enumerate(("asyncio", "trio", anyio_backend)):
            tasks.start_soon(in_a_thread, number, backend)
    assert seen == list(range(1, 31))
    assert (await db.load(Account("a"))).balance == 15


async def test_what_it_gives_is_typed(db: AsyncDatabase) -> None:
    from typing import assert_type

    from backstory.store import Record
    from backstory.values.commit import Commit

    assert_type(await db.load(Account("a")), Account)
    assert_type(await db.execute(deposit(Account("a"), 1)), Commit | None)
    assert_type(await db.append(Deposited("a", 1)), Commit)
    assert_type(db.read(Deposited), Stream[Record[Deposited]])
    async for record in db.read(Deposited):
        assert_type(record, Record[Deposited])
    async with db.what_if() as trial:
        assert_type(trial, AsyncDatabase)


class Sums(Projection):
    tables = "CREATE TABLE sums (cents BIGINT NOT NULL)"

    def apply(self, event: Deposited, tx: Tx) -> None:
        tx.execute("INSERT INTO sums VALUES (?)", (event.cents,))


async def test_a_task_that_runs_something_ends_it_when_it_is_cancelled(db: AsyncDatabase) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(db.run(Sums).run)
        commit = await db.append(Deposited("a", 1))
        await db.wait(Sums, commit, timeout=PATIENCE)
        tasks.cancel_scope.cancel()
    async with db.run(Sums):
        commit = await db.append(Deposited("a", 1))
        await db.wait(Sums, commit, timeout=PATIENCE)


async def test_the_end_of_a_database_ends_what_runs(path: str) -> None:
    async with anyio.create_task_group() as tasks, connect(path) as db:
        tasks.start_soon(db.run(Sums).run)
        commit = await db.append(Deposited("a", 1))
        await db.wait(Sums, commit, timeout=PATIENCE)


async def test_a_warning_names_the_line_that_awaited(db: AsyncDatabase) -> None:
    async def found() -> None:
        await db.find(Account)

    await db.append(Deposited("a", 1))
    with pytest.warns(FoldedWarning) as told:
        await found()
    assert [(each.filename, each.lineno) for each in told] == [(__file__, found.__code__.co_firstlineno + 1)]
    with pytest.warns(UnknownTypeWarning) as told:
        assert [record async for record in db.read("nothing-of-this-name")] == []
    assert [each.filename for each in told] == [__file__]
