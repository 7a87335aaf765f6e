"""Live in a real browser: what is appended is seen, and a server that was away takes nothing with it."""

from __future__ import annotations

import importlib.util

import pytest

from backstory import Database
from examples.refunds.order import Order, add_note
from tests.web.browser.conftest import Serve
from tests.web.browser.eyes import Eyes, press, until

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("backstory.web.stream") is None, reason="there is no stream yet"
)

NEW = (
    "return document.querySelector('.arrivals')?.hidden ? '' : document.querySelector('.arrivals').innerText"
)
WORDS = "return document.querySelector('[data-live-words]').textContent"


def note(db: Database, text: str) -> None:
    db.execute(add_note(Order("o-1042"), text), author="lea", message=text)


def test_what_is_appended_is_counted_and_let_in_when_asked(eyes: Eyes, serve: Serve, own: Database) -> None:
    eyes.look()
    eyes.open(serve(own).url("/log"))
    until(lambda: eyes.run(WORDS) == "Live")
    eyes.press("j")  # the focus is in the list: nothing comes in by itself
    before = eyes.run("return document.querySelectorAll('[data-position]').length")
    note(own, "she called again")
    until(lambda: "1 new" in eyes.run(NEW))
    note(own, "and again")
    until(lambda: "2 new" in eyes.run(NEW))
    assert "she called again" not in eyes.text()
    assert eyes.run("return document.querySelectorAll('[data-position]').length") == before
    assert eyes.barriers() == []
    press(eyes.driver, ".arrivals a")
    until(lambda: "she called again" in eyes.text() and "and again" in eyes.text())
    until(lambda: "and again" in eyes.run("return document.activeElement.textContent"))
    assert eyes.complaints() == []


def test_a_page_that_nobody_touches_follows(eyes: Eyes, serve: Serve, own: Database) -> None:
    eyes.open(serve(own).url("/log"))
    until(lambda: eyes.run(WORDS) == "Live")
    note(own, "by itself")
    until(lambda: "by itself" in eyes.text())


def test_a_server_that_was_away_has_lost_nothing(eyes: Eyes, serve: Serve, own: Database) -> None:
    served = serve(own)
    eyes.open(served.url("/log"))
    until(lambda: eyes.run(WORDS) == "Live")
    eyes.press("j")
    served.stop()
    until(lambda: eyes.run(WORDS).startswith("Lost"))
    for number in range(7):
        note(own, f"while it was away, {number}")
    served.start()
    until(lambda: "7 new" in eyes.run(NEW))
    assert eyes.run(WORDS) == "Live"
    press(eyes.driver, ".arrivals a")
    until(lambda: all(f"away, {number}" in eyes.text() for number in range(7)))
    eyes.complaints()


def test_what_is_paused_is_counted_only(eyes: Eyes, serve: Serve, own: Database) -> None:
    eyes.open(serve(own).url("/log"))
    until(lambda: eyes.run(WORDS) == "Live")
    eyes.press("p")
    assert eyes.run(WORDS) == "Paused"
    note(own, "not yet")
    until(lambda: "1 new" in eyes.run(NEW))
    assert "not yet" not in eyes.text()
