"""A store that takes no writes for a while: those who read go on reading, and no more wait than can be served."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest
from starlette.testclient import TestClient

from backstory import connect
from backstory.hosts import Forbidden
from backstory.web import actions, app
from backstory.web.site import ACTING, WAITING
from tests.patience import PATIENCE
from tests.web.conftest import ALL, Site

SECRET = b"s" * 32


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def asked(browser: Any, method: str, path: str, body: bytes = b"", cookie: str = "") -> int:
    """The status of the answer."""
    status: list[int] = []
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        while not sent:
            await anyio.sleep_forever()
        return sent.pop()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    headers = [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await browser(scope, receive, send)
    return status[0]


@pytest.mark.anyio
async def test_actions_that_wait_for_the_store_hold_no_page_and_are_refused_when_too_many_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect("memory:")
    page: TestClient = site(db, secret=SECRET)
    text = page.get("/act/mark").text
    token = text.partition('name="token" value="')[2].partition('"')[0]
    cookie = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    browser = app(db, actor=lambda request: ALL, secret=SECRET)
    unlocked = threading.Event()

    def locked(ask: Any, form: Any) -> Any:
        def wait() -> Any:
            assert unlocked.wait(PATIENCE)
            raise Forbidden("done")

        return wait

    monkeypatch.setattr(actions, "find", locked)
    form = urlencode({"token": token}).encode()
    found: list[int] = []

    async def act() -> None:
        found.append(await asked(browser, "POST", "/act/mark", form, cookie))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for _ in range(ACTING + WAITING):
                group.start_soon(act)
            threads = browser.site.action_threads
            while threads.statistics().tasks_waiting < WAITING:  # noqa: ASYNC110 - a limiter tells nobody
                await anyio.sleep(0.01)
            assert await asked(browser, "GET", "/log") == 200
            assert await asked(browser, "POST", "/act/mark", form, cookie) == 503
            assert not found
            unlocked.set()
    assert found == [403] * (ACTING + WAITING)
