"""The page of an entity, and the way there."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backstory import Database, connect
from backstory.cli import main
from backstory.scope import Scope
from backstory.web import Reader
from backstory.web.pages import entity
from tests.web.conftest import Site
from tests.web.orders import ATTACK, ORDERS, Noted, Order, Placed, Refunded, refund, shop

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


def wire(client: TestClient, url: str) -> Any:
    """The data that the page has for its script."""
    [found] = re.findall(r'<script type="application/json" id="steps">(.*?)</script>', client.get(url).text)
    return json.loads(found)


def test_the_page_says_what_an_entity_is_and_which_event_made_it_so(client: TestClient) -> None:
    words = text(client, "/e/Order/o-1")
    assert "5 events in 5 commits by 5 authors" in words
    assert "#5 orders.refunded" in words
    assert "5 of 5" in words
    assert "Changed here refunded_cents 1890 1900" in words
    assert "lines. notebook. count" in words.replace("lines.notebook.", "lines. notebook. ")


def test_a_tag_leads_to_the_states_that_it_identifies(client: TestClient) -> None:
    page = client.get("/e/order:o-1").text
    assert '<a href="/e/Order/o-1">Order o-1</a>' in page
    assert "/e/Order/o-1" not in client.get("/e/Order/o-1").text.partition("<h1>")[2].partition("</p>")[0]


def test_the_page_as_of_an_earlier_event_has_the_state_that_was(client: TestClient) -> None:
    words = text(client, "/e/Order/o-1?at=2")
    assert "2 of 5" in words
    assert "refunded_cents 0 990" in words
    assert 'aria-valuetext="#2 orders.refunded, 2 of 5"' in client.get("/e/Order/o-1?at=2").text
    assert "You read the past" in client.get("/e/Order/o-1?at=2").text


def test_a_few_digits_are_a_position_also_where_a_hash_begins_with_them(site: Site) -> None:
    db = connect()
    db.append(*[Refunded("o", 1)] * 9_999)
    while not (digits := db.append(Refunded("o", 1)).hash.hex()[:4]).isdecimal() or digits < "1000":
        pass
    page = site(db, ORDERS).get(f"/e/order:o?at={digits}")
    assert f"#{digits} orders.refunded" in " ".join(re.sub(r"<[^>]*>", " ", page.text).split())
    assert site(db, ORDERS).get(f"/diff/{digits}/HEAD?of=order:o").status_code == 200


def test_each_step_is_a_link_without_a_script(client: TestClient) -> None:
    page = client.get("/e/Order/o-1?at=3").text
    links = dict(re.findall(r'href="([^"]*)"[^>]*data-go="(\w+)"', page))
    assert {name: url for url, name in links.items()} == {
        "first": "/e/Order/o-1?at=1",
        "prev": "/e/Order/o-1?at=2",
        "next": "/e/Order/o-1?at=4",
        "last": "/e/Order/o-1",
    }
    for url in links:
        assert client.get(url).status_code == 200


def test_the_script_gets_the_steps_and_folds_the_same_states(client: TestClient) -> None:
    data = wire(client, "/e/Order/o-1")
    state = data["base"]
    for step in data["steps"]:
        state = state | step["set"]
        page = client.get(f"/e/Order/o-1?at={step['at']}").text
        rows = re.findall(r'<tr data-field="(\d+)".*?<span class="value[^>]*>(.*?)</span>', page, re.DOTALL)
        shown = {number: html.unescape(value) for number, value in rows}
        assert shown == {
            number: "masked" if value == "***" else "—" if value is None else value
            for number, value in state.items()
        }


def test_a_masked_field_is_nowhere_in_the_page(client: TestClient) -> None:
    for url in (
        "/e/Order/o-1",
        "/e/Order/o-1?raw=1",
        "/e/order:o-1",
        "/e/Order/o-1/blame",
        "/e/Order/o-1?print=1",
    ):
        assert "example.org" not in client.get(url).text
        assert "example.org" not in client.get(url, headers={"accept": "application/json"}).text
    assert "***" in wire(client, "/e/Order/o-1")["base"].values() or "masked" in text(client, "/e/Order/o-1")


@pytest.mark.parametrize(
    "url",
    [
        "/e/Order/o-1",
        "/e/order:o-1",
        "/e/Order/o-1?raw=1",
        "/e/Order/o-1/blame",
        "/e/order:o-1/blame",
        "/diff/1/HEAD",
        "/diff/1/HEAD?of=Order/o-1",
        "/diff/1/HEAD?kind=Order",
        "/diff/1/HEAD?kind=tags",
    ],
)
def test_a_reader_sees_neither_hidden_fields_nor_what_is_outside(db: Database, site: Site, url: str) -> None:
    db.append(Refunded("o-1", 31_415_926))
    hidden = Reader(
        "eve", scope=Scope(tags=("order:o-1",), hidden=("refunded_cents", "Order.status", "cents"))
    )
    client = site(db, ORDERS, reader=hidden)
    for headers in ({}, {"accept": "application/json"}):
        answer = client.get(url, headers=headers)
        assert answer.status_code == 200
        for planted in ("31415926", "31417826", "o-2", "maths", "example.org"):
            assert planted not in answer.text
    assert client.get("/e/Order/o-2").status_code == 403


def test_what_is_stored_is_text_and_never_markup(client: TestClient) -> None:
    for url in ("/e/Order/o-1", "/e/order:o-1", "/e/order:o-1/blame", "/diff/1/HEAD", "/e/order:o-1?raw=1"):
        page = client.get(url).text
        assert "<script>alert" not in page
        assert "\x07" not in page
    assert any(
        ATTACK[:8] in str(step) or "\\u003c" in str(step) for step in wire(client, "/e/order:o-1")["steps"]
    )


def test_the_document_is_that_of_the_command_line(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "shop.db")
    with shop(path) as db:
        client = site(db, ORDERS)
        for words, url in (
            (["state", "Order", "o-1", "--app", "tests.web.orders"], "/e/Order/o-1.json"),
            (["state", "Order", "o-1", "--at", "2", "--app", "tests.web.orders"], "/e/Order/o-1.json?at=2"),
            (["state", "order:o-1"], "/e/order:o-1.json"),
        ):
            assert main(["-s", path, *words, "--json"]) == 0
            assert client.get(url).json() == json.loads(capsys.readouterr().out)


def test_an_entity_of_several_fields_has_each_as_a_part_of_the_address(client: TestClient) -> None:
    assert "Enrolment maths ann/b c" in text(client, "/e/Enrolment/maths/ann%2Fb%20c")
    assert "/e/Enrolment/maths/ann%2Fb%20c" in client.get("/e/Enrolment").text
    assert "ann/b c" in text(client, "/e")


def test_an_entity_that_is_not_there_says_which_one_is_near(client: TestClient) -> None:
    assert "no event concerns Order o-11; did you mean o-1" in text(client, "/e/Order/o-11", 404)
    page = client.get("/e/Order/o-11").text
    for way in ("/e/Order/o-1", "/e", "/search?q=o-11"):
        assert f'<a class="button" href="{way}">' in page
    assert '<a class="button" href="/e/order%3Ao-1">' in client.get("/e/order:o-11").text
    assert "no event concerns Order o-2 at #3; its first event is #6" in text(
        client, "/e/Order/o-2?at=3", 404
    )
    assert '<a class="button" href="/e/Order/o-2?at=6">' in client.get("/e/Order/o-2?at=3").text
    assert "Orders" in text(client, "/e/Orders/o-1", 404)
    assert "ORDER; got a b" in text(client, "/e/Order/a/b", 404)
    assert "one part of an address" in text(client, "/e/order:o-1/what", 404)
    assert client.get("/e/:o").status_code == 400


def test_without_an_application_tags_are_there(db: Database, site: Site) -> None:
    client = site(db)
    assert "refunded_cents" not in text(client, "/e/order:o-1")
    assert "cents 900 10" in text(client, "/e/order:o-1")
    assert "backstory ui --app NAME" in text(client, "/e/Order/o-1", 404)
    assert "order:o-1" in text(client, "/e").replace("order: o-1", "order:o-1")


def test_a_window_shows_the_events_around_the_chosen_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backstory.web.steps.MOST", 20)
    monkeypatch.setattr("backstory.web.steps.PART", 10)
    monkeypatch.setattr(entity, "LISTED", 4)
    db = connect()
    db.append(Placed("o", {}))
    for cents in range(50):
        db.append(Refunded("o", cents))
    client = site(db, ORDERS)
    words = text(client, "/e/Order/o?at=30")
    assert "more than 10 events" in words
    assert f"refunded_cents {sum(range(28))} {sum(range(29))}" in words
    page = client.get("/e/Order/o?at=30").text
    assert [int(each) for each in re.findall(r'data-step="(\d+)"', page)] == [31, 30, 29, 28]
    data = wire(client, "/e/Order/o?at=30")
    assert [step["position"] for step in data["steps"]] == list(range(26, 36))
    assert "before #26" in words
    assert (data["before"], data["after"]) == ("25", "36")
    newest = wire(client, "/e/Order/o")
    assert newest["steps"][-1]["position"] == 51


def test_large_states_are_not_in_the_page_and_a_long_value_is_cut(site: Site) -> None:
    db = connect()
    for number in range(3):
        db.append(Noted("o", str(number) * 400_000))
    client = site(db, ORDERS)
    page = client.get("/e/order:o")
    assert len(page.text) < 60_000
    assert "399,760 more characters" in page.text
    many = connect()
    many.append(Placed("o", {f"sku-{number}": {"count": number} for number in range(1_000)}))
    answer = site(many, ORDERS).get("/e/Order/o")
    assert "1 to 400 of 1,004 fields" in text(site(many, ORDERS), "/e/Order/o")
    assert len(answer.text) < 600_000


def test_where_the_states_are_too_large_for_the_page_the_script_asks_for_each(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.web.wire.BLOCK", 10)
    data = wire(client, "/e/Order/o-1")
    assert data["base"] is None
    assert not any("set" in step for step in data["steps"])
    assert len(data["steps"]) == 5


def test_of_many_fields_some_are_shown_and_others_are_found_by_their_names(site: Site) -> None:
    many = connect()
    many.append(Placed("o", {f"sku-{number}": {"count": number} for number in range(1_000)}))
    client = site(many, ORDERS)
    last = client.get("/e/Order/o?skip=800").text
    assert "801 to 1,004 of 1,004 fields" in " ".join(html.unescape(re.sub(r"<[^>]*>", " ", last)).split())
    assert 'href="/e/Order/o?skip=400">Before' in last
    assert 'href="/e/Order/o?skip=400">More' in client.get("/e/Order/o").text
    words = text(client, "/e/Order/o?named=sku-99")
    assert "1 to 11 of 11 fields with sku-99 in their names" in words
    assert "sku-998" in words
    assert "sku-500" not in words
    assert "None of 0 fields with nothing in their names" in text(client, "/e/Order/o?named=nothing")
    assert "801 to 1,004" in text(client, "/e/Order/o?skip=999999")


def test_paper_has_every_event_with_who_and_why_and_the_head(client: TestClient, db: Database) -> None:
    page = client.get("/e/Order/o-1?print=1").text
    paper = page.split('class="print-only"')[1]
    assert db.head().hash.hex() in paper
    for words in ("ink is out of stock", "warehouse", "carl king", "refunded_cents: 0 → 990"):
        assert words in html.unescape(re.sub(r"<[^>]*>", "", paper))


def test_a_branch_is_walked_by_its_positions_and_is_not_lost_where_main_has_the_event_too(
    db: Database, site: Site
) -> None:
    db.branch("what-if")
    other = db.switch("what-if")
    made = other.execute(refund(Order("o-1"), 5), author="eve")
    assert made is not None
    client = site(db, ORDERS)
    last = f"/e/Order/o-1?at=what-if%23{made.position}"
    assert f'href="{last}"' in client.get("/e/Order/o-1?at=what-if").text
    assert "refunded_cents 1900 1905" in text(client, last)
    assert "1905" not in text(client, "/e/Order/o-1")
    back = re.findall(r'href="([^"]*)"[^>]*data-go="prev"', client.get(last).text)[0]
    page = client.get(back).text
    assert "branch</span> what-if" in page
    assert f'href="{last}"' in page
    assert '<a class="is-past" href="/e/Order/o-1?at=what-if"' in page
    for link in ("/blame?at=what-if%23", "/diff/what-if%23"):
        assert link in page
    assert "what-if" in text(client, "/e/Order/o-1?at=what-if~1")


def test_an_event_in_the_middle_of_a_commit_of_a_branch_is_looked_at(db: Database, site: Site) -> None:
    other = db.branch("what-if")
    commit = other.append(Noted("o-1", "one"), Noted("o-1", "two"))
    client = site(db, ORDERS)
    back = re.findall(r'href="([^"]*)"[^>]*data-go="prev"', client.get("/e/Order/o-1?at=what-if").text)[0]
    assert f"State after # {commit.first}" in text(client, back).replace("#", "# ")


def test_an_error_in_the_code_of_the_application_names_it(db: Database, site: Site) -> None:
    db.append(Noted("o-2", "break"))
    assert "Order.apply failed" in text(site(db, ORDERS), "/e/Order/o-2", 400)


def test_the_index_leads_to_kinds_and_tags(client: TestClient) -> None:
    words = text(client, "/e")
    assert "An order of the shop." in words
    assert words.index("Order") < words.index("order:")
    assert client.get("/e?q=order:o-2", follow_redirects=False).headers["location"] == "/e/order%3Ao-2"
    assert client.get("/e/Order?q=o-2", follow_redirects=False).headers["location"] == "/e/Order/o-2"
    assert "o-1" not in text(client, "/e/Order?q=-2").split("Find")[1]
    assert "None is like that" in text(client, "/e/Order?q=zzz")
    assert "o-2" in text(client, "/e?key=order")


def test_the_entities_of_a_kind_come_in_pages(site: Site) -> None:
    db = connect()
    db.append(*[Placed(f"o-{number}", {}) for number in range(230)])
    client = site(db, ORDERS)
    first, last = client.get("/e/Order").text, client.get("/e/Order?skip=200").text
    assert (first.count('class="tag"'), last.count('class="tag"')) == (100, 30)
    assert "/e/Order?skip=100" in first
    assert "More" not in last
    assert client.get("/e/Order.json").json()["entities"][0] == {
        "state": "Order",
        "identity": {"order": "o-0"},
    }


def live_of(client: TestClient, url: str) -> str:
    """The address of the stream of a page; empty if it has none."""
    [*found] = re.findall(r'data-live="([^"]*)"', client.get(url).text)
    return html.unescape(found[0]) if found else ""


def test_a_page_of_an_entity_listens_to_its_events_on_its_branch_also_in_the_past(
    client: TestClient, db: Database
) -> None:
    head = db.head().position
    assert live_of(client, "/e/Order/o-1") == f"/live?after={head}&of=Order%2Fo-1"
    assert live_of(client, "/e/Order/o-1?at=2") == f"/live?after={head}&of=Order%2Fo-1"
    db.branch("q3").append(Noted("o-1", "on the branch"))
    assert live_of(client, "/e/Order/o-1?at=q3") == f"/live?at=q3&after={head + 1}&of=Order%2Fo-1"
    last = db.switch("q3").head().hash.hex()
    assert live_of(client, f"/e/Order/o-1?at={last}") == ""
