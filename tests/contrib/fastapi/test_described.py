"""What OpenAPI tells of endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contrib.fastapi.depot import application


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("described")
    paths: dict[str, Any] = application(str(folder / "depot.db")).openapi()["paths"]
    return paths


def names(operation: dict[str, Any], where: str) -> list[str]:
    return [each["name"] for each in operation["parameters"] if each["in"] == where]


def body(operation: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def test_a_body_has_the_arguments_that_are_left_with_their_types(paths: dict[str, Any]) -> None:
    arrive = paths["/parcels/{parcel}"]["post"]
    assert names(arrive, "path") == ["parcel"]
    schema = body(arrive)
    assert (schema["required"], list(schema["properties"])) == (["size"], ["size", "sender", "due"])
    assert schema["properties"]["size"]["properties"]["grams"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 30_000,
    }
    assert schema["properties"]["size"]["properties"]["around"]["items"] == {}  # a size in a size
    assert schema["properties"]["sender"]["default"] == ""


def test_states_are_named_in_the_path_or_in_the_body(paths: dict[str, Any]) -> None:
    assert body(paths["/parcels/{parcel}/moves"]["post"])["properties"]["shelf"]["type"] == "string"
    onto = paths["/v1/shelves/{shelf}/parcels/{parcel}"]["post"]
    assert names(onto, "path") == ["shelf", "parcel"]
    assert "requestBody" not in onto
    count = paths["/v1/counts/{row}/{place}"]["put"]
    assert [each["schema"]["type"] for each in count["parameters"] if each["in"] == "path"] == [
        "integer",
        "string",
    ]


def test_inputs_are_nobody_s_to_send(paths: dict[str, Any]) -> None:
    assert list(body(paths["/v1/notes"]["post"])["properties"]) == ["words"]


def test_refusals_are_answers_by_their_status(paths: dict[str, Any]) -> None:
    arrive, move = paths["/parcels/{parcel}"]["post"], paths["/parcels/{parcel}/moves"]["post"]
    assert set(arrive["responses"]) == {"201", "409", "412", "422"}
    assert "`here`: this parcel is here already" in arrive["responses"]["409"]["description"]
    assert "`nested`" in arrive["responses"]["422"]["description"]
    assert "`the shelf is full`" in move["responses"]["409"]["description"]
    assert "`gone`" in move["responses"]["404"]["description"]


def test_a_problem_has_a_kind_and_that_of_a_refusal_its_details(paths: dict[str, Any]) -> None:
    refused = paths["/parcels/{parcel}"]["post"]["responses"]["409"]["content"]["application/problem+json"][
        "schema"
    ]
    assert "kind" in refused["required"]
    assert refused["properties"]["details"]["type"] == "object"


def test_tags_words_and_security_are_those_of_fastapi(paths: dict[str, Any]) -> None:
    arrive, count = paths["/parcels/{parcel}"]["post"], paths["/v1/counts/{row}/{place}"]["put"]
    assert (arrive["tags"], arrive["description"]) == (["parcels"], "A parcel arrives.")
    assert (count["summary"], count["deprecated"]) == ("Count it", True)
    assert arrive["security"] == [{"APIKeyHeader": []}]


def test_what_is_read_has_its_parameters_and_its_schema(paths: dict[str, Any]) -> None:
    one, many = paths["/parcels/{parcel}"]["get"], paths["/parcels"]["get"]
    assert (names(one, "query"), "ETag" in one["responses"]["200"]["headers"]) == (["at"], True)
    assert names(many, "query") == ["where", "order", "limit", "cursor", "total", "after"]
    page = many["responses"]["200"]["content"]["application/json"]["schema"]
    assert "grams" in page["properties"]["items"]["items"]["properties"]
    live = paths["/parcels/{parcel}/live"]["get"]["responses"]["200"]
    assert list(live["content"]) == ["text/event-stream"]
