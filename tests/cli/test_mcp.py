"""`backstory mcp`: serves an assistant. What it answers is tested in tests/mcp."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("application")


def test_over_http_it_prints_an_address_on_loopback_and_the_token_that_each_request_needs(run: Run) -> None:
    ran = run("mcp", "--http", "--for", "0.1")
    assert ran.code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/mcp\nAuthorization: Bearer [\w-]{43}\n", ran.out)


def test_each_start_has_another_token(run: Run) -> None:
    one, other = (run("mcp", "--http", "--for", "0.1", "--json").json for _ in range(2))
    assert one["kind"] == "mcp"
    assert one["token"] != other["token"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--http", "--port", "70000"), "from 0, any free one, to 65535"),
        (("--port", "8000"), "--port goes with --http"),
        (("--json",), "--json goes with --http"),
        (("--tag", "nothing", "--http", "--for", "0.1"), "nothing"),
    ],
)
def test_options_that_mean_nothing_are_refused(run: Run, words: tuple[str, ...], says: str) -> None:
    ran = run("mcp", *words)
    assert ran.code == 2
    assert says in ran.err
