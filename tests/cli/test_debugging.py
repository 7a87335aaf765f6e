"""why, spec, backtest and what-if on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_branches import ok


@pytest.fixture
def moved(application: Path, run: Run) -> Path:
    """200 were moved from a-7 to c-1, because somebody asked."""
    ok(run, "do", "transfer", "a-7", "c-1", "--cents", "200", "-m", "rent", "--author", "ann")
    return application


@pytest.mark.usefixtures("moved")
def test_why_tells_the_event_the_decision_and_what_that_had_read(run: Run) -> None:
    ran = run("why", "Account", "c-1", "balance")
    assert ran.code == 0
    for words in (
        "Account c-1  balance: 200",
        "given by #8 Deposited  account:c-1",
        "by ann",
        '"name":"transfer"',
        "it had read Account a-7",
        "balance  300  since #3 Withdrawn",
        "it had read Account c-1: nothing had happened to it",
        "no cause of it is recorded",
    ):
        assert words in ran.out
    document = run("why", "Account", "c-1", "balance", "--json").json
    assert (document["kind"], document["value"], document["path"]) == ("why", 200, "/balance")
    assert document["event"]["position"] == 8
    assert document["commit"]["command"]["name"] == "transfer"
    assert document["read"][0]["parts"][0] == {
        "path": "/balance",
        "value": 300,
        "position": 3,
        "type": "Withdrawn",
    }


@pytest.mark.usefixtures("moved")
def test_why_of_a_default_is_exit_code_1_and_of_a_field_that_is_not_there_2(run: Run) -> None:
    ran = run("why", "Account", "nobody", "balance")
    assert (ran.code, "no event gave it" in ran.out) == (1, True)
    assert run("why", "Account", "nobody", "balance", "--json").json["event"] is None
    ran = run("why", "Account", "a-7", "blance")
    assert (ran.code, "did you mean balance" in ran.err) == (2, True)
    assert run("why", "balance").code == 2


@pytest.mark.usefixtures("bank")
def test_why_of_a_tag_needs_no_application(run: Run) -> None:
    ran = run("why", "account:a-7", "cents", "--at", "#2")
    assert "#2 Deposited" in ran.out
    assert run("why", "account:a-7", "cents", "--at", "#4").out.count("given by #3") == 1
