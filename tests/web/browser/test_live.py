"""Live in a real browser: what is appended is seen, and a server that was away takes nothing with it."""

from __future__ import annotations

import importlib.util

import pytest

from backstory import Database
from examples.refunds.order import Order, add_note
from tests.web.browser.conftest import Serve
from tests.web.browser.eyes import Eyes

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("backstory.web.stream") is None, reason="there is no stream yet"
)

NEW = (
    "return document.querySelector('.arrivals')?.hidden ? '' : document.querySelector('.arrivals').innerText"
)
WORDS = "return document.querySelector('[data-live-words]').textContent"


def note(db: Database, text: str) -> None:
    db.execute(add_note(Order("o-1042"), text), author="lea", message=text)


def test_what_is_appended_is_counted_and_let_in_when_asked(
    browser: Eyes, serve: Serve, own: Database
) -> None:
    browser.look()
    browser.open(serve(own).url("/log"))
    browser.wait(lambda: browser.run(WORDS) == "Live")
    browser.press("j")  # the focus is in the list: nothing comes in by itself
    before = browser.run("return document.querySelectorAll('[data-position]').length")
    note(own, "she called again")
    browser.wait(lambda: "1 new" in browser.run(NEW))
    note(own, "and again")
    browser.wait(lambda: "2 new" in browser.run(NEW))
    assert "she called again" not in browser.text()
    assert browser.run("return document.querySelectorAll('[data-position]').length") == before
    assert browser.barriers() == []
    browser.driver.find_element("css selector", ".arrivals a").click()
    browser.wait(lambda: "she called again" in browser.text() and "and again" in browser.text())
    browser.wait(lambda: "and again" in browser.run("return document.activeElement.textContent"))
    assert browser.complaints() == []


def test_a_page_that_nobody_touches_follows(browser: Eyes, serve: Serve, own: Database) -> None:
    browser.open(serve(own).url("/log"))
    browser.wait(lambda: browser.run(WORDS) == "Live")
    note(own, "by itself")
    browser.wait(lambda: "by itself" in browser.text())


def test_a_server_that_was_away_has_lost_nothing(browser: Eyes, serve: Serve, own: Database) -> None:
    served = serve(own)
    browser.open(served.url("/log"))
    browser.wait(lambda: browser.run(WORDS) == "Live")
    browser.press("j")
    served.stop()
    browser.wait(lambda: browser.run(WORDS).startswith("Lost"))
    for number in range(7):
        note(own, f"while it was away, {number}")
    served.start()
    browser.wait(lambda: "7 new" in browser.run(NEW))
    assert browser.run(WORDS) == "Live"
    browser.driver.find_element("css selector", ".arrivals a").click()
    browser.wait(lambda: all(f"away, {number}" in browser.text() for number in range(7)))
    browser.complaints()


def test_what_is_paused_is_counted_only(browser: Eyes, serve: Serve, own: Database) -> None:
    browser.open(serve(own).url("/log"))
    browser.wait(lambda: browser.run(WORDS) == "Live")
    browser.press("p")
    assert browser.run(WORDS) == "Paused"
    note(own, "not yet")
    browser.wait(lambda: "1 new" in browser.run(NEW))
    assert "not yet" not in browser.text()
