"""States that are found in a table, by what a client says."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contrib.fastapi.test_endpoints import SMALL, problem

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")


@pytest.fixture
def full(client: TestClient) -> TestClient:
    """A client of a depot with eight parcels of 100 to 800 grams, and one that has not arrived."""
    for number in range(1, 9):
        client.post(f"/parcels/p-{number}", json={"size": {"grams": number * 100}, "sender": "Ann"})
    client.put("/parcels/p-0/labels", json={"labels": ["early"]})
    return client


def found(client: TestClient, **asked: str | int) -> list[int]:
    """The grams of the parcels that are found."""
    answer = client.get("/parcels", params=asked)
    assert answer.status_code == 200, answer.text
    return [each["grams"] for each in answer.json()["items"]]


def test_parcels_are_found_in_an_order_within_what_the_endpoint_shows(full: TestClient) -> None:
    assert found(full) == [800, 700, 600, 500, 400]
    assert found(full, order="grams,parcel", limit=2) == [100, 200]
    assert found(full, where="grams > 650 or parcel == 'p-0'") == [800, 700]


def test_a_page_leads_to_the_next_one(full: TestClient) -> None:
    first = full.get("/parcels", params={"limit": 5, "total": "about"}).json()
    rest = full.get("/parcels", params={"limit": 5, "cursor": first["cursor"]}).json()
    assert first["total"] == 8
    assert [each["grams"] for each in rest["items"]] == [300, 200, 100]
    assert rest["cursor"] is None
    assert "Ann" not in str(first)


def test_a_reader_sees_what_was_just_written(client: TestClient) -> None:
    place = client.post("/parcels/p-1", json=SMALL).json()["place"]
    assert found(client, after=place) == [500]
    seen = client.get("/parcels", headers={"backstory-after": place})
    assert len(seen.json()["items"]) == 1
    assert problem(client.get("/parcels", params={"after": "1-00000000"}))[0] == 409
    assert problem(client.get("/parcels", params={"after": "12"}))[0] == 422


def test_a_question_that_is_wrong_is_never_a_fault_of_the_server(full: TestClient) -> None:
    for asked in (
        {"limit": "6"}, {"limit": "0"}, {"limit": "-1"}, {"limit": "\u0663"}, {"limit": "9" * 30}, {"limit": ""},
        {"where": "grams >"}, {"where": "nothing == 1"}, {"where": "sender == 'Ann'"}, {"where": "(" * 900},
        {"where": "__import__('os')"}, {"where": "grams > 0) or (1 == 1"}, {"where": "grams == 1 #"},
        {"where": "grams < 200) or (grams == 0"}, {"where": "x" * 2000},
        {"where": "grams == '\x00'"}, {"order": "sender"}, {"order": "nothing"}, {"order": "--grams"},
        {"order": "grams == 1"}, {"cursor": "x"}, {"cursor": "\x00"}, {"total": "all"},
    ):  # fmt: skip
        answer = full.get("/parcels", params=asked)
        assert answer.status_code < 500, (asked, answer.text)
        if "\x00" not in asked.get("where", ""):
            assert problem(answer)[0] == 422, (asked, answer.text)


def test_a_client_speaks_of_some_fields_only(client: TestClient) -> None:
    for number in range(3):
        client.put(f"/v1/counts/{number}/left", json={"number": 5})
    rows = client.get("/v1/counts", params={"where": "row > 0", "order": "-row"}).json()["items"]
    assert [each["row"] for each in rows] == [2, 1]
    assert problem(client.get("/v1/counts", params={"where": "number == 5"})) == (
        422,
        "number is not one of row",
    )
    assert problem(client.get("/v1/counts", params={"order": "number"}))[0] == 422
