"""why, spec, backtest and what-if on the command line."""

from __future__ import annotations

import subprocess
import sys
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
        'decided by transfer(source={"account":"a-7"}, target={"account":"c-1"}, cents=200)',
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


NEW_RULE = """
from backstory import Refused, command
from bank import Account, Withdrawn, Deposited

@command
def transfer(source: Account, target: Account, cents: int) -> list[Withdrawn | Deposited]:
    if cents > 100:
        raise Refused("at most 100")
    return [Withdrawn(source.account, cents), Deposited(target.account, cents)]
"""


@pytest.mark.usefixtures("moved")
def test_backtest_of_unchanged_code_reports_no_difference(run: Run) -> None:
    ran = run("backtest")
    assert ran.code == 0
    assert ran.out.endswith(
        "#0..#8: 1 same, 0 changed, 0 refused, 0 follows, 1 cannot run; 3 commits taken over as they are\n"
        "cannot run: 1 none\n"
    )
    document = run("backtest", "#6..", "--json").json
    assert document["counts"] == {"same": 1, "changed": 0, "refused": 0, "follows": 0, "cannot run": 0}
    assert (document["differs"], document["decisions"], document["states"]) == (False, [], [])


def test_backtest_with_a_module_says_what_its_rules_would_have_done(moved: Path, run: Run) -> None:
    ok(run, "do", "withdraw", "c-1", "--cents", "150", "--author", "cy")
    (moved.parent / "rules.py").write_text(NEW_RULE, encoding="utf-8")
    ran = run("backtest", "#6..", "--with", "rules")
    assert ran.code == 1
    for words in (
        "refused  ",
        "at most 100",
        "follows  ",
        "insufficient funds",
        "Account c-1",
        "balance: 50 -> 0",
        "follows: 1 of them is refused",
    ):
        assert words in ran.out
    document = run("backtest", "#6..", "--with", "rules", "--json").json
    assert [each["outcome"] for each in document["decisions"]] == ["refused", "follows"]
    assert document["decisions"][0]["reason"] == "at most 100"
    assert document["follows_refused"] == 1
    assert document["decisions"][0]["sizes"] == [2, 0]
    each = run("backtest", "#6..", "--with", "rules", "--each", "--json").json
    assert each["counts"]["same"] == each["counts"]["refused"] == 1
    assert run("backtest", "#6..").code == 0
    assert run("backtest", "#6..", "--command", "withdraw", "--with", "rules").code == 0


def test_backtest_with_a_module_that_replaces_nothing_is_a_wrong_command_line(moved: Path, run: Run) -> None:
    (moved.parent / "empty.py").write_text("", encoding="utf-8")
    (moved.parent / "other.py").write_text(NEW_RULE.replace("def transfer", "def transfr"), encoding="utf-8")
    for name, words in (
        ("empty", "defines no commands"),
        ("other", "did you mean transfer"),
        ("nowhere", "no module"),
    ):
        ran = run("backtest", "--with", name)
        assert (ran.code, words in ran.err) == (2, True)
    assert run("backtest", "--command", "nothing").code == 2
    assert run("backtest", "main...main").code == 2


def test_an_interrupt_ends_a_backtest_with_the_answer_so_far(
    moved: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backstory.history.backtest.run import Backtest

    def interrupted(self: Backtest, *given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Backtest, "_again", interrupted)
    ran = run("backtest")
    assert (ran.code, "stopped at #1, before #8" in ran.out) == (130, True)


def test_spec_prints_a_test_that_passes_when_it_is_pasted(moved: Path, run: Run) -> None:
    ran = run("spec", "Account", "c-1")
    assert (ran.code, ran.err) == (0, "")
    assert "def test_transfer_gives_withdrawn_and_deposited() -> None:" in ran.out
    (moved.parent / "test_pasted.py").write_text(ran.out, encoding="utf-8")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pasted.py"],
        cwd=moved.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 passed" in tested.stdout, tested.stdout
    document = run("spec", "Account", "c-1", "--json").json
    assert (document["passes"], document["text"]) == (True, ran.out)


@pytest.mark.usefixtures("moved")
def test_spec_takes_a_range_and_a_refusal_that_is_to_come(run: Run) -> None:
    ran = run("spec", "Account", "a-7", "--then", "refused", "--code", "too much")
    assert (ran.code, "is to be refused" in ran.err, '.then_refused("too much")' in ran.out) == (
        0,
        True,
        True,
    )
    assert run("spec", "Account", "a-7", "#0..#6").code == 2
    assert run("spec", "Account", "a-7", "#6..main").code == 0
    assert run("spec", "Account", "a-7", "main").out == run("spec", "Account", "a-7").out
    assert "unknown revision" in run("spec", "Account", "a-7", "nowhere").err
    assert run("spec", "Account", "a-7", "--code", "x").code == 2
    assert run("spec", "Account", "nobody").code == 2


@pytest.mark.usefixtures("moved")
def test_what_if_shows_what_a_command_would_do_now_and_in_the_past(run: Run) -> None:
    before = run("log", "--json").json
    ran = run("what-if", "withdraw", "a-7", "--cents", "250")
    assert (ran.code, "was refused" in ran.err) == (1, True)
    ran = run("what-if", "withdraw", "a-7", "--cents", "250", "--at", "#2")
    assert ran.code == 0
    assert "~ balance: 500 -> 250" in ran.out
    document = run("what-if", "withdraw", "a-7", "--cents", "50", "--json").json
    assert (document["kind"], document["at"], document["starts"]) == ("what-if", 8, [])
    assert run("log", "--json").json == before
    assert "how" not in run("what-if", "--help").err
    assert run("what-if").code == 2
