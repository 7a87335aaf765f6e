"""Who may ask, from where: hosts, origins, forms, headers, cookies, and the token that works once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from backstory import Database
from backstory.web import Reader, actions, app, pages
from backstory.web.guard import CSP, FORM_COOKIE, HEADERS
from backstory.web.serving import COOKIE, Door, Here
from tests.web.addresses import examples, forms
from tests.web.story import HOST, READERS, REFUNDS, Client, client_of, copied, places, token_of

FOREIGN = ("evil.example", f"evil.example:{HOST.partition(':')[2]}", "127.0.0.1", "127.0.0.1:1", "")


def routes(db: Database) -> list[str]:
    """An address of each page, those of errors, and the files."""
    known = places(db)
    first = [examples([part], known)[0] for part in pages.PAGES]
    return [*first, "/", "/nothing", "/log?n=-1", "/static/backstory.css", "/live", "/log.json"]


@pytest.mark.parametrize("host", FOREIGN)
def test_another_host_is_refused_everywhere(host: str, db: Database, reading: Client) -> None:
    for address in routes(db):
        answer = reading("does all").get(address, headers={"host": host})
        assert answer.status_code == 403, address
        assert answer.headers["content-security-policy"] == CSP
        assert "o-1042" not in answer.text


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", f"http://evil.example/{HOST}", "http://127.0.0.1"]
)
def test_another_origin_is_refused_everywhere(origin: str, db: Database, reading: Client) -> None:
    for address in routes(db):
        answer = reading("does all").get(address, headers={"origin": origin})
        assert (answer.status_code, "o-1042" in answer.text) == (403, False), address


def test_a_page_of_another_site_may_lead_here_but_load_nothing(db: Database, reading: Client) -> None:
    for address in routes(db):
        for site in ("cross-site", "same-site"):
            answer = reading().get(address, headers={"sec-fetch-site": site, "sec-fetch-mode": "no-cors"})
            assert answer.status_code == 403, address
    led = reading().get("/log", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})
    assert led.status_code == 200


@pytest.fixture
def own(told: str, tmp_path: Path) -> Iterator[Database]:
    """A copy of the story, to act on."""
    with copied(told, tmp_path) as db:
        yield db


def standing(db: Database) -> list[object]:
    """All that an action may change."""
    branches = [(branch.name, db.switch(branch.name).head()) for branch in db.branches.all()]
    return [*branches, *(mark.name for mark in db.branches.marks())]


def test_a_form_without_its_token_or_from_elsewhere_does_nothing(own: Database) -> None:
    client = client_of(own, READERS["does all"])
    before = standing(own)
    token = token_of(client)
    wrong = {"token": "0" * 64}
    for path, fields in forms(actions.ACTIONS, places(own)):
        for sent, headers in (
            (fields, {}),
            (fields | wrong, {}),
            (fields | {"token": token}, {"origin": "http://evil.example"}),
            (fields | {"token": token}, {"host": "evil.example"}),
            (fields | {"token": token}, {"cookie": f"{FORM_COOKIE}=another"}),
        ):
            own_cookies = "cookie" not in headers
            asking = client if own_cookies else client_of(own, READERS["does all"])
            answer = asking.post(path, data=sent, headers=headers)
            assert answer.status_code == 403, (path, headers)
            assert answer.headers["content-security-policy"] == CSP
    assert standing(own) == before


def test_one_who_may_only_read_does_nothing(own: Database) -> None:
    before = standing(own)
    for who in ("nobody", "reads", "reads a part"):
        client = client_of(own, READERS[who])
        client.get("/log")
        form_token = _token(client, READERS[who])
        for path, fields in forms(actions.ACTIONS, places(own)):
            answer = client.post(path, data=fields | {"token": form_token})
            assert answer.status_code == 403, (who, path)
    assert standing(own) == before


def _token(client: TestClient, reader: Reader | None) -> str:
    """The right token for a reader, so that it is the missing right that refuses."""
    from backstory.web.guard import form_token

    browser = client.app
    key = client.cookies.get(FORM_COOKIE) or ""
    return form_token(browser.site.secret, key, reader.name if reader else "")  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_there(method: str, db: Database, reading: Client) -> None:
    for address in routes(db):
        answer = reading("does all").request(method, address)
        assert (
            answer.status_code in (200, 403, 404, 405) if "static" in address else answer.status_code == 404
        )


def test_every_answer_has_every_header_errors_and_redirects_too(db: Database, reading: Client) -> None:
    for who in READERS:
        for address in routes(db):
            if address in ("/static/backstory.css", "/live"):
                continue
            answer = reading(who).get(address)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, (who, address)
    assert "unsafe" not in CSP
    assert CSP.startswith("default-src 'none'")


def test_the_cookie_of_forms_is_for_this_site_and_no_script(db: Database) -> None:
    client = client_of(db, READERS["reads"])
    [cookie] = client.get("/log").headers.get_list("set-cookie")
    assert cookie.startswith(f"{FORM_COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert client.get("/log").headers.get_list("set-cookie") == []


@pytest.fixture
def door(db: Database) -> Door:
    """The door of `backstory ui`."""
    door = Door(Here("you"), 9000)
    door.inside = app(db, REFUNDS, actor=door.reader, hosts=[HOST])
    return door


def entering(door: Door) -> TestClient:
    return TestClient(door, base_url=f"http://{HOST}", follow_redirects=False)


def test_the_token_works_once_and_is_exchanged_for_a_cookie(door: Door) -> None:
    token = door.token
    client = entering(door)
    assert client.get("/log").status_code == 403
    entered = client.get(f"/enter?token={token}")
    assert (entered.status_code, entered.headers["location"]) == (303, "/log")
    [cookie] = entered.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}-9000=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert entered.headers["referrer-policy"] == "no-referrer"
    assert client.get("/log").status_code == 200

    other = entering(door)
    assert other.get(f"/enter?token={token}").status_code >= 400
    refused = other.get("/log")
    assert refused.status_code == 403
    assert "start it again" in refused.text  # the way out


@pytest.mark.parametrize("given", ["", "x", "%00", "%ff"])
def test_another_token_does_not_open_and_the_right_one_still_does(door: Door, given: str) -> None:
    client = entering(door)
    assert client.get(f"/enter?token={given}").status_code in (400, 403, 404)
    assert client.get("/enter").status_code in (403, 404)
    assert client.get(f"/enter?token={door.token}").status_code == 303


def test_the_token_opens_under_no_other_host(door: Door) -> None:
    client = entering(door)
    refused = client.get(f"/enter?token={door.token}", headers={"host": "evil.example:9000"})
    assert refused.status_code == 403
    assert refused.headers.get_list("set-cookie") == []
