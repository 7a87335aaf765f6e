"""The shop of the examples, in browsers with the real client of Datastar."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from examples.shop.web import site
from tests.web.browser.eyes import press, seen, write
from tests.web.browser.serving import Server

CLIENT = "starhtml/static/js/datastar-core.js"


@pytest.fixture(scope="session")
def datastar(pytestconfig: pytest.Config) -> bytes:
    """Datastar's client, which a wheel on PyPI carries. It is kept for the next run, and is no part of this project."""
    folder = pytestconfig.cache.mkdir("datastar")
    kept: Path = folder / "datastar-core.js"
    if not kept.is_file():
        words = [
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--python-version",
            "3.13",
            "-d",
            str(folder),
        ]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words, "starhtml==0.7.*"], capture_output=True, check=False
        )
        found = sorted(folder.glob("starhtml-*.whl"))
        if not found:
            pytest.skip(
                f"Datastar could not be fetched, so the shop was not tested with it: {done.stderr!r:.200}"
            )
        with zipfile.ZipFile(io.BytesIO(found[-1].read_bytes())) as wheel:
            kept.write_bytes(wheel.read(CLIENT))
    return kept.read_bytes()


@pytest.fixture
def server(datastar: bytes, tmp_path: Path) -> Iterator[Server]:
    def app() -> Starlette:
        def client(request: Request) -> Response:
            return Response(datastar, media_type="text/javascript")

        shop = site(str(tmp_path / "shop.db"), datastar="/datastar.js")
        routes = [Route("/datastar.js", client), Mount("/", shop)]
        return Starlette(routes=routes, lifespan=shop.router.lifespan_context)

    server = Server(app)
    server.start()
    yield server
    server.stop()


def test_what_one_browser_does_all_others_see(browser: Chrome, another: Chrome, server: Server) -> None:
    browser.get(server.url("/carts/ann"))
    another.get(server.url("/carts/bob"))
    seen(another, "pot 1")
    browser.execute_script("window.same = true")
    press(browser, "#stock-2 button")
    seen(browser, "1 pot")
    seen(browser, "sold out")
    seen(another, "sold out")
    assert "is empty" in another.page_source
    assert browser.execute_script("return window.same"), "the page was loaded again"
    another.get(server.url("/carts/ann"))
    seen(another, "1 pot")
    press(browser, "#stock-3 button")
    seen(another, "1 tea")


def test_an_order_is_paid_and_both_see_it(browser: Chrome, another: Chrome, server: Server) -> None:
    browser.get(server.url("/carts/ann"))
    press(browser, "#stock-3 button")
    seen(browser, "1 tea")
    write(browser, "email", "ann@example.com")
    press(browser, "#cart form button")
    seen(browser, "Order ann-1")
    for each in browser, another:
        each.get(server.url("/orders/ann-1"))
        seen(each, "4.50 €, open")
    write(browser, "card", "visa")
    press(browser, "#order button")
    seen(another, "4.50 €, paid")
    seen(browser, "4.50 €, paid")
    browser.get(server.url("/history/log"))
    seen(browser, "order.paid")


def test_a_browser_comes_back_after_the_server_was_started_again(
    browser: Chrome, another: Chrome, server: Server
) -> None:
    browser.get(server.url("/carts/ann"))
    press(browser, "#stock-1 button")
    seen(browser, "1 cup")
    server.stop()
    server.start()
    another.get(server.url("/carts/ann"))
    press(another, "#stock-1 button")
    seen(another, "2 cup")
    seen(browser, "2 cup")
