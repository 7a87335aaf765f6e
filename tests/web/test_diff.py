"""The page of differences: of events, of an entity, of all entities of a kind."""

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
from tests.web.orders import ORDERS, Order, Placed, refund, shop

pytestmark = pytest.mark.filterwarnings("ignore::backstory.errors.ClearTextWarning")


@pytest.fixture
def db() -> Database:
    """The story of two orders, and a branch that has gone on from #4."""
    db = shop()
    db.mark("then", at=4)
    db.branch("what-if", at=4)
    db.switch("what-if").execute(refund(Order("o-1"), 5), author="eve")
    return db


@pytest.fixture
def client(db: Database, site: Site) -> TestClient:
    """A client that reads it."""
    return site(db, ORDERS)


def text(client: TestClient, url: str, status: int = 200) -> str:
    """The words of a page, without its tags."""
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def test_of_events_it_says_what_only_one_of_the_points_has(client: TestClient) -> None:
    assert "Only in HEAD: 3 commits with 3 events by 3 authors" in text(client, "/diff/then/HEAD")
    words = text(client, "/diff/what-if/HEAD")
    assert "Only in what-if: 1 commit with 1 event; only in HEAD: 3 commits" in words
    assert "eve" in words
    assert "No commit is in one of them alone." in text(client, "/diff/then/then")
    assert "Only in what-if" not in text(client, "/diff/what-if/HEAD?only=added")


def test_of_an_entity_it_says_field_by_field_what_differs(client: TestClient) -> None:
    words = text(client, "/diff/then/HEAD?of=Order/o-1")
    assert "Order o-1: 1 changed." in words
    assert "refunded_cents 1890 1900 +10" in words
    assert "last #5 by refund-sweeper" in words
    assert "refunded_cents 1895 1900" in text(client, "/diff/what-if/HEAD?of=Order/o-1")
    assert "cents 900 10 -890" in text(client, "/diff/then/HEAD?of=order:o-1")
    assert "Nothing differs" in text(client, "/diff/4/4?of=Order/o-1")


def test_of_a_kind_it_says_which_entities_are_new_or_changed(client: TestClient) -> None:
    words = text(client, "/diff/then/HEAD?kind=Order")
    assert "2 Orders differ." in words
    assert "new 1" in words
    assert "changed 1" in words
    assert "masked" not in words.replace("email masked", "")
    only_new = text(client, "/diff/then/HEAD?kind=Order&only=added")
    assert "o-2" in only_new
    assert "Order o-1" not in only_new
    assert "Order o-2" in text(client, "/diff/HEAD/then?kind=Order&only=gone")
    assert "order:o-2" in text(client, "/diff/then/HEAD?kind=tags")


def test_a_field_narrows_it(client: TestClient) -> None:
    words = text(client, "/diff/then/HEAD?kind=Order&field=*cents")
    assert "refunded_cents" in words
    assert "o-2" not in words.split("Filter")[1]
    assert "Nothing that fits the filter." in text(client, "/diff/then/HEAD?kind=Order&field=zzz")


def test_an_entity_of_many_changes_is_closed(db: Database, client: TestClient) -> None:
    db.append(Placed("o-3", {f"sku-{number}": {"count": number} for number in range(150)}))
    page = client.get("/diff/then/HEAD?kind=Order").text
    assert len(re.findall("<details[^>]* open>", page)) == 2
    assert page.count("<details") == 3
    assert "51 more changes" in page


def test_the_form_leads_to_the_difference(client: TestClient) -> None:
    assert "Name two points" in text(client, "/diff")
    answer = client.get("/diff", params={"a": "then", "b": "", "of": "Order/o-1"}, follow_redirects=False)
    assert answer.headers["location"] == "/diff/then/HEAD?of=Order%2Fo-1"
    assert 'href="/diff/HEAD/then?kind=Order"' in client.get("/diff/then/HEAD?kind=Order").text


def test_wrong_input_is_said(client: TestClient) -> None:
    assert "nowhere" in text(client, "/diff/nowhere/HEAD", 404)
    assert "Oder" in text(client, "/diff/1/HEAD?kind=Oder", 404)
    assert "names a kind" in text(client, "/diff/1/HEAD?of=Order", 404)
    assert "only is one of" in text(client, "/diff/1/HEAD?only=odd", 400)
    assert client.get("/diff/1/2/3").status_code == 404


def test_the_document_is_that_of_the_command_line(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    path, app = str(tmp_path / "shop.db"), ["--app", "tests.web.orders"]
    with shop(path) as db:
        db.mark("then", at=4)
        client = site(db, ORDERS)
        for words, query in (
            ([], ""),
            (["Order", "o-1", *app], "?of=Order/o-1"),
            (["order:o-1"], "?of=order:o-1"),
            (["--all", "Order", *app], "?kind=Order"),
            (["--all", "tags"], "?kind=tags"),
        ):
            assert main(["-s", path, "diff", "then", "HEAD", *words, "--json"]) == 1
            assert client.get(f"/diff/then/HEAD.json{query}").json() == json.loads(capsys.readouterr().out)
