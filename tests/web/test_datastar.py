"""Live parts of an application's own pages, as streams for Datastar."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from datastar_py import ServerSentEventGenerator as Events
from jinja2 import Environment
from markupsafe import escape
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backstory import Projection, Tx, aio, connect
from backstory.contrib.starlette import streaming as module
from backstory.web.live import Part, live, together
from tests.state.bank import Account, Deposited
from tests.web.listening import listening

pytestmark = pytest.mark.anyio


class Balances(Projection):
    tables = "CREATE TABLE balances (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"

    def apply(self, event: Deposited, tx: Tx) -> None:
        sql = "INSERT INTO balances VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET cents = balances.cents + ?"
        tx.execute(sql, (event.account, event.cents, event.cents))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[aio.AsyncDatabase]:
    async with aio.connect(tmp_path / "bank.db") as db:
        await db.append(Deposited("a", 500))
        yield db


def balance(account: Account) -> str:
    return f'<b id="{escape(account.account)}">\n{account.balance}</b>'


def rows(found: list[Any]) -> str:
    return f'<ul id="rows">{"".join(f"<li>{escape(name)} {cents}" for name, cents in found)}</ul>'


def serving(answer: Any) -> Starlette:
    async def endpoint(request: Request) -> Response:
        found: Response = answer(request)
        return found

    return Starlette(routes=[Route("/live", endpoint)])


async def test_an_element_is_patched_with_the_state_now_and_after_each_change(db: aio.AsyncDatabase) -> None:
    app = serving(lambda request: live(request, db, Account("a"), balance))
    async with listening(app, "/live") as heard:
        assert heard.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in heard.headers
        first = await heard.block()
        fields = first.splitlines()
        assert fields[0].startswith("id: 1-")
        assert fields[1:] == [
            "event: datastar-patch-elements",
            'data: elements <b id="a">',
            "data: elements 500</b>",
        ]
        await db.append(Deposited("b", 1))
        await db.append(Deposited("a", 1))
        assert "501</b>" in await heard.block()


async def test_a_template_and_a_coroutine_render_too(db: aio.AsyncDatabase) -> None:
    template = Environment(autoescape=True).from_string(
        '<i id="t">{{ value.account }}: {{ value.balance }}</i>'
    )

    async def slowly(account: Account) -> str:
        other = await db.load(Account("b"))
        return f'<i id="c">{account.balance} {other.balance}</i>'

    app = serving(
        lambda request: together(request, db, Part(Account("<a>"), template), Part(Account("a"), slowly))
    )
    await db.append(Deposited("<a>", 7))
    async with listening(app, "/live") as heard:
        found = {await heard.block(), await heard.block()}
        assert any('<i id="t">&lt;a&gt;: 7</i>' in each for each in found)
        assert any('<i id="c">500 0</i>' in each for each in found)


async def test_rows_of_a_projection_are_patched_when_they_are_others(db: aio.AsyncDatabase) -> None:
    sql = "SELECT account, cents FROM balances WHERE cents > ? ORDER BY account"
    app = serving(lambda request: live(request, db, Balances, rows, sql, (100,)))
    async with db.run(Balances), listening(app, "/live") as heard:
        assert "<li>a 500</ul>" in await heard.block()
        await db.append(Deposited("poor", 1))
        await db.append(Deposited("b", 300))
        assert "<li>a 500<li>b 300</ul>" in await heard.block()


async def test_a_projection_alone_tells_when_its_tables_have_moved(db: aio.AsyncDatabase) -> None:
    async def asked(place: object) -> str:
        [[count]] = await db.rows(Balances, "SELECT count(*) FROM balances")
        return f'<i id="n">{count} at {place}</i>'

    app = serving(lambda request: live(request, db, Balances, asked))
    async with db.run(Balances), listening(app, "/live") as heard:
        assert ">1 at 1-" in await heard.block()
        await db.append(Deposited("b", 300))
        assert ">2 at 2-" in await heard.block()


async def test_one_who_comes_back_gets_what_has_changed_since(db: aio.AsyncDatabase) -> None:
    app = serving(
        lambda request: together(request, db, Part(Account("a"), balance), Part(Account("b"), balance))
    )
    async with listening(app, "/live") as heard:
        await heard.block('id="a"')
        place = (await heard.block('id="b"')).splitlines()[0].removeprefix("id: ")
    await db.append(Deposited("b", 9))
    async with listening(app, "/live", {"last-event-id": place}) as heard:
        assert "9</b>" in await heard.block()
        assert len([block for block in heard.blocks if "data:" in block]) == 1


@pytest.mark.parametrize(
    "last", ["1-00000000", "77-0f3a9c1b", "nonsense", "-", "1-00000000,2-00000000", "-9"]
)
async def test_an_id_of_another_history_begins_anew(db: aio.AsyncDatabase, last: str) -> None:
    app = serving(lambda request: live(request, db, Account("a"), balance))
    async with listening(app, "/live", {"last-event-id": last}) as heard:
        assert "500</b>" in await heard.block()


async def test_a_slow_browser_gets_the_last_value_only_and_nothing_is_made_meanwhile(
    db: aio.AsyncDatabase,
) -> None:
    made = []

    def render(account: Account) -> str:
        made.append(account.balance)
        return balance(account)

    app = serving(lambda request: live(request, db, Account("a"), render))
    async with listening(app, "/live") as heard:
        await heard.block()
        heard.slow()
        for _ in range(100):
            await db.append(Deposited("a", 1))
        heard.open.set()
        while "600</b>" not in await heard.block():
            pass
        assert len(made) < 50


async def test_the_same_html_is_not_sent_twice(db: aio.AsyncDatabase) -> None:
    rich = lambda account: f'<i id="r">{account.balance >= 500}</i>'  # noqa: E731
    app = serving(lambda request: live(request, db, Account("a"), rich))
    async with listening(app, "/live") as heard:
        await heard.block()
        await db.append(Deposited("a", 1))
        await db.append(Deposited("a", -501))
        assert "False" in await heard.block()
        assert heard.text.count("True") == 1


async def test_a_part_may_send_events_of_its_own(db: aio.AsyncDatabase) -> None:
    def both(account: Account) -> list[Any]:
        return [Events.patch_signals({"cents": account.balance}), Events.remove_elements("#old")]

    app = serving(lambda request: live(request, db, Account("a"), both))
    async with listening(app, "/live") as heard:
        assert 'data: signals {"cents":500}' in await heard.block()
        assert "data: mode remove" in await heard.block()


async def test_it_ends_when_the_database_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT", 0.02)
    sync = connect()
    db = aio.over(sync)
    app = serving(lambda request: live(request, db, Account("a"), balance))
    async with listening(app, "/live") as heard:
        await heard.block()
        await heard.block(": here")
        await db.leave()
        await heard.over()
    other = aio.over(sync)
    app = serving(lambda request: live(request, other, Account("a"), balance))
    async with listening(app, "/live") as heard:
        await heard.block()
        sync.close()
        await heard.over()
    await other.leave()


async def test_a_connection_that_is_lost_leaves_nothing_behind(db: aio.AsyncDatabase) -> None:
    app = serving(lambda request: live(request, db, Account("a"), balance))
    for _ in range(3):
        async with listening(app, "/live") as heard:
            await heard.block()
    await anyio.lowlevel.checkpoint()


async def test_a_database_for_sync_code_is_refused_with_what_to_write() -> None:
    with connect() as sync, pytest.raises(TypeError, match=r"backstory\.aio\.over\(db\)"):
        live(Request({"type": "http", "headers": []}), sync, Account("a"), balance)  # type: ignore[arg-type]
