"""What changes is sent as it changes, by a real application, to clients that come and go."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from backstory.aio import AsyncDatabase
from backstory.contrib.starlette import streaming
from tests.contrib.fastapi.depot import Parcel, application, label
from tests.patience import until_async
from tests.web.listening import Heard, listening

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    app = application(str(tmp_path / "depot.db"), most_streams=2)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def db(app: FastAPI) -> AsyncDatabase:
    db: AsyncDatabase = app.state.history.db
    return db


async def change(db: AsyncDatabase, *labels: str) -> str:
    commit = await db.execute(label(Parcel("p-1"), list(labels)))
    assert commit is not None
    return f"{commit.position}-{commit.hash.hex()[:8]}"


async def news(heard: Heard) -> tuple[str, list[str]]:
    fields = dict(line.split(": ", 1) for line in (await heard.block()).splitlines())
    return fields["id"], json.loads(fields["data"])["labels"]


async def test_a_state_is_sent_and_sent_again_when_it_has_changed(app: FastAPI, db: AsyncDatabase) -> None:
    first = await change(db, "a")
    async with listening(app, "/parcels/p-1/live") as heard:
        assert await news(heard) == (first, ["a"])
        assert heard.headers["content-type"].startswith("text/event-stream")
        second = await change(db, "b")
        assert await news(heard) == (second, ["b"])
    async with listening(app, "/parcels/p-1/live", {"last-event-id": first}) as heard:
        assert await news(heard) == (second, ["b"])
    async with listening(app, "/parcels/p-1/live", {"last-event-id": second}) as heard:
        third = await change(db, "c")
        assert await news(heard) == (third, ["c"])


async def test_who_comes_back_from_another_history_begins_anew(app: FastAPI, db: AsyncDatabase) -> None:
    last = await change(db, "a")
    for seen in ("1-00000000", "99-0f3a9c1b", "nonsense", "-", "1", "," * 500, "\u00ff"):
        async with listening(app, "/parcels/p-1/live", {"last-event-id": seen}) as heard:
            assert await news(heard) == (last, ["a"])


async def test_nobody_follows_what_is_not_there(app: FastAPI) -> None:
    async with listening(app, "/parcels/p-9/live") as heard:
        assert heard.status == 404


async def test_so_many_follow_and_no_more_until_one_leaves(app: FastAPI, db: AsyncDatabase) -> None:
    await change(db, "a")
    async with listening(app, "/parcels/p-1/live") as one, listening(app, "/parcels/p-1/live") as two:
        await news(one)
        await news(two)
        async with listening(app, "/parcels/p-1/live") as three:
            assert (three.status, three.headers["retry-after"]) == (503, "10")
    await until_async(lambda: app.state.history.streams == 0)
    async with listening(app, "/parcels/p-1/live") as again:
        assert again.status == 200


async def test_a_comment_says_that_the_stream_is_alive(
    app: FastAPI, db: AsyncDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BEAT", 0.02)
    await change(db, "a")
    async with listening(app, "/parcels/p-1/live") as heard:
        await news(heard)
        await until_async(lambda: heard.text.count(": here") > 2)


async def test_a_stream_ends_with_the_database(tmp_path: Path) -> None:
    app = application(str(tmp_path / "depot.db"))
    async with app.router.lifespan_context(app):
        await change(app.state.history.db, "a")
        opened = listening(app, "/parcels/p-1/live")
        heard = await opened.__aenter__()
        await news(heard)
    await heard.over()
    await opened.__aexit__(None, None, None)


async def test_an_endpoint_of_ones_own_sends_events(app: FastAPI, db: AsyncDatabase) -> None:
    await change(db, "a")
    async with listening(app, "/live") as heard:
        data = json.loads((await heard.block()).partition("data: ")[2])
        assert data == {"type": "depot.labelled", "position": 1, "data": {"parcel": "p-1", "labels": ["a"]}}
