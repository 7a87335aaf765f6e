"""Every page in a real browser: wide and narrow, light and dark, with script and without, and for axe-core."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstory import Database
from backstory.web import pages
from tests.web.addresses import examples
from tests.web.browser.conftest import Serve
from tests.web.browser.eyes import WIDTHS, Eyes
from tests.web.story import places

PICTURES = {
    "log": "/log?patch=1",
    "entity": "/e/Order/o-1042?at={refund}",
    "commit": "/c/{refund}",
    "bisect": "/bisect?of=Order&where=refunded_cents%20%3E%20paid_cents",
    "merge": "/merge/price-review/main",
}
"""The pictures of the docs."""


def looked_at(part: str, db: Database, *, long: bool) -> list[str]:
    """The examples of a page that a browser looks at: a few, or all in a long run."""
    return examples([part], places(db))[: None if long else 2]


@pytest.mark.parametrize("part", sorted(pages.PAGES))
def test_a_page_fits_says_nothing_to_the_console_and_has_no_barrier(
    part: str, browser: Eyes, serve: Serve, db: Database, long: bool
) -> None:
    served = serve()
    for address in looked_at(part, db, long=long):
        for width in WIDTHS:
            for scheme in "light", "dark":
                browser.look(width, scheme)
                browser.open(served.url(address))
                assert browser.complaints() == [], (address, width, scheme)
                assert browser.overflow() <= 0, (
                    f"{address} is {browser.overflow()} px too wide at {WIDTHS[width]}"
                )
                if long or (width, scheme) in (("wide", "light"), ("narrow", "dark")):
                    assert browser.barriers() == [], (address, width, scheme)


@pytest.mark.parametrize("part", sorted(pages.PAGES))
def test_a_page_answers_without_script(
    part: str, browser: Eyes, serve: Serve, db: Database, long: bool
) -> None:
    served = serve()
    for address in looked_at(part, db, long=long):
        browser.look("narrow", script=False)
        browser.open(served.url(address))
        assert len(browser.text("h1")) > 2
        assert browser.complaints() == []
        shown = browser.driver.find_elements("css selector", ".needs-script")
        assert [each.get_attribute("outerHTML") for each in shown if each.is_displayed()] == [], address
    browser.look()


def test_an_error_is_a_page_too(browser: Eyes, serve: Serve) -> None:
    served = serve()
    for address in "/nothing", "/log?at=nowhere", "/log?n=-1", "/log?grep=(":
        for width in WIDTHS:
            browser.look(width, "dark")
            browser.open(served.url(address))
            assert browser.complaints() == []
            assert browser.overflow() <= 0, address
            assert browser.barriers() == [], address


def test_the_pictures_of_the_docs(
    browser: Eyes, serve: Serve, db: Database, pytestconfig: pytest.Config
) -> None:
    if not pytestconfig.getoption("--pictures"):
        pytest.skip("pictures are made with --pictures alone, so that they do not change at every run")
    served, known = serve(), places(db)
    folder = Path(__file__).parents[3] / "docs" / "images"
    for name, address in PICTURES.items():
        if address.split("/")[1] in pages.PAGES:
            for scheme in "light", "dark":
                browser.look("wide", scheme, height=900)
                browser.open(served.url(address.format(**known)))
                browser.picture(folder / f"{name}-{scheme}.png")
