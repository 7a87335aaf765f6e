"""The scope of a reader holds for every page: what is hidden is withheld, what is outside is refused."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from backstory import Event, Tag, connect
from backstory.scope import Scope
from backstory.web import Reader
from tests.web.conftest import Site


class Noted(Event, name="web.scope-noted"):
    thing: Tag[str]
    email: str


@pytest.fixture
def client(site: Site) -> TestClient:
    """The pages as somebody sees them who may see one thing, and no e-mail addresses."""
    db = connect("memory:")
    db.append(Noted("t-1", "veiled@x"), message="mine")
    db.append(Noted("planted-2", "planted@x"), author="planted-ann", message="planted message")
    db.append(Noted("t-1", "veiled@y"), Noted("planted-2", "planted@x"), author="planted-bob")
    return site(db, reader=Reader("mia", scope=Scope(tags=("thing:t-1",), hidden=("email",))))


@pytest.mark.parametrize("page", ["/log", "/log.json", "/log?patch=1", "/log.json?patch=1"])
def test_a_page_shows_what_the_reader_may_see(page: str, client: TestClient) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    assert "mine" in answer.text
    assert "veiled" not in answer.text
    assert "planted" not in answer.text


@pytest.mark.parametrize("page", ["/log?tag=thing:planted-2", "/log.json?tag=thing:planted-2"])
def test_a_question_about_what_is_outside_is_refused_with_403(page: str, client: TestClient) -> None:
    assert client.get(page).status_code == 403
