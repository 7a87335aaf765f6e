"""`backstory find`: states of a kind by a condition."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("application")


def test_states_are_found_by_a_condition_and_sorted(run: Run) -> None:
    ran = run("find", "Account", "--sort=-balance")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()][:1] == ["account"]
    found = run("find", "Account", "--sort=-balance", "--json").json
    balances = [each["fields"]["balance"] for each in found["states"]]
    assert balances == sorted(balances, reverse=True)
    assert len(balances) == 2
    assert (found["cursor"], found["total"]) == (None, None)


def test_a_piece_leads_to_the_next(run: Run) -> None:
    first = run("find", "Account", "-n", "1", "--count", "--json").json
    assert (len(first["states"]), first["total"]) == (1, 2)
    second = run("find", "Account", "-n", "1", "--after", first["cursor"], "--json").json
    assert first["states"] != second["states"]
    assert second["cursor"] is None
    ran = run("find", "Account", "-n", "1", "--count")
    assert f"--after {first['cursor']}" in ran.err
    assert "2 in all" in ran.err


def test_states_are_found_as_of_a_revision(run: Run) -> None:
    whole = run("find", "Account", "--json").json["states"]
    before = run("find", "Account", "--at", "#1", "--json").json["states"]
    assert len(before) == 1 < len(whole)


def test_none_is_exit_code_1(run: Run) -> None:
    ran = run("find", "Account", "--where", "balance > 1000000000")
    assert (ran.code, ran.out, ran.err) == (1, "", "backstory: no Account is so\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Nothing"], "Nothing"),
        (["Account", "--where", "balanc < 3"], "balanc"),
        (["Account", "--sort", "balanc"], "balanc"),
        (["Account", "-n", "0"], "-n takes a number"),
        (["Account", "--after", "x"], "no cursor"),
    ],
)
def test_a_question_without_sense_is_exit_code_2(run: Run, words: list[str], said: str) -> None:
    ran = run("find", *words)
    assert ran.code == 2
    assert said in ran.err
