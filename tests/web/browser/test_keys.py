"""The keyboard, and the slider of an entity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstory import Database, connect
from backstory.web import pages
from examples.refunds.events import StockReserved
from tests.web.browser.conftest import Serve
from tests.web.browser.eyes import END, ENTER, HOME, LEFT, RIGHT, Eyes

EVENTS = 10_000


def test_the_list_is_walked_with_keys_and_a_commit_is_opened(browser: Eyes, serve: Serve) -> None:
    browser.look()
    browser.open(serve().url("/log"))
    focused = "return document.activeElement.closest('[data-position]')?.dataset.position"
    rows = browser.run(
        "return [...document.querySelectorAll('[data-position]')].map(row => row.dataset.position)"
    )
    browser.press("j")
    assert browser.run(focused) == rows[0]
    browser.press("j", "j", "k")
    assert browser.run(focused) == rows[1]
    browser.press(ENTER)
    browser.wait(lambda: f"/c/{rows[1]}" in browser.driver.current_url)


def test_search_is_a_key_away_and_letters_in_it_are_letters(browser: Eyes, serve: Serve) -> None:
    browser.open(serve().url("/log"))
    browser.press("/")
    assert browser.run("return document.activeElement.name") == "q"
    browser.press("j", "?")
    assert browser.run("return document.activeElement.value") == "j?"


def test_the_keys_are_listed_and_can_be_turned_off(browser: Eyes, serve: Serve) -> None:
    url = serve().url("/log")
    browser.open(url)
    browser.press("?")
    assert "Next in the list" in browser.text("#keys")
    assert browser.barriers() == []
    browser.driver.find_element("css selector", "#keys input").click()
    browser.open(url)
    browser.press("/")
    assert browser.run("return document.activeElement.name") != "q"
    browser.run("localStorage.clear()")


def test_the_scheme_is_chosen_and_kept(browser: Eyes, serve: Serve) -> None:
    url = serve().url("/log")
    browser.look("wide", "light")
    browser.open(url)
    background = "return getComputedStyle(document.documentElement).backgroundColor"
    light = browser.run(background)
    button = browser.driver.find_element("css selector", "[data-do=scheme]")
    button.click()
    button.click()
    dark = browser.run(background)
    browser.open(url)
    assert browser.run(background) == dark != light
    browser.run("localStorage.clear()")


@pytest.fixture
def much(tmp_path: Path) -> Iterator[Database]:
    """An item with ten thousand events."""
    with connect(tmp_path / "much.db") as db:
        for start in range(0, EVENTS, 500):
            db.append(
                *(StockReserved("pen", f"o-{start + each}", 1) for each in range(500)), author="warehouse"
            )
        yield db


@pytest.mark.skipif("e" not in pages.PAGES, reason="there is no page of entities yet")
def test_the_slider_has_a_name_and_a_value_in_words_and_goes_over_ten_thousand_events(
    browser: Eyes, serve: Serve, much: Database
) -> None:
    browser.look()
    browser.open(serve(much).url("/e/Item/pen"))
    slider = browser.driver.find_element("css selector", "input[type=range]")
    assert slider.accessible_name
    said = "return document.querySelector('input[type=range]').getAttribute('aria-valuetext')"
    first = browser.run(said)
    assert "StockReserved" in first
    slider.send_keys(LEFT)
    assert browser.run(said) != first
    slider.send_keys(RIGHT)
    assert browser.run(said) == first
    slider.send_keys(HOME)
    assert browser.run(said) != first
    slider.send_keys(END)
    assert browser.run(said) == first
    assert browser.complaints() == []


@pytest.mark.skipif("e" not in pages.PAGES, reason="there is no page of entities yet")
def test_an_entity_is_walked_event_by_event(browser: Eyes, serve: Serve) -> None:
    browser.look()
    browser.open(serve().url("/e/Order/o-1042"))
    said = "return document.querySelector('input[type=range]').getAttribute('aria-valuetext')"
    last = browser.run(said)
    browser.press("[")
    assert browser.run(said) != last
    browser.press("]")
    assert browser.run(said) == last
    state = browser.text("table.state")
    assert "8450" in state
    browser.press("[")
    assert "9350" in browser.text("table.state")
