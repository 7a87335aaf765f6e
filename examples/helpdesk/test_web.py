"""The helpdesk's pages and its API, without a browser and without a script, on SQLite and on PostgreSQL."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from examples.helpdesk.app import app
from examples.helpdesk.history import history
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of

ANN, MIA = {"cookie": "name=Ann%20M%C3%BCller"}, {"cookie": "name=Mia"}


@pytest.fixture(params=["sqlite", "postgres"])
def client(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    postgres = request.param == "postgres"
    address = hasty(None).address(schema_of(tmp_path)) if postgres else str(tmp_path / "helpdesk.db")
    monkeypatch.setattr(history, "address", address)
    with TestClient(app) as client:
        yield client


def asked(client: TestClient, subject: str = "No light") -> str:
    """The address of the page of a new ticket."""
    page = client.post("/tickets", data={"subject": subject, "words": "It is dark."}, headers=ANN)
    assert page.history[0].status_code == 303
    return html.unescape(re.findall(r'href="(/tickets/[^"]+)"', page.text)[-1])


def seen(page: str) -> str:
    return str(re.findall(r'name="seen" value="([^"]+)"', page)[0])


def test_who_asks_sees_the_ticket_in_the_list_at_once(client: TestClient) -> None:
    assert "Nobody waits" in client.get("/").text
    path = asked(client, "No <b>light</b> & no water")
    page = client.get("/").text
    assert "No &lt;b&gt;light&lt;/b&gt; &amp; no water" in page
    assert "Ann Müller" in client.get(path).text


def test_a_form_that_is_sent_twice_is_done_once(client: TestClient) -> None:
    form = {"subject": "Water", "words": "None.", "key": "k-1"}
    pages = [client.post("/tickets", data=form, headers=ANN).text for _ in range(2)]
    assert [page.count(">Water<") for page in pages] == [1, 1]


def test_of_two_agents_who_look_at_the_same_page_one_takes_the_ticket(client: TestClient) -> None:
    path = asked(client)
    place = {"seen": seen(client.get(path).text)}
    assert "Mia works on it" in client.post(f"{path}/take", data=place, headers=MIA).text
    late = client.post(f"{path}/take", data=place, headers={"cookie": "name=Leo"})
    assert (late.status_code, "Somebody else was quicker" in late.text) == (409, True)


def test_what_was_typed_is_still_there_when_something_is_wrong(client: TestClient) -> None:
    page = client.post("/tickets", data={"subject": " ", "words": "It is <dark>."}, headers=ANN)
    assert (page.status_code, "It is &lt;dark&gt;." in page.text, "This is empty" in page.text) == (
        422,
        True,
        True,
    )
    path = asked(client)
    for form, words in (
        ({"words": "\0"}, "missing"),
        ({"words": ""}, "missing"),
        ({"words": "x" * 5_001}, "too long"),
        ({}, "missing"),
    ):
        assert words in client.post(f"{path}/reply", data=form, headers=MIA).text
    assert client.post(f"{path}/reply", data={"words": "x" * 100_001}, headers=MIA).status_code == 413
    assert "who you are" in client.post(f"{path}/reply", data={"words": "x"}).text


def test_nobody_is_asked_to_reply_to_a_ticket_that_is_solved_or_not_there(client: TestClient) -> None:
    path = asked(client)
    page = client.get(path).text
    assert ("<title>No light" in page, 'id="reply"' in page) == (True, True)
    assert "This ticket is solved" not in client.post(f"{path}/solve", headers=MIA).text
    assert 'id="reply"' not in client.get(path).text
    assert 'id="reply"' not in client.get("/tickets/nothing").text
    late = client.post(f"{path}/reply", data={"words": "Thank you!"}, headers=ANN).text
    assert ("Thank you!" in late, "This ticket is solved" in late) == (True, True)


def test_somebody_who_says_who_they_are_stays_at_the_ticket(client: TestClient) -> None:
    path = asked(client)
    told = {"name": "Leo", "ticket": path.removeprefix("/tickets/")}
    came = client.post("/me", data=told, follow_redirects=False)
    assert (came.status_code, came.headers["location"]) == (303, path)
    away = client.post("/me", data={"name": "Leo", "ticket": "//example.org"}, follow_redirects=False)
    assert away.headers["location"] == "/tickets/%2F%2Fexample.org"


def test_so_many_pages_are_live_and_no_more(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    path = asked(client)
    monkeypatch.setattr(history, "most_streams", 0)
    for live in "/live", f"{path}/live":
        answer = client.get(live)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


def test_a_script_gets_a_new_form_and_a_page_without_one_goes_on(client: TestClient) -> None:
    path = asked(client)
    form = client.post(
        f"{path}/reply", data={"words": "Which room?"}, headers=MIA | {"datastar-request": "true"}
    )
    assert form.text.strip().startswith('<form id="reply"')
    assert "Which room?" not in form.text
    assert "Which room?" in client.get(path).text


@pytest.mark.parametrize(
    "wrong", ["/tickets/nothing", "/tickets/%00", "/tickets/<script>", "/tickets/" + "x" * 3_000]
)
def test_what_is_not_there_is_said_to_be_so(client: TestClient, wrong: str) -> None:
    page = client.get(wrong)
    assert 400 <= page.status_code < 500
    assert "<script>" not in page.text
    assert client.post(f"{wrong}/take", data={"seen": "0-00000000"}, headers=MIA).status_code < 500


def test_a_program_does_the_same_by_the_api(client: TestClient) -> None:
    made = client.post("/api/tickets", json={"subject": "No light", "words": "It is dark."}, headers=ANN)
    path = f"/api/tickets/{made.json()['ids']['id']}"
    etag = client.get(path).headers["etag"]
    assert client.put(f"{path}/agent", headers=MIA | {"if-match": etag}).status_code == 200
    assert client.put(f"{path}/agent", headers=MIA | {"if-match": etag}).status_code == 412
    refused = client.put(f"{path}/agent", headers=MIA)
    assert (refused.status_code, refused.json()["code"]) == (409, "taken")
    done = client.put(f"{path}/solution", headers=ANN)
    page = client.get("/api/tickets", headers={"backstory-after": done.headers["backstory-place"]})
    assert page.json()["items"] == []
    assert client.post("/api/tickets", json={"subject": "x", "words": "y"}).status_code == 403


def test_the_api_tells_of_itself(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert len(paths) == 6
    take = paths["/api/tickets/{ticket}/agent"]["put"]
    assert take["responses"]["409"]["description"] == "`solved`: this ticket is solved  \n`taken`"
    assert take["responses"]["404"]["description"] == "`unknown`: there is no such ticket"
