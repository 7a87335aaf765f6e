"""Rows of tables in the browser: a store of tables needs no application to be looked at."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from backstory import Database, connect
from backstory.scope import Scope
from backstory.web import Reader
from tests.web.conftest import Site
from tests.web.orders import ORDERS, shop

pytestmark = pytest.mark.filterwarnings("ignore::backstory.errors.ClearTextWarning")

ODD = "a/b~ü <i>"


def written(db: Database) -> Database:
    """Three rows, one of which is gone, and a branch."""
    customers = db.table("customers", unique=["email"])
    customers.insert("c-1", {"name": "Ann", "city": "Basel", "email": "a@x"}, author="ann")
    customers.patch("c-1", {"city": "Bern"}, author="bea", message="moved")
    customers.insert("c-2", {"name": "Bea", "city": "Basel"}, author="ann")
    customers.insert(ODD, {"x.y": "<script>"}, author="cy")
    customers.delete("c-2", author="dan")
    return db


@pytest.fixture
def client(site: Site) -> TestClient:
    return site(written(connect()))


def words(client: TestClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/e", "customers A row of a table"),
        ("/e/customers", "c-1 c-2 " + ODD),
        ("/e/customers/c-1", "row. city Basel Bern"),
        ("/e/customers/c-1?at=1", "row. city Basel"),
        ("/e/customers/c-2", "row null"),
        (f"/e/customers/{quote(ODD, safe='')}", "row.x. y <script>"),
        ("/e/customers/c-1/blame", "row. city"),
        ("/c/2", "customers c-1 row. city Basel Bern"),
        ("/log?patch=1", "customers c-1 row. city Basel Bern"),
        ("/diff/1/HEAD?kind=customers", "2 rows differ"),
        ("/diff/1/HEAD?of=customers/c-1", "row. city Basel Bern"),
        ("/bisect?of=customers/c-1&where=city=='Bern'", "#2"),
        ("/search?q=customers/c-1", "row. city Basel Bern"),
    ],
)
def test_a_store_of_tables_needs_no_application(client: TestClient, url: str, said: str) -> None:
    assert said in words(client, url)


def test_a_row_that_comes_or_comes_back_is_not_told_as_a_null_that_is_gone(site: Site) -> None:
    db = written(connect())
    db.table("customers").insert("c-2", {"name": "Bo"}, author="eve")
    for url in ("/e/customers/c-1?at=1", "/e/customers/c-1?at=2", "/e/customers/c-2"):
        said = words(site(db), url)
        assert "null → gone" not in said
        assert "row null gone" not in said
    assert "row.name: Bo" in said
    assert "row.name: Bea → gone" in said


def test_a_table_or_a_row_that_is_not_there_is_said(client: TestClient) -> None:
    assert "no event concerns customers c-9" in words(client, "/e/customers/c-9", 404)
    assert "no table" in words(client, "/e/orders/o-1", 404)


def test_the_page_of_a_tag_leads_to_its_row(client: TestClient) -> None:
    assert 'href="/e/customers/c-1' in client.get("/e/customers:c-1").text


def test_rows_stand_beside_the_states_of_an_application(site: Site) -> None:
    client = site(written(shop()), ORDERS)
    assert "row. city Basel Bern" in words(client, "/e/customers/c-1")
    assert client.get("/e/Order/o-1").status_code == 200
    told = json.loads(client.get("/e", headers={"accept": "application/json"}).text)
    assert "customers" not in [each["name"] for each in told["states"]]


def test_a_reader_sees_the_rows_in_scope_and_no_others(site: Site) -> None:
    reader = Reader("mia", frozenset({"read"}), scope=Scope(tags=("customers:c-1",)))
    client = site(written(connect()), reader=reader)
    assert "Bern" in words(client, "/e/customers:c-1")
    for url in ("/e", "/e/customers", "/e/customers/c-2", "/log?patch=1", "/diff/1/HEAD?kind=customers"):
        answer = client.get(url)
        assert answer.status_code < 500
        assert "Bea" not in answer.text
