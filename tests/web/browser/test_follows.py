"""The page of an entity, live: what is newer is a number and a tick, and nothing moves under the hand."""

from __future__ import annotations

import re

import pytest
from selenium.webdriver import ActionChains

from backstory import Database
from examples.refunds.events import AddressCorrected, NoteAdded, StockReserved
from tests.web.browser.conftest import Serve
from tests.web.browser.eyes import LEFT, Eyes, press, until

PAGE = "/e/Order/o-1042"
SLIDER = "input[type=range]"
LONG_AGO = "const now = Date.now; Date.now = () => now.call(Date) + 6000;"
"""Lets the page believe that more than 5 s have passed since somebody touched it."""


def change(db: Database, order: str = "o-1042") -> None:
    db.append(AddressCorrected(order, f"Lane {db.head().position}"), author="lea")


def opened(eyes: Eyes, url: str) -> None:
    eyes.look()
    eyes.open(url)
    until(lambda: eyes.run("return document.querySelector('[data-live-words]').textContent") == "Live")


def said(eyes: Eyes) -> tuple[str, int, int]:
    """What the slider says: the event, its number, and of how many."""
    words = eyes.run(f"return document.querySelector('{SLIDER}').getAttribute('aria-valuetext')")
    event, number, of = re.fullmatch(r"(.*), (\d+) of (\d+)", words).groups()  # type: ignore[union-attr]
    return event, int(number), int(of)


def ticks(eyes: Eyes) -> int:
    return int(eyes.run("return document.querySelectorAll('.ticks g').length"))


def newer(eyes: Eyes) -> str:
    """What the link to newer events says; empty where it is hidden."""
    return eyes.text(".scrubber [data-count]")


def test_at_head_and_untouched_it_follows(eyes: Eyes, serve: Serve, own: Database) -> None:
    opened(eyes, serve(own).url(PAGE))
    _, number, of = said(eyes)
    assert number == of
    eyes.run(LONG_AGO)
    change(own)
    until(lambda: said(eyes)[1:] == (of + 1, of + 1))
    assert said(eyes)[0].startswith(f"#{own.head().position} ")
    assert (ticks(eyes), newer(eyes)) == (of + 1, "")
    assert f"{of + 1} events in" in eyes.text(".page-head")
    assert f"#{own.head().position}" in eyes.text(".timeline .is-chosen")
    assert f"State after #{own.head().position}" in eyes.text("[data-part=state]")
    assert "at=" not in eyes.driver.current_url
    assert eyes.complaints() == []


def test_the_thumb_stays_on_the_chosen_event_and_what_is_newer_is_a_tick_and_a_number(
    eyes: Eyes, serve: Serve, own: Database
) -> None:
    opened(eyes, serve(own).url(PAGE))
    eyes.press("[", "[")
    event, number, of = said(eyes)
    state = eyes.text("table.state")
    eyes.run(LONG_AGO)
    change(own, "o-1043")
    own.append(NoteAdded("o-1042", "no change of an order"))
    change(own)
    until(lambda: newer(eyes) == "1 newer" and ticks(eyes) == of + 1)
    change(own)
    until(lambda: newer(eyes) == "2 newer" and ticks(eyes) == of + 2)
    assert said(eyes) == (event, number, of + 2)
    assert eyes.text("table.state") == state
    eyes.press("]")
    assert said(eyes)[1:] == (number + 1, of + 2)
    assert eyes.barriers() == []
    press(eyes.driver, ".scrubber [data-count]")
    until(lambda: said(eyes)[1:] == (of + 2, of + 2))
    assert newer(eyes) == ""
    assert eyes.complaints() == []


def test_who_came_to_an_event_of_the_past_is_told_too(eyes: Eyes, serve: Serve, own: Database) -> None:
    served = serve(own)
    opened(eyes, served.url(PAGE))
    _, _, of = said(eyes)
    eyes.press("[")
    event = said(eyes)[0]
    position = re.findall(r"#(\d+)", event)[0]
    opened(eyes, served.url(f"{PAGE}?at={position}"))
    eyes.run(LONG_AGO)
    change(own)
    until(lambda: newer(eyes) == "1 newer" and ticks(eyes) == of + 1)
    assert said(eyes)[0] == event


def test_at_head_one_who_has_just_touched_it_is_told_and_then_taken_along(
    eyes: Eyes, serve: Serve, own: Database
) -> None:
    opened(eyes, serve(own).url(PAGE))
    event, _, of = said(eyes)
    eyes.run("const now = Date.now(); Date.now = () => now; dispatchEvent(new Event('pointerdown'))")
    change(own)
    until(lambda: newer(eyes) == "1 newer" and ticks(eyes) == of + 1)
    assert said(eyes) == (event, of, of + 1)
    eyes.run("Date.now = () => 1e13")
    until(lambda: said(eyes)[1:] == (of + 1, of + 1))


def test_ticks_wait_until_the_slider_is_let_go(eyes: Eyes, serve: Serve, own: Database) -> None:
    opened(eyes, serve(own).url(PAGE))
    before = ticks(eyes)
    slider = eyes.driver.find_element("css selector", SLIDER)
    ActionChains(eyes.driver).click_and_hold(slider).perform()
    chosen = said(eyes)
    change(own)
    until(lambda: newer(eyes) == "1 newer")
    assert (ticks(eyes), said(eyes)) == (before, chosen)
    ActionChains(eyes.driver).release().perform()
    until(lambda: ticks(eyes) == before + 1)
    assert said(eyes) == (*chosen[:2], before + 1)


def test_ticks_wait_while_it_plays(eyes: Eyes, serve: Serve, own: Database) -> None:
    opened(eyes, serve(own).url(PAGE))
    before = ticks(eyes)
    eyes.press("p")
    change(own)
    until(lambda: newer(eyes) == "1 newer")
    assert ticks(eyes) == before
    eyes.press("p")
    until(lambda: ticks(eyes) == before + 1)


@pytest.mark.parametrize("part", ["[data-list] .is-chosen a", SLIDER])
def test_the_focus_stays(part: str, eyes: Eyes, serve: Serve, own: Database) -> None:
    opened(eyes, serve(own).url(PAGE))
    eyes.run("document.querySelector(arguments[0]).focus()", part)
    if part == SLIDER:
        eyes.press(LEFT)
    eyes.run("window.focused = document.activeElement")
    before = ticks(eyes)
    change(own)
    until(lambda: ticks(eyes) == before + 1)
    assert eyes.run("return document.activeElement === window.focused && focused.isConnected")


def test_of_an_entity_with_many_events_the_window_goes_on(eyes: Eyes, serve: Serve, own: Database) -> None:
    own.append(*(StockReserved("pen", f"o-{each}", 1) for each in range(2_200)), author="warehouse")
    opened(eyes, serve(own).url("/e/Item/pen"))
    _, number, of = said(eyes)
    assert number == of < 2_200
    eyes.run(LONG_AGO)
    own.append(StockReserved("pen", "o-new", 1))
    until(lambda: said(eyes)[0].startswith(f"#{own.head().position} "))
    assert said(eyes)[1:] == (of, of)
    assert newer(eyes) == ""
