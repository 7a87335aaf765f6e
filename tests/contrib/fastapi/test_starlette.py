"""Starlette without FastAPI has the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from backstory import Materialized
from backstory.contrib.starlette import Backstory
from tests.contrib.fastapi.depot import Parcel, arrive, label, note
from tests.contrib.fastapi.test_endpoints import SMALL, problem

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")


@pytest.fixture(params=["plain", "awaited"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    def named(request: Request) -> str | None:
        return request.headers.get("key")

    async def awaited(request: Request) -> str | None:
        return named(request)

    async def commits(request: Request) -> JSONResponse:
        async with history.acting(request) as db:
            return JSONResponse([[commit.author, commit.metadata] async for commit in db.commits()])

    author: Any = named if request.param == "plain" else awaited
    history = Backstory(tmp_path / "depot.db", author=author, inline=[Materialized(Parcel)])
    routes = [
        Route("/parcels", history.find(Parcel, order="parcel")),
        Route("/parcels/{parcel}", history.command(arrive, status=201), methods=["POST"]),
        Route("/parcels/{parcel}", history.state(Parcel)),
        Route("/parcels/{parcel}/labels", history.command(label), methods=["PUT"]),
        Route("/parcels/{parcel}/live", history.live(Parcel)),
        Route("/notes", history.command(note), methods=["POST"]),
        Route("/commits", commits),
    ]
    app = Starlette(routes=[Mount("/api", routes=routes)])
    history.install(app)
    with TestClient(app, base_url="http://depot/api") as client:
        yield client


def test_commands_states_and_tables_are_endpoints(client: TestClient) -> None:
    sent = {"key": "ann", "x-request-id": "r-1", "idempotency-key": "k"}
    done = client.post("/parcels/p-1", json=SMALL, headers=sent)
    assert client.post("/parcels/p-1", json=SMALL, headers=sent).json() == done.json()
    assert client.get("/commits").json() == [["ann", {"correlation": "r-1"}]]
    shown = client.get("/parcels/p-1")
    assert (shown.json()["grams"], shown.headers["etag"]) == (500, f'"{done.json()["place"]}"')
    assert [each["parcel"] for each in client.get("/parcels").json()["items"]] == ["p-1"]


def test_errors_are_the_same(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    assert problem(client.post("/parcels/p-1", json=SMALL)) == (409, "here")
    assert problem(client.post("/parcels/p-2", json={}))[0] == 422
    assert problem(client.post("/notes", json={"words": "x"}))[0] == 403
    assert problem(client.get("/parcels/p-9"))[0] == 404
    assert problem(client.get("/parcels/p-9/live"))[0] == 404
    assert (
        problem(client.put("/parcels/p-1/labels", json={"labels": []}, headers={"if-match": '"x"'}))[0] == 412
    )


def test_an_author_that_is_no_text_is_a_fault_of_the_application() -> None:
    numbered: Any = lambda request: 7  # noqa: E731 - the number of a user, as many sessions have it
    history = Backstory("memory:", author=numbered)
    app = Starlette(routes=[Route("/{parcel}", history.state(Parcel))])
    history.install(app)
    with TestClient(app) as client, pytest.raises(TypeError, match="author gives 7: it is to give text"):
        client.get("/p-1")
