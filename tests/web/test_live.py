"""Live: what has come since a page was made, as a stream."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from backstory import Database, connect
from backstory.aio import over
from backstory.application import Application
from backstory.scope import Scope
from backstory.web import Reader, app, stream
from backstory.web.app import Browser
from backstory.web.guard import HEADERS
from tests.state.bank import Account, Deposited, deposit, withdraw
from tests.web.conftest import Site
from tests.web.listening import listening

pytestmark = pytest.mark.anyio

BANK = Application("bank", (), (Account,), ())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with connect(tmp_path / "bank.db") as db:
        db.execute(deposit(Account("a"), 500), author="ann")
        yield db


@pytest.fixture
async def browser(db: Database) -> AsyncIterator[Browser]:
    browser = app(db, actor=lambda request: Reader("mia"))
    yield browser
    await browser.close()


async def test_a_commit_is_told_with_its_position_as_the_id(db: Database, browser: Browser) -> None:
    async with listening(browser, "/live?after=1") as heard:
        assert heard.headers["content-type"].startswith("text/event-stream")
        await anyio.to_thread.run_sync(lambda: db.execute(deposit(Account("b"), 1)))
        expected = {"count": 1, "position": 2, "commits": [2], "tags": ["account:b"]}
        assert await heard.news() == (2, expected)


async def test_every_header_of_a_page_is_there(browser: Browser) -> None:
    async with listening(browser, "/live") as heard:
        for name, value in HEADERS.items():
            assert heard.headers[name.lower()] == value


async def test_one_who_comes_back_has_missed_nothing(db: Database, browser: Browser) -> None:
    for _ in range(3):
        db.execute(deposit(Account("a"), 1))
    async with listening(browser, "/live?after=1", {"last-event-id": "2"}) as heard:
        position, news = await heard.news()
        assert (position, news["count"], news["commits"]) == (4, 2, [3, 4])


async def test_many_commits_between_two_sends_are_one_event(db: Database, browser: Browser) -> None:
    async with listening(browser, "/live?after=1") as heard:
        heard.slow()
        for _ in range(300):
            db.append(Deposited("b", 1))
        heard.open.set()
        told, count, position = [], 0, 0
        while position < 301:
            position, news = await heard.news()
            told.append(news)
            count += news["count"]
        assert count == 300
        assert len(told) < 30
        assert max(len(news["commits"]) for news in told) <= stream.NAMED


async def test_the_server_filters(db: Database, browser: Browser) -> None:
    address = "/live?after=1&tag=account:b&author=bob"
    async with listening(browser, address) as heard:
        db.execute(deposit(Account("a"), 1), author="bob")
        db.execute(deposit(Account("b"), 1), author="ann")
        wanted = db.execute(deposit(Account("b"), 1), author="bob")
        assert wanted is not None
        _, news = await heard.news()
        assert news["commits"] == [wanted.position]


async def test_a_stream_of_an_entity_is_of_all_that_its_state_reads_and_nothing_else(db: Database) -> None:
    browser = app(db, BANK, actor=lambda request: Reader("mia"))
    for of in "Account/a", "account:a":
        after = db.head().position
        async with listening(browser, f"/live?after={after}&of={of}") as heard:
            db.execute(deposit(Account("b"), 1))
            wanted = db.execute(deposit(Account("a"), 1))
            assert wanted is not None
            _, news = await heard.news()
            assert news["commits"] == [wanted.position]
    await browser.close()


@pytest.mark.parametrize(("of", "status"), [("Nothing/x", 404), ("Account", 404), ("account", 404)])
def test_an_entity_that_is_none_has_no_stream(db: Database, of: str, status: int) -> None:
    client = TestClient(app(db, BANK, actor=lambda request: Reader("mia")), base_url="http://127.0.0.1")
    assert client.get("/live", params={"of": of}).status_code == status


async def test_a_stream_is_of_the_branch_that_is_looked_at(db: Database, browser: Browser) -> None:
    db.branch("q3")
    async with listening(browser, "/live?at=q3&after=1") as heard:
        db.append(Deposited("main", 1))
        db.switch("q3").append(Deposited("q3", 1))
        _, news = await heard.news()
        assert news["tags"] == ["account:q3"]


async def test_a_branch_that_was_moved_is_told(db: Database, browser: Browser) -> None:
    q3 = db.branch("q3")
    q3.append(Deposited("q3", 1))
    async with listening(browser, "/live?at=q3&after=2") as heard:
        db.append(Deposited("main", 1))
        q3.rebase("main")
        await heard.block("event: moved")
        await heard.over()


@pytest.mark.parametrize(
    "query",
    [
        "at=1",
        "at=nothing",
        "after=x",
        "after=-1",
        "after=" + "9" * 30,
        "since=never",
        "S=balance=1",
    ],
)
async def test_a_wrong_question_is_answered_as_one(db: Database, site: Site, query: str) -> None:
    assert 400 <= site(db).get(f"/live?{query}").status_code < 500


async def test_a_position_that_is_not_there_yet_is_of_another_history(browser: Browser) -> None:
    async with listening(browser, "/live?after=77") as heard:
        await heard.block("event: moved")


async def test_nobody_hears_what_nobody_may_read(db: Database, site: Site) -> None:
    assert site(db, reader=None).get("/live").status_code == 403


async def test_it_ends_when_the_server_stops(browser: Browser) -> None:
    async with listening(browser, "/live") as heard, listening(browser, "/live") as other:
        await browser.close()
        await heard.over()
        await other.over()
    async with listening(browser, "/live") as late:
        assert late.status == 503


async def test_it_ends_when_the_store_is_closed(
    db: Database, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.05)
    async with listening(browser, "/live") as heard:
        db.close()
        await heard.over()


async def test_it_says_that_it_is_alive_and_ends_after_a_while(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.01)
    monkeypatch.setattr(stream, "LONGEST", 0.2)
    async with listening(browser, "/live") as heard:
        await heard.block("event: here")
        await heard.block("event: here")
        await heard.block("event: again")
        await heard.over()


async def test_a_hundred_readers_cost_no_thread_each(db: Database, browser: Browser) -> None:
    before, extra = threading.active_count(), 0
    heard_all = []
    async with anyio.create_task_group() as group:

        async def listen() -> None:
            async with listening(browser, "/live?after=1") as heard:
                heard_all.append(await heard.news())

        for _ in range(100):
            group.start_soon(listen)
        await anyio.sleep(0.5)
        extra = threading.active_count() - before
        db.append(Deposited("b", 1))
    assert len(heard_all) == 100
    assert extra <= stream.THREADS + 45  # anyio's own threads for pages, of which there are at most 40


async def test_a_stream_is_of_the_readers_scope(db: Database) -> None:
    scope = Scope(tags=("account:b",))
    seen = app(db, actor=lambda request: Reader("eve", scope=scope))
    async with listening(seen, "/live?after=1") as heard:
        db.append(Deposited("a", 1))
        db.append(Deposited("b", 1))
        _, news = await heard.news()
        assert news["tags"] == ["account:b"]
    await seen.close()


@pytest.mark.parametrize("query", ["tag=account:a", "tag=account:b&tag=account:a"])
async def test_a_question_outside_of_the_scope_is_refused(db: Database, site: Site, query: str) -> None:
    eve = Reader("eve", scope=Scope(tags=("account:b",)))
    assert site(db, reader=eve).get(f"/live?{query}").status_code == 403


def test_the_log_says_where_to_listen_and_what_is_newer_than_it(db: Database, site: Site) -> None:
    client = site(db)
    page = client.get("/log?type=test.deposited").text
    assert 'data-live="/live?after=1&amp;type=test.deposited"' in page
    assert 'data-log="/log?type=test.deposited" data-upto="1"' in page
    db.execute(withdraw(Account("a"), 1))
    newer = client.get("/log?after=1").text
    assert newer.count('class="commit-row"') == 1
    assert "Nothing is newer than #2" in client.get("/log?after=2").text


def test_a_page_about_the_past_does_not_listen(db: Database, site: Site) -> None:
    db.append(Deposited("b", 1))
    client: TestClient = site(db)
    assert "data-live=" not in client.get("/log?at=1").text
    assert "data-log=" not in client.get("/log?before=2").text


async def test_two_readers_who_come_first_at_once_share_their_waiting(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def slow(*given: Any) -> Any:
        time.sleep(0.1)
        made.append(over(*given))
        return made[-1]

    async def hear() -> None:
        async with listening(browser, "/live") as heard:
            await heard.block("event: here")

    monkeypatch.setattr("backstory.web.stream.over", slow)
    async with anyio.create_task_group() as group:
        group.start_soon(hear)
        group.start_soon(hear)
    assert len(made) == 1
