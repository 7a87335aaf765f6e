"""Whatever is in an address, the answer is a page: never an error of ours."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstory import Database
from backstory.web import pages
from tests.web.addresses import examples
from tests.web.html import faults
from tests.web.story import Client, places

FEW = settings().max_examples // 5
"""Examples for each page; a long run has more."""

PARAMETERS = (
    "at", "type", "tag", "author", "grep", "S", "since", "until", "after", "before", "n", "patch", "filter", "of", "id",
    "where", "good", "bad", "turns", "kind", "only", "field", "q", "assertions", "order", "json", "proof", "name",
    "rebuild", "skip", "upto", "raw", "window", "page", "sort", "key",
)  # fmt: skip
"""Parameters of all pages; each page is asked with those of the others, too."""

TEXTS = st.one_of(
    st.text(max_size=40),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from([
        "", "0", "-1", "1e9", "#5", "#99999999", "HEAD", "HEAD~3", "HEAD~9999", "main", "refund-cap", "q3-prices",
        "..", "a..b",
        "@{yesterday}", "@{9999-12-31}", "@{0001-01-01T00:00+14:00}", "0001-01-01", "(", "[a-",
        "(a+)+$", "a" * 5000, "\x00",
        "\ud800", "%", "%zz", "../../etc/passwd", "<script>", "x or y", "refunded_cents > 'a'", "1/0", "a.b.c", "len()",
        "order:o-1042",
        "order:", ":", "Order", "Item", "state", "null", "true", "١٢", "\U0001d7d9",
    ]),
)  # fmt: skip

ODD = (
    "",
    "0",
    "-1",
    "999999999999999999999",
    "%00",
    "%ff",
    "..",
    "%2e%2e",
    "a%2Fb",
    "%F0%9F%92%A9",
    "h",
    "h/x",
    "h/0",
    "Order/o-1/x/y",
    "order:",
    ":",
)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@cache
def _examples(part: str, known: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(examples([part], dict(known)))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=FEW,
)
@given(st.data())
@pytest.mark.parametrize("part", sorted(pages.PAGES))
def test_no_parameter_is_an_error_of_ours(
    part: str, db: Database, reading: Client, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(_examples(part, tuple(places_of(db))))).partition("?")[0]
    params = data.draw(st.lists(st.tuples(st.sampled_from(PARAMETERS), TEXTS), max_size=4))
    address = f"{path}?{'&'.join(f'{name}={_quoted(value)}' for name, value in params)}"
    answer = reading("does all").get(address)
    assert answer.status_code < 500, (address, answer.text)
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert faults(answer.text) == [], address


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=FEW,
)
@given(st.data())
@pytest.mark.parametrize("part", sorted(pages.PAGES))
def test_no_path_is_an_error_of_ours(part: str, reading: Client, data: st.DataObject) -> None:
    parts = data.draw(st.lists(TEXTS.map(_quoted) | st.sampled_from(ODD), min_size=1, max_size=4))
    address = f"/{part}/{'/'.join(parts)}"
    answer = reading("does all").get(address)
    assert answer.status_code < 500, (address, answer.text)


def test_what_no_browser_sends_is_no_error_of_ours(reading: Client) -> None:
    for headers in (
        {"accept": "application/json\x01"},
        {"cookie": "a=b; ;;=; backstory-form=\x7f"},
        {"cookie": "backstory-form=" + "x" * 8000},
        {"last-event-id": "x"},
        {"sec-fetch-site": "?"},
    ):
        assert reading().get("/log", headers=headers).status_code < 500
    for body in (b"\xff\xfe", b"a=%zz&b", b"&" * 2000, b"token=%00", b"x" * 1_000_001):
        sent = reading("does all").post(
            "/log", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert 400 <= sent.status_code < 500


_known: dict[int, list[tuple[str, str]]] = {}


def places_of(db: Database) -> list[tuple[str, str]]:
    """`places`, found once."""
    return _known.setdefault(id(db), sorted(places(db).items()))
