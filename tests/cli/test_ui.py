"""`backstory ui`: serves the history browser to the person at this machine."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("application")


def test_it_prints_an_address_with_a_token_on_loopback(run: Run) -> None:
    ran = run("ui", "--no-open", "--for", "0.1")
    assert ran.code == 0
    assert re.search(r"http://127\.0\.0\.1:\d+/enter\?token=[\w-]{43}\n", ran.err)


def test_each_start_has_another_token(run: Run) -> None:
    one, other = (run("ui", "--no-open", "--for", "0.1", "--json").json for _ in range(2))
    assert one["kind"] == "ui"
    assert one["address"].partition("token=")[2] != other["address"].partition("token=")[2]


def test_a_port_that_is_none_is_said(run: Run) -> None:
    ran = run("ui", "--no-open", "--port", "70000")
    assert ran.code == 2
    assert "from 0, any free one, to 65535" in ran.err
