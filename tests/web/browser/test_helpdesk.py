"""The helpdesk of the examples, in browsers with the real client of Datastar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from starlette.requests import Request
from starlette.responses import Response

from examples.helpdesk import pages
from examples.helpdesk.app import app
from examples.helpdesk.history import history
from tests.web.browser.eyes import press, seen, until, value, write
from tests.web.browser.serving import Server
from tests.web.browser.test_shop import datastar

__all__ = ["datastar"]


@pytest.fixture
def server(datastar: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(history, "address", str(tmp_path / "helpdesk.db"))
    monkeypatch.setitem(pages.html.globals, "datastar", "/datastar.js")

    async def client(request: Request) -> Response:
        return Response(datastar, media_type="text/javascript")

    site = FastAPI(lifespan=app.router.lifespan_context)
    site.add_route("/datastar.js", client)
    site.mount("/", app)
    server = Server(lambda: site)
    server.start()
    yield server
    server.stop()


def come_in(browser: Chrome, server: Server, name: str) -> None:
    browser.get(server.url("/"))
    write(browser, "name", name)
    press(browser, "header button")
    seen(browser, "Change")  # the button of who has come in: what else the page says, it said before


def test_what_one_asks_another_one_sees_takes_and_answers(
    browser: Chrome, another: Chrome, server: Server
) -> None:
    come_in(browser, server, "Ann")
    come_in(another, server, "Mia")
    browser.execute_script("window.same = true")
    write(browser, "subject", "No light")
    write(browser, "words", "It is dark.")
    press(browser, "#ask button")
    for each in browser, another:
        seen(each, "No light")
    until(lambda: value(browser, "words") == "")
    assert browser.execute_script("return window.same"), "the page was loaded again"
    for each in browser, another:
        press(each, "No light", By.LINK_TEXT)
        seen(each, "It is dark.")
    press(another, ".actions button")
    seen(browser, "Mia works on it")
    write(browser, "words", "Thank you!")  # half-written, when the page changes
    write(another, "words", "I come at eight.")
    press(another, "#reply button")
    seen(browser, "I come at eight.")
    assert value(browser, "words") == "Thank you!"
    press(browser, "#reply button")
    seen(another, "Thank you!")
    write(browser, "words", "One more")
    press(another, ".actions button")
    for each in browser, another:
        seen(each, "solved")
    assert browser.find_element(By.NAME, "words").is_displayed(), "a half-written reply is gone"
    assert not another.find_element(By.NAME, "words").is_displayed()
