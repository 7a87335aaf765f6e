"""Live, in a real browser, rule by rule: what arrives waits while somebody reads, and comes in where nobody does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By

from backstory import Database, connect
from backstory.web import Reader, app
from backstory.web.app import Browser
from tests.state.bank import Deposited
from tests.web.browser.eyes import press, until
from tests.web.browser.serving import Server
from tests.web.test_models import BANK


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with connect(tmp_path / "bank.db") as db:
        for number in range(60):
            db.append(Deposited(f"a-{number % 7}", number + 1), author="ann")
        yield db


@pytest.fixture
def server(db: Database) -> Iterator[Server]:
    def pages() -> Browser:
        return app(db, actor=lambda request: Reader("mia"))

    server = Server(pages)
    server.start()
    yield server
    server.stop()


def shown(browser: Chrome) -> list[int]:
    """The positions of the rows."""
    script = "return [...document.querySelectorAll('.commit-row')].map((row) => +row.dataset.position)"
    return list(browser.execute_script(script))


def waiting(browser: Chrome) -> str:
    """What the button says; empty where it is hidden."""
    return str(browser.find_element(By.CSS_SELECTOR, ".arrivals").text)


def words(browser: Chrome) -> str:
    return str(browser.find_element(By.CSS_SELECTOR, "[data-live-words]").text)


def later(browser: Chrome) -> None:
    """Let the page believe that more than 5 s have passed, and give it two looks at what waits."""
    browser.execute_script("const now = Date.now; Date.now = () => now.call(Date) + 6000;")
    time.sleep(1.2)


def opened(browser: Chrome, address: str) -> None:
    """Open a page, which for itself was touched now until `later`: on a busy machine 5 s pass at any moment."""
    browser.get(address)
    browser.execute_script(
        "const now = Date.now(); Date.now = () => now; dispatchEvent(new Event('pointermove'))"
    )
    until(lambda: words(browser) == "Live")


def test_what_arrives_is_counted_and_comes_in_when_it_is_asked_for(
    browser: Chrome, server: Server, db: Database
) -> None:
    opened(browser, server.url("/log"))
    for _ in range(3):
        db.append(Deposited("new", 1))
    until(lambda: waiting(browser) == "3 new")
    assert shown(browser) == list(range(60, 10, -1))
    press(browser, "[data-do=arrivals]")
    until(lambda: shown(browser) == list(range(63, 10, -1)))
    assert waiting(browser) == ""
    focused = "return document.activeElement.closest('.commit-row').dataset.position"
    assert browser.execute_script(focused) == "63"
    heads = browser.find_elements(By.CSS_SELECTOR, ".branch-label.is-head")
    assert [each.text for each in heads] == ["main"]


def test_at_the_very_top_rows_come_in_by_themselves_and_never_while_it_is_paused(
    browser: Chrome, server: Server, db: Database
) -> None:
    opened(browser, server.url("/log"))
    pause = browser.find_element(By.CSS_SELECTOR, "[data-do=pause]")
    pause.click()
    browser.execute_script("document.activeElement.blur()")
    db.append(Deposited("new", 1))
    until(lambda: waiting(browser) == "1 new")
    assert words(browser) == "Paused"
    later(browser)
    assert shown(browser)[0] == 60
    pause.click()
    later(browser)
    until(lambda: shown(browser)[0] == 61)


def test_nothing_comes_in_under_the_pointer_or_the_focus(
    browser: Chrome, server: Server, db: Database
) -> None:
    opened(browser, server.url("/log"))
    row = browser.find_element(By.CSS_SELECTOR, ".commit-row")
    ActionChains(browser).move_to_element(row).perform()
    db.append(Deposited("new", 1))
    until(lambda: waiting(browser) == "1 new")
    later(browser)
    assert shown(browser)[0] == 60


def test_the_log_that_is_filtered_counts_matches_only(browser: Chrome, server: Server, db: Database) -> None:
    opened(browser, server.url("/log?tag=account:a-1"))
    db.append(Deposited("other", 1))
    db.append(Deposited("a-1", 1))
    until(lambda: waiting(browser) != "")
    assert waiting(browser) == "1 new"


def test_a_page_that_does_not_change_by_itself_says_how_much_is_newer(
    browser: Chrome, server: Server, db: Database
) -> None:
    opened(browser, server.url("/log?before=30"))
    db.append(Deposited("new", 1))
    newer = browser.find_element(By.CSS_SELECTOR, ".live [data-count]")
    until(lambda: newer.text == "main has gone on by 1: ask again")


def test_a_commit_is_seen_without_asking_again(browser: Chrome, server: Server, db: Database) -> None:
    """How soon it is seen, `benchmarks/web.py` measures: here a stream is told from asking again and again."""
    opened(browser, server.url("/log"))
    asked = "return performance.getEntriesByType('resource').length"
    before = browser.execute_script(asked)
    for number in range(1, 6):
        db.append(Deposited("new", 1))
        until(lambda: waiting(browser).startswith(f"{number} "))  # noqa: B023 - it is called here
    assert browser.execute_script(asked) == before


def test_numbers_of_read_models_change_where_they_stand(browser: Chrome, tmp_path: Path) -> None:
    with connect(tmp_path / "shop.db") as db:
        db.append(Deposited("a", 1))
        server = Server(lambda: app(db, BANK, actor=lambda request: Reader("mia")))
        server.start()
        opened(browser, server.url("/models"))
        browser.execute_script("window.same = document.querySelector('tbody tr')")
        behind = browser.find_element(By.CSS_SELECTOR, "[data-fresh='balances.0.behind']")
        assert behind.text.startswith("1 event")
        db.append(Deposited("a", 1))
        until(lambda: behind.text.startswith("2 events"))
        assert browser.execute_script("return window.same === document.querySelector('tbody tr')")
        server.stop()
