"""Whatever is sent, it is never a fault of the server, and nothing is written that was not asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.contrib.fastapi.conftest import BOTH, asking

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")


@pytest.fixture(scope="module", params=[*BOTH, "flask"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of one application, which all examples ask."""
    with asking(request.param, tmp_path_factory.mktemp("hostile"), raise_server_exceptions=False) as client:
        yield client


TEXT = some.text(max_size=40) | some.sampled_from(
    [
        "",
        "\x00",
        "p-1",
        "..",
        "%",
        "1",
        "-1",
        "\u202e",
        "'",
        '"',
        "main",
        "HEAD~1",
        "1-0f3a9c1b",
        "@{yesterday}",
        "\U0001f600",
    ]
)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | TEXT,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
BODIES = JSON | some.fixed_dictionaries(
    {},
    optional={
        "size": some.fixed_dictionaries({"grams": some.integers(-5, 40_000) | JSON}, optional={"around": JSON}),
        "sender": TEXT | JSON, "due": TEXT | some.dates().map(str) | JSON, "labels": some.lists(TEXT) | JSON,
        "shelf": TEXT | JSON, "number": some.integers() | JSON, "words": TEXT | JSON,
    },
)  # fmt: skip
HEADERS = some.fixed_dictionaries(
    {},
    optional={
        name: TEXT.filter(str.isprintable).map(lambda text: text.encode("latin-1", "replace").strip())
        for name in (
            "if-match",
            "if-none-match",
            "idempotency-key",
            "x-request-id",
            "traceparent",
            "key",
            "backstory-after",
        )
    },
)
WRITES = some.sampled_from(
    [("POST", "/parcels/{}"), ("PUT", "/parcels/{}/labels"), ("POST", "/parcels/{}/moves"), ("PUT", "/v1/counts/{}/x"),
     ("POST", "/v1/shelves/s/parcels/{}"), ("POST", "/v1/notes")]
)  # fmt: skip
READS = some.sampled_from(["/parcels/{}", "/v1/counts/{}/x", "/v1/shelves/{}", "/parcels", "/v1/counts"])
FEW = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


def raw(headers: dict[str, bytes]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent."""
    return [(name.encode(), value) for name, value in headers.items()]


@FEW
@given(route=WRITES, word=TEXT, body=BODIES, headers=HEADERS)
def test_no_command_is_a_fault(
    shared: TestClient, route: tuple[str, str], word: str, body: Any, headers: dict[str, bytes]
) -> None:
    method, path = route
    sent = json.dumps(body).encode()
    answer = shared.request(
        method,
        path.format(quote(word, safe="")),
        content=sent,
        headers=raw(headers | {"content-type": b"application/json"}),
    )
    assert answer.status_code < 500, answer.text


ASKED = some.dictionaries(
    some.sampled_from(["at", "after", "where", "order", "limit", "cursor", "total"]),
    TEXT
    | some.sampled_from(
        [
            "grams > 1",
            "parcel == 'x'",
            "'a' in labels",
            "len(labels) > 0",
            "row == 9" + "9" * 30,
            "-grams",
            "5",
        ]
    ),
    max_size=3,
)


@FEW
@given(path=READS, word=TEXT, headers=HEADERS, asked=ASKED)
def test_no_question_is_a_fault(
    shared: TestClient, path: str, word: str, asked: dict[str, str], headers: dict[str, bytes]
) -> None:
    answer = shared.get(path.format(quote(word, safe="")), params=asked, headers=raw(headers))
    assert answer.status_code < 500, answer.text
