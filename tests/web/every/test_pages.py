"""Every page: its HTML, its JSON, its links, and who may see it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from backstory import Database
from backstory.web import actions, pages
from backstory.web.guard import HEADERS
from tests.web.addresses import ADDRESSES, FORMS, examples
from tests.web.crawl import crawled
from tests.web.html import faults
from tests.web.story import READERS, Client, places

FOLLOWED = 150
"""Addresses that the crawler asks, of each kind of page in turn, so that none is left out; `--long` asks all."""

NOT_THERE = ("9999",)
"""Parts of examples of what is not there."""

SHOWN_TO_NONE_OF_A_PART = ("refund-sweeper", "retry after restart", "p-3391", "goodwill")
"""Texts of the story that are in no event about nora, of whom alone one of the readers may see something."""


def test_every_page_has_examples_and_every_action_a_form() -> None:
    assert set(pages.PAGES) <= set(ADDRESSES)
    assert set(actions.ACTIONS) <= set(FORMS)


@pytest.mark.parametrize("part", sorted(pages.PAGES))
def test_a_page_is_html_as_it_should_be_and_has_every_header(
    part: str, db: Database, reading: Client
) -> None:
    for address in examples([part], places(db)):
        answer = reading("does all").get(address)
        assert answer.status_code in (200, 303, 404), (address, answer.text)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, address
        if answer.status_code != 303:
            assert faults(answer.text) == [], address


@pytest.mark.parametrize("part", sorted(pages.PAGES))
def test_a_page_is_json_at_the_same_address(part: str, db: Database, reading: Client) -> None:
    for address in examples([part], places(db)):
        answer = reading("does all").get(address, headers={"accept": "application/json"})
        if answer.status_code == 303:
            continue
        path, _, query = address.partition("?")
        named = reading("does all").get(f"{path}.json?{query}")
        assert answer.headers["content-type"] == named.headers["content-type"] == "application/json"
        assert set(answer.json()) == set(named.json()), address
        assert answer.status_code == named.status_code


@pytest.mark.parametrize("part", sorted(pages.PAGES))
@pytest.mark.parametrize("who", READERS)
def test_nobody_sees_more_than_they_may(who: str, part: str, db: Database, reading: Client) -> None:
    asked = examples([part], places(db))
    for address in asked if who in ("nobody", "reads a part") else asked[:2]:
        for accept in ("text/html", "application/json"):
            answer = reading(who).get(address, headers={"accept": accept})
            if READERS[who] is None:
                assert (answer.status_code, "o-1042" in answer.text) == (403, False), address
                continue
            assert answer.status_code < 500, (address, answer.text)
            assert "2020 51" not in answer.text, f"{address} shows an account number"
            if who == "reads a part" and answer.status_code == 200:
                planted = [text for text in SHOWN_TO_NONE_OF_A_PART if text not in address]
                assert [text for text in planted if text in answer.text] == [], address


def test_every_link_leads_somewhere(db: Database, reading: Client, long: bool) -> None:
    addresses = ["/", *examples(pages.PAGES, places(db))]
    asked = 0
    for address, source, answer in crawled(reading("does all"), addresses, None if long else FOLLOWED):
        asked += 1
        missing = any(text in address for text in NOT_THERE) or _is_to_come(address)
        assert answer.status_code in (200, 303) or (missing and answer.status_code == 404), (
            f"{answer.status_code} at {address}, which {source} leads to"
        )
    assert asked > 30


def _is_to_come(address: str) -> bool:
    """Whether a page is still made: it has examples already."""
    part = urlsplit(address).path.strip("/").partition("/")[0].removesuffix(".json")
    return part in ADDRESSES and part not in pages.PAGES
