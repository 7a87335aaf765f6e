"""The keyboard, and the slider of an entity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstory import Database, connect
from backstory.web import pages
from examples.refunds.events import StockReserved
from tests.web.browser.conftest import Serve
from tests.web.browser.eyes import END, ENTER, HOME, LEFT, RIGHT, Eyes, until

EVENTS = 10_000


def test_the_list_is_walked_with_keys_and_a_commit_is_opened(eyes: Eyes, serve: Serve) -> None:
    eyes.look()
    eyes.open(serve().url("/log"))
    focused = "return document.activeElement.closest('[data-position]')?.dataset.position"
    rows = eyes.run(
        "return [...document.querySelectorAll('[data-position]')].map(row => row.dataset.position)"
    )
    eyes.press("j")
    assert eyes.run(focused) == rows[0]
    eyes.press("j", "j", "k")
    assert eyes.run(focused) == rows[1]
    eyes.press(ENTER)
    until(lambda: f"/c/{rows[1]}" in eyes.driver.current_url)


def test_search_is_a_key_away_and_letters_in_it_are_letters(eyes: Eyes, serve: Serve) -> None:
    eyes.open(serve().url("/log"))
    eyes.press("/")
    assert eyes.run("return document.activeElement.name") == "q"
    eyes.press("j", "?")
    assert eyes.run("return document.activeElement.value") == "j?"


def test_the_keys_are_listed_and_can_be_turned_off(eyes: Eyes, serve: Serve) -> None:
    url = serve().url("/log")
    eyes.open(url)
    eyes.press("?")
    assert "Next in the list" in eyes.text("#keys")
    assert eyes.barriers() == []
    eyes.driver.find_element("css selector", "#keys input").click()
    eyes.open(url)
    eyes.press("/")
    assert eyes.run("return document.activeElement.name") != "q"
    eyes.run("localStorage.clear()")


def test_the_scheme_is_chosen_and_kept(eyes: Eyes, serve: Serve) -> None:
    url = serve().url("/log")
    eyes.look("wide", "light")
    eyes.open(url)
    background = "return getComputedStyle(document.documentElement).backgroundColor"
    light = eyes.run(background)
    button = eyes.driver.find_element("css selector", "[data-do=scheme]")
    button.click()
    button.click()
    dark = eyes.run(background)
    eyes.open(url)
    assert eyes.run(background) == dark != light
    eyes.run("localStorage.clear()")


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
    eyes: Eyes, serve: Serve, much: Database
) -> None:
    eyes.look()
    eyes.open(serve(much).url("/e/Item/pen"))
    slider = eyes.driver.find_element("css selector", "input[type=range]")
    assert slider.accessible_name
    said = "return document.querySelector('input[type=range]').getAttribute('aria-valuetext')"
    first = eyes.run(said)
    assert "StockReserved" in first
    slider.send_keys(LEFT)
    assert eyes.run(said) != first
    slider.send_keys(RIGHT)
    assert eyes.run(said) == first
    slider.send_keys(HOME)
    assert eyes.run(said) != first
    slider.send_keys(END)
    assert eyes.run(said) == first
    assert eyes.complaints() == []


@pytest.mark.skipif("e" not in pages.PAGES, reason="there is no page of entities yet")
def test_an_entity_is_walked_event_by_event(eyes: Eyes, serve: Serve) -> None:
    eyes.look()
    eyes.open(serve().url("/e/Order/o-1042"))
    said = "return document.querySelector('input[type=range]').getAttribute('aria-valuetext')"
    last = eyes.run(said)
    eyes.press("[")
    assert eyes.run(said) != last
    eyes.press("]")
    assert eyes.run(said) == last
    state = eyes.text("table.state")
    assert "8450" in state
    eyes.press("[")
    assert "9350" in eyes.text("table.state")


@pytest.mark.skipif("e" not in pages.PAGES, reason="there is no page of entities yet")
@pytest.mark.parametrize("address", ["/e/Order/o-1042", "/e/order:o-1042"])
def test_links_and_the_command_follow_the_slider_as_if_the_server_had_been_asked(
    eyes: Eyes, serve: Serve, address: str
) -> None:
    links = """
        const links = [...document.querySelectorAll(".sections a, .tabs a, .choices a, .foot a, .card header a")];
        const header = document.querySelector(".address a:last-child");
        const sorted = (link) => { const url = new URL(link.href); url.searchParams.sort(); return url.href; };
        return [...links.map(sorted), header.className, header.textContent.trim(),
                document.querySelector(".terminal code").textContent];
    """
    eyes.open(serve().url(address))
    newest = eyes.run(links)
    eyes.press("[", "[")
    moved, here = eyes.run(links), eyes.run("return one('.scrubber [data-now=position]').textContent")
    assert moved != newest
    until(lambda: eyes.driver.current_url.endswith(f"?at={here.removeprefix('#')}"))
    eyes.open(eyes.driver.current_url)
    assert moved == eyes.run(links)
    eyes.press("]", "]")
    assert eyes.run(links)[:7] == newest[:7]
    assert eyes.run(links)[-1] == newest[-1]
