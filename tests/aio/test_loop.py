"""No verb of the asynchronous face, and nothing that it gives, asks the database inside of the event loop."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from backstory import Event, Projection, Record, State, Tag, Tx, command, reverts
from backstory.aio import AsyncDatabase
from backstory.aio.face import Shared
from backstory.aio.workers import Workers
from backstory.database import Database
from backstory.errors import BranchMoved, FoldedWarning, StoreClosed
from backstory.live import Follower
from backstory.right import take
from backstory.store import ALL, Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from tests.aio.test_verbs import verbs
from tests.patience import PATIENCE
from tests.watched import LoopWatch, watched

pytestmark = pytest.mark.anyio


class Said(Event, name="loop.said"):
    room: Tag[str]
    n: int


class Talk(State):
    room: Tag[str]
    by: dict[str, int] = {}

    def apply(self, event: Said, record: Record) -> None:
        self.by[record.author] = self.by.get(record.author, 0) + record.metadata.get("weight", 1)


@command(name="loop.say")
def say(talk: Talk, n: int) -> Said:
    return Said(talk.room, n)


@reverts(Said)
def unsaid(event: Said) -> Said:
    return Said(event.room, -event.n)


class Rooms(Projection):
    tables = "CREATE TABLE rooms (room TEXT NOT NULL, author TEXT NOT NULL);"

    def apply(self, event: Said, tx: Tx, record: Record) -> None:
        tx.execute("INSERT INTO rooms VALUES (?, ?)", (event.room, record.author))


async def run(db: AsyncDatabase) -> None:
    await db.project(Rooms)
    async with db.run(Rooms):
        await db.wait(Rooms, timeout=60)
        assert len(await db.rows(Rooms, "SELECT author FROM rooms", timeout=60)) == 2
    await db.rebuild(Rooms)


async def table(db: AsyncDatabase) -> None:
    people = db.table("people", unique=["name"])
    await people.insert("p-1", {"name": "Ann"})
    await people.put("p-1", {"name": "Bea"})
    await people.patch("p-1", {"city": None})
    await people.update("p-1", city="Bern")
    async with people.edit("p-1") as row:
        row["city"] = "Genf"
    assert await people.get("p-1", at="main~1") == {"name": "Bea", "city": "Bern"}
    assert [record.author async for record in people.history("p-1")] == [""] * 5
    await people.delete("p-1")
    assert (await people.upsert_many([("p-2", {"name": "Cy"})])).inserted == 1
    assert (await people.sync([], allow_deletes=1)).deleted == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        assert await people.find(at="HEAD") == []


async def atomic(db: AsyncDatabase) -> None:
    async with db.atomic() as tx:
        await tx.execute(say(Talk("a"), 3))
        assert (await tx.load(Talk("a"))).by
        pending = await tx.execute(say(Talk("b"), 3), author="bob")
    assert pending.commit is not None


async def listing(db: AsyncDatabase) -> None:
    await db.materialize(Talk)
    assert [talk.room for talk in await db.find(Talk)] == ["a"]
    assert [talk.room async for talk in db.identities(Talk)] == ["a"]


async def read(db: AsyncDatabase) -> None:
    kept = [record async for record in db.read(Said, backwards=True)]
    assert {record.author for record in kept} == {"ann", "bob"}
    assert [record.metadata for record in kept[:2]] == [{}, {}]


async def follow(db: AsyncDatabase) -> None:
    with anyio.fail_after(PATIENCE):
        async with db.follow(after=0) as records:
            for _ in range(2):
                assert (await anext(records)).message == ""


async def given(db: AsyncDatabase) -> None:
    async with db.given(Follower(db.db.handle, ALL, 0, caught_up=False)) as records:
        record = await anext(records)
        assert record.event.room == "a"


async def leave(db: AsyncDatabase) -> None:
    await db.head()
    await db.leave()
    with pytest.raises(StoreClosed):
        await db.head()


async def watch_values(db: AsyncDatabase) -> None:
    with anyio.fail_after(PATIENCE):
        async with db.watch(Talk("a")) as states, db.watch(Said) as records:
            assert (await anext(states)).value.by
            assert (await anext(records)).value.message == ""
    async with db.run(Rooms):
        await db.wait(Rooms, timeout=60)
        async with db.watch(Rooms, "SELECT author FROM rooms") as rows:
            assert len((await anext(rows)).value) == 2


async def subscribe(db: AsyncDatabase) -> None:
    await db._run(take, db.db.store)
    with anyio.fail_after(PATIENCE):
        async with db.subscribe("crm", Said, after=0) as events:
            for _ in range(2):
                each = await anext(events)
                assert each.record.author
                each.done()


async def commits(db: AsyncDatabase) -> None:
    assert [commit.author async for commit in db.commits()][:2] == ["ann", "bob"]


async def between(db: AsyncDatabase) -> None:
    assert [commit.author async for commit in db.between("#1..main")] != []


async def blame(db: AsyncDatabase) -> None:
    found = await db.blame(Talk("a"))
    assert [part.commit.author for part in found.leaves if part.commit] != []
    part = found["by"].commit
    assert part is not None
    assert part.author


async def why(db: AsyncDatabase) -> None:
    found = await db.why(Talk("a"), "by")
    assert found.record is not None
    assert found.record.author


async def bisect(db: AsyncDatabase) -> None:
    found = (await db.bisect(Talk("a"), lambda talk: len(talk.by) > 1)).first
    assert found is not None
    assert found.author


async def turns(db: AsyncDatabase) -> None:
    assert (await anext(db.turns(Talk, lambda talk: len(talk.by) > 1))).record.author


async def linked(db: AsyncDatabase) -> None:
    assert [found async for found in db.causes("#1")] == []
    assert [found async for found in db.effects("#1")] == []
    assert [found async for found in db.undone_by("#1")] == []
    assert [found async for found in db.correlated("nothing")] == []
    assert [found async for found in db.unread("#1")] == []


async def merge(db: AsyncDatabase) -> None:
    trial = await db.branch("merged")
    await trial.append(Said("c", 1))
    assert len((await db.merge("merged")).commits) == 1


async def cherry_pick(db: AsyncDatabase) -> None:
    trial = await db.branch("picked")
    await trial.append(Said("d", 1))
    await db.cherry_pick("picked")


async def rebase(db: AsyncDatabase) -> None:
    trial = await db.branch("moved")
    await trial.append(Said("e", 1))
    await db.append(Said("f", 1))
    await trial.rebase("main")


async def what_if(db: AsyncDatabase) -> None:
    async with db.what_if() as trial:
        await trial.execute(say(Talk("a"), 9))
        assert [record.author async for record in trial.read(Talk("a"))] != []


async def keep(db: AsyncDatabase) -> None:
    async with db.what_if() as trial:
        await trial.append(Said("a", 5))
        await trial.keep("kept")


async def context(db: AsyncDatabase) -> None:
    with db.context(author="cy", because=await anext(db.read())):
        await db.execute(say(Talk("a"), 7))


async def batches(db: AsyncDatabase) -> None:
    assert [batch.num_rows async for batch in db.batches(Said)] == [2]


async def frame(db: AsyncDatabase) -> None:
    assert len(await db.frame(Said)) == 2


VERBS: dict[str, Callable[[AsyncDatabase], Awaitable[Any]]] = {
    "append": lambda db: db.append(Said("b", 1), id="once"),
    "table": table,
    "forget": lambda db: db.forget(db.db.table("people").row("p-1"), message="asked"),
    "execute": lambda db: db.execute(say(Talk("a"), 3), id="said"),
    "atomic": atomic,
    "preview": lambda db: db.preview(say(Talk("a"), 3)),
    "load": lambda db: db.load(Talk("a")),
    "see": lambda db: db.see(Talk("a")),
    "spec": lambda db: db.spec(Talk("a")),
    "store_id": lambda db: db.store_id(),
    "head": lambda db: db.head(),
    "point": lambda db: db.point("main~1"),
    "branch": lambda db: db.branch("other"),
    "switch": lambda db: db.switch("main"),
    "mark": lambda db: db.mark("here"),
    "revert": lambda db: db.revert("#1", force=True),
    "diff": lambda db: db.diff(1, 2, Talk("a")),
    "bisect": bisect,
    "turns": turns,
    "try_out": lambda db: db.try_out(say(Talk("a"), 3)),
    "read": read,
    "follow": follow,
    "given": given,
    "leave": leave,
    "subscribe": subscribe,
    "watch": watch_values,
    "commits": commits,
    "causes": linked,
    "effects": linked,
    "undone_by": linked,
    "correlated": linked,
    "unread": linked,
    "prove": lambda db: db.prove("#1"),
    "events": lambda db: db.events(1),
    "between": between,
    "backtest": lambda db: db.backtest(),
    "blame": blame,
    "why": why,
    "merge": merge,
    "cherry_pick": cherry_pick,
    "rebase": rebase,
    "what_if": what_if,
    "keep": keep,
    "context": context,
    "project": run,
    "run": run,
    "wait": run,
    "rows": run,
    "rebuild": run,
    "materialize": listing,
    "find": listing,
    "frame": frame,
    "batches": batches,
    "identities": listing,
    "types": lambda db: db.types(),
    "tags": lambda db: db.tags("room"),
}


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return SqliteStore(tmp_path / "test.db") if request.param == "sqlite" else MemoryStore()


@pytest.fixture
def watch() -> LoopWatch:
    return LoopWatch()


@pytest.fixture
async def db(store: Store, watch: LoopWatch) -> AsyncIterator[AsyncDatabase]:
    below, shared = Database(watched(store, watch)), Shared(Workers(4))
    watch.blocked.clear()  # it was opened here, and not by `connect`
    db = AsyncDatabase(below, shared)
    for author in ("ann", "bob"):
        await db.execute(say(Talk("a"), 1), author=author)
    yield db
    await shared.close(below.close)


@pytest.mark.parametrize("verb", sorted(verbs(AsyncDatabase)))
async def test_a_verb_asks_the_database_in_workers_only(
    db: AsyncDatabase, watch: LoopWatch, verb: str
) -> None:
    assert verb in VERBS, f"add {verb} to VERBS in tests/aio/test_loop.py"
    calls = watch.calls
    await VERBS[verb](db)
    assert watch.blocked == []
    assert watch.calls > calls


async def test_a_call_inside_of_the_loop_would_be_noticed(db: AsyncDatabase, watch: LoopWatch) -> None:
    db.db.head()
    assert watch.blocked == ["head"]


async def test_a_branch_that_was_deleted_takes_no_commit(db: AsyncDatabase) -> None:
    trial = await db.branch("trial")
    await db._run(db.db.branches.delete, "trial")
    with pytest.raises(BranchMoved, match="deleted"):
        await trial.execute(say(Talk("ann"), 1))
    with pytest.raises(BranchMoved, match="deleted"):
        await trial.append(Said("ann", 1))
