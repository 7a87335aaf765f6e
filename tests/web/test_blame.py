"""The page of blame: who changed a field, when and why, and what it was before."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from backstory import Database
from backstory.cli import main
from tests.web.conftest import Site
from tests.web.orders import ORDERS, shop

pytestmark = pytest.mark.filterwarnings("ignore::backstory.errors.ClearTextWarning")


@pytest.fixture
def db() -> Database:
    """The story of two orders."""
    return shop()


@pytest.fixture
def client(db: Database, site: Site) -> TestClient:
    """A client that reads it."""
    return site(db, ORDERS)


def text(client: TestClient, url: str, status: int = 200) -> str:
    """The words of a page, without its tags."""
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def test_a_sentence_says_first_why_the_field_that_was_changed_last_is_what_it_is(client: TestClient) -> None:
    words = text(client, "/e/Order/o-1/blame")
    assert "refunded_cents is 1900 because refund-sweeper appended orders.refunded at" in words
    assert "saying “ retry after restart ”" in words
    assert "It was decided by refund" in words
    assert "Before, it was 1890" in words


def test_the_sentence_names_the_cause_and_may_be_asked_for_of_each_field(client: TestClient) -> None:
    words = text(client, "/e/Order/o-1/blame?at=4")
    assert "refunded_cents is 1890 because carl king appended" in words
    assert "caused by #2 ink is out of stock" in words
    assert "status is refunded because warehouse" in text(client, "/e/Order/o-1/blame?field=status")
    assert "No event has given nothing a value" in text(client, "/e/Order/o-1/blame?field=nothing")


def test_a_long_blame_says_how_far_it_is_and_where_it_could_stop(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.web.page.SILENT", -1)
    monkeypatch.setattr("backstory.lookup.AHEAD", (2,))
    page = client.get("/e/Order/o-1/blame").text
    told = re.search(r"Looked at (\d+) of (\d+) positions", page)
    assert told is not None
    assert int(told[1]) < int(told[2])
    stop = re.search(r'href="([^"]+)">Stop here', page)
    assert stop is not None
    assert "found so far" not in page
    assert page.index("Looked at") < page.index("retry after restart")
    assert client.get(stop[1]).status_code == 200


def test_each_field_has_the_values_before(client: TestClient) -> None:
    words = text(client, "/e/Order/o-1/blame")
    assert "before: 1890 #4 carl king ← 990 #2 warehouse ← 0 (default)" in words
    assert "before: placed #1 ann ← new (default)" in words
    assert "masked #1 orders.placed ann checkout" in words


def test_a_field_that_no_event_has_given_a_value_has_its_default(client: TestClient) -> None:
    assert "refunded_cents 0 (default)" in text(client, "/e/Order/o-2/blame")


def test_the_last_write_counts_where_it_is_asked_for(client: TestClient) -> None:
    assert "status refunded #2" in text(client, "/e/Order/o-1/blame")
    assert "status refunded #5" in text(client, "/e/Order/o-1/blame?assertions=1")
    newest = text(client, "/e/Order/o-1/blame?order=newest").split("Newest first")[1]
    assert newest.index("refunded_cents") < newest.index("status")


def test_a_tag_is_blamed_without_code(db: Database, site: Site) -> None:
    words = text(site(db), "/e/order:o-1/blame")
    assert "cents is 10 because refund-sweeper appended orders.refunded" in words
    assert "example.org" not in words


def test_blame_of_a_long_history_is_the_same_with_fewer_values_before(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.web.steps.MOST", 2)
    monkeypatch.setattr("backstory.web.steps.PART", 2)
    words = text(client, "/e/Order/o-1/blame")
    assert "refunded_cents is 1900 because refund-sweeper" in words
    assert "before: 1890 #4 carl king ← 990 (before #4)" in words


def test_the_document_is_that_of_the_command_line(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "shop.db")
    with shop(path) as db:
        client = site(db, ORDERS)
        for words, query in (([], ""), (["--at", "#3", "--assertions"], "?at=3&assertions=1")):
            line = ["blame", "Order", "o-1", *words, "--app", "tests.web.orders", "--json"]
            assert main(["-s", path, *line]) == 0
            told = json.loads(capsys.readouterr().out)
            assert client.get(f"/e/Order/o-1/blame.json{query}").json() == told


def test_the_form_leads_to_an_entity(client: TestClient) -> None:
    assert "Find an entity" in text(client, "/blame")
    for words, there in (("Order o-1", "/e/Order/o-1/blame"), ("order:o-1", "/e/order%3Ao-1/blame")):
        answer = client.get("/blame", params={"of": words}, follow_redirects=False)
        assert answer.headers["location"] == there
    assert client.get("/blame?of=Order", follow_redirects=False).headers["location"] == "/e/Order"
    assert client.get("/blame?of=/").status_code == 404
    assert "Odrer" in text(client, "/blame?of=Odrer+o-1", 404)
    assert client.get("/blame/o").status_code == 404
    assert "no event concerns Order o-9" in text(client, "/e/Order/o-9/blame", 404)
