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
    part: str, eyes: Eyes, serve: Serve, db: Database, long: bool
) -> None:
    served = serve()
    found = looked_at(part, db, long=long)
    for address in found:
        for width in WIDTHS:
            for scheme in "light", "dark":
                eyes.look(width, scheme)
                eyes.open(served.url(address))
                assert eyes.complaints() == [], (address, width, scheme)
                assert eyes.overflow() <= 0, f"{address} is {eyes.overflow()} px too wide at {WIDTHS[width]}"
                # axe-core takes seconds: it sees one example wide and light, and one narrow and dark.
                seen = {("wide", "light"): found[0], ("narrow", "dark"): found[-1]}
                if long or seen.get((width, scheme)) == address:
                    assert eyes.barriers() == [], (address, width, scheme)


@pytest.mark.parametrize("part", sorted(pages.PAGES))
def test_a_page_answers_without_script(part: str, eyes: Eyes, serve: Serve, db: Database, long: bool) -> None:
    served = serve()
    for address in looked_at(part, db, long=long):
        eyes.look("narrow", script=False)
        eyes.open(served.url(address))
        assert len(eyes.text("h1")) > 2
        assert eyes.complaints() == []
        shown = eyes.driver.find_elements("css selector", ".needs-script")
        assert [each.get_attribute("outerHTML") for each in shown if each.is_displayed()] == [], address
    eyes.look()


def test_an_error_is_a_page_too(eyes: Eyes, serve: Serve) -> None:
    served = serve()
    for address in "/nothing", "/log?at=nowhere", "/log?n=-1", "/log?grep=(":
        for width in WIDTHS:
            eyes.look(width, "dark")
            eyes.open(served.url(address))
            assert eyes.complaints() == []
            assert eyes.overflow() <= 0, address
            assert eyes.barriers() == [], address


def test_the_pictures_of_the_docs(
    eyes: Eyes, serve: Serve, db: Database, pytestconfig: pytest.Config
) -> None:
    if not pytestconfig.getoption("--pictures"):
        pytest.skip("pictures are made with --pictures alone, so that they do not change at every run")
    served, known = serve(), places(db)
    folder = Path(__file__).parents[3] / "docs" / "images"
    for name, address in PICTURES.items():
        if address.split("/")[1] in pages.PAGES:
            for scheme in "light", "dark":
                eyes.look("wide", scheme, height=900)
                eyes.open(served.url(address.format(**known)))
                eyes.picture(folder / f"{name}-{scheme}.png")
