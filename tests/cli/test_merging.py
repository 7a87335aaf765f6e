"""Merge, rebase and cherry-pick on the command line: conflicts, ways out, and what waits meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_branches import ok
from tests.cli.test_schema import changed


@pytest.fixture
def parted(application: Path, run: Run) -> Path:
    """On what-if 250 of 300 are taken out, and another account gets 10; on main meanwhile 100 are taken out."""
    ok(run, "switch", "-c", "what-if")
    ok(run, "do", "withdraw", "a-7", "--cents", "250", "--id", "try")
    ok(run, "do", "deposit", "c-1", "--cents", "10", "--id", "pay-c")
    ok(run, "switch", "main")
    ok(run, "do", "withdraw", "a-7", "--cents", "100", "--id", "cash")
    return application


@pytest.mark.usefixtures("application")
def test_a_branch_that_alone_went_on_is_fast_forwarded(run: Run) -> None:
    ok(run, "switch", "-c", "what-if")
    ok(run, "do", "withdraw", "a-7", "--cents", "250")
    hash = run("show", "--json").json["hash"]
    ok(run, "switch", "main")
    assert "would be a fast-forward" in ok(run, "merge", "what-if", "--dry-run")
    assert "fast-forward: 1 commit, #7" in ok(run, "merge", "what-if")
    assert run("show", "--json").json["hash"] == hash
    assert "nothing to do" in ok(run, "merge", "what-if")


@pytest.mark.usefixtures("parted")
def test_a_conflict_appends_nothing_and_says_why_and_what_to_type(run: Run) -> None:
    before = run("stats", "--json").json
    ran = run("merge", "what-if")
    assert ran.code == 1
    for words in (
        "conflict: 1 of 2 commits from what-if conflicts with main: its decision read events that have changed",
        'decided by withdraw(account={"account":"a-7"}, cents=250)',
        '#7 Withdrawn  account:a-7  {"account":"a-7","cents":100}',
        "~ balance: 300 -> 200",
        "deposit(c-1, …)  clean",
        "backstory merge --redecide",
        "backstory merge --abort",
    ):
        assert words in ran.out
    assert run("stats", "--json").json == before
    status = ok(run, "status")
    assert "a merge of what-if into main is unfinished: choose how to resolve it" in status
    assert "backstory merge --skip" in status
    assert run("status", "--json").json["pending"]["source"] == "what-if"
    assert "is unfinished" in run("rebase", "main", "-b", "what-if").err
    assert "is unfinished" in run("merge", "other").err
    assert "forgotten" in run("merge", "--abort").err
    assert not os.path.lexists(".backstory") or "pending" not in Path(".backstory").read_text(
        encoding="utf-8"
    )
    assert run("merge", "--abort").code == 2


def test_deciding_again_is_not_offered_where_a_command_cannot_be_run_again(run: Run, parted: Path) -> None:
    was, now = (f"def withdraw(account: Account, {name}: int)" for name in ("cents", "amount"))
    shown = changed(parted, run, was, now, "merge", "what-if").out
    assert "withdraw has no parameter cents; if it has another name now" in shown
    assert "backstory merge --skip " in shown
    assert "--redecide" not in shown
    shown = changed(
        parted, run, f"@command\n{now}", f'@command(renamed={{"cents": "amount"}})\n{now}', "status"
    ).out
    assert "backstory merge --redecide" in shown


@pytest.mark.usefixtures("parted")
def test_a_conflict_as_a_document(run: Run) -> None:
    ran = run("merge", "what-if", "--dry-run", "--json")
    assert ran.code == 1
    assert not ran.json["done"]
    first, second = ran.json["steps"]
    assert (first["outcome"], second["outcome"]) == ("conflict", "clean")
    assert first["before"]["account"]["balance"] == 300
    assert first["after"]["account"]["balance"] == 200
    assert first["in_the_way"][0]["position"] == 7
    assert "pending" not in ok(run, "status", "--json") or run("status", "--json").json["pending"] is None


@pytest.mark.parametrize(
    ("way", "balance", "said"),
    [
        (["--redecide"], 200, "left out: refused: insufficient funds"),
        (["--skip"], 200, "left out"),
        (["--skip", "try"], 200, "left out"),
        (["--force", "-m", "they agreed"], -50, "forced"),
        (["--continue", "--force", "#7", "-m", "they agreed"], -50, "forced"),
    ],
)
@pytest.mark.usefixtures("parted")
def test_a_way_out_ends_it(run: Run, way: list[str], balance: int, said: str) -> None:
    assert run("merge", "what-if").code == 1
    assert said in ok(run, "merge", *way)
    assert run("state", "Account", "a-7", "--json").json["fields"]["balance"] == balance
    assert run("state", "Account", "c-1", "--json").json["fields"]["balance"] == 10
    assert run("status", "--json").json["pending"] is None
    assert run("merge", *way).code == 2
    assert ok(run, "verify").startswith("sound")


@pytest.mark.usefixtures("parted")
def test_a_way_out_may_come_at_once_also_before_the_branch(run: Run) -> None:
    assert "left out" in ok(run, "merge", "--skip", "what-if")


@pytest.mark.usefixtures("parted")
def test_answers_for_single_commits_add_up(run: Run) -> None:
    ok(run, "-b", "what-if", "do", "deposit", "b-1", "--cents", "5", "--id", "pay-b")
    ok(run, "do", "deposit", "b-1", "--cents", "7")
    assert (
        len([s for s in run("merge", "what-if", "--json").json["steps"] if s["outcome"] == "conflict"]) == 2
    )
    half = run("merge", "--skip", "try")
    assert half.code == 1
    assert "try: skip" in ok(run, "status")
    assert "decided again, the same" in ok(run, "merge", "--redecide", "pay-b")
    assert run("state", "Account", "a-7", "--json").json["fields"]["balance"] == 200


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["merge"], "merge needs an argument"),
        (["merge", "nope"], "there are: main"),
        (["merge", "main"], "backstory switch main"),
        (["merge", "what-if", "--force"], "--force -m WHY"),
        (["merge", "what-if", "--skip", "--redecide"], "--skip ID"),
        (["rebase", "what-if"], "main is never moved"),
        (["cherry-pick", "nope"], "no branch, mark or commit"),
        (["cherry-pick", "--abort"], "nothing to abort"),
    ],
)
@pytest.mark.usefixtures("parted")
def test_what_cannot_be_is_a_usage_error(run: Run, words: list[str], message: str) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert message in ran.err
    assert run("status", "--json").json["pending"] is None


@pytest.mark.usefixtures("parted")
def test_a_preview_says_what_deciding_again_would_give(run: Run) -> None:
    for verb in (("merge", "what-if"), ("rebase", "main", "-b", "what-if"), ("cherry-pick", "try")):
        ran = run(*verb, "--preview")
        assert ran.code == 1
        assert "    decided again, it would be refused: insufficient funds\n" in ran.out
        [conflict] = [
            step for step in run(*verb, "--preview", "--json").json["steps"] if step["outcome"] == "conflict"
        ]
        assert conflict["again"] == {"outcome": "refused", "reason": "insufficient funds", "events": []}
        assert run("status", "--json").json["pending"] is None
    assert run("merge", "what-if", "--dry-run", "--json").json["steps"][0]["again"] is None
    assert "taken over" not in ok(run, "merge", "what-if", "--preview", "--skip").replace(
        "would be taken over", ""
    )


@pytest.mark.usefixtures("parted")
def test_without_the_application_commands_are_shown_and_cannot_be_decided_again(run: Run) -> None:
    Path("pyproject.toml").unlink()
    words = [sys.executable, "-m", "backstory", "merge", "what-if", "--redecide"]  # it knows no commands yet
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "name the application that has it: --app MODULE" in ran.stdout
    assert "left out: refused" in ok(run, "merge", "--redecide", "--app", "bank")


@pytest.mark.usefixtures("parted")
@pytest.mark.parametrize("way", ["--skip", "--redecide"])
def test_what_a_merge_skipped_or_refused_is_not_ahead_any_more(run: Run, way: str) -> None:
    assert run("status", "-b", "what-if", "--json").json["ahead"] == 2
    ok(run, "merge", "what-if", way)
    assert run("status", "-b", "what-if", "--json").json["ahead"] == 0
    [what_if] = [each for each in run("branch", "--json").json["branches"] if each["name"] == "what-if"]
    assert (what_if["ahead"], what_if["behind"]) == (0, 1)
    ok(run, "-b", "what-if", "append", "Tried")
    assert run("status", "-b", "what-if", "--json").json["ahead"] == 1


@pytest.mark.usefixtures("parted")
def test_a_rebase_moves_the_branch_and_the_reflog_knows(run: Run) -> None:
    assert run("rebase", "main", "-b", "what-if").code == 1
    assert "rebased: 1 commit of what-if on top of main, #8" in ok(run, "rebase", "--skip")
    [what_if] = [each for each in run("branch", "--json").json["branches"] if each["name"] == "what-if"]
    assert (what_if["base"], what_if["ahead"], what_if["behind"]) == (7, 1, 0)
    assert "rebased" in ok(run, "reflog", "what-if")
    assert "nothing to do" in ok(run, "rebase", "main", "-b", "what-if")


@pytest.mark.usefixtures("parted")
def test_one_commit_is_taken_over(run: Run) -> None:
    assert "taken over: 1 commit" in ok(run, "cherry-pick", "pay-c")
    assert run("state", "Account", "c-1", "--json").json["fields"]["balance"] == 10
    assert run("cherry-pick", "try").code == 1
    assert "is unfinished" in ok(run, "status")
    ok(run, "cherry-pick", "--force", "-m", "they agreed")
    assert run("state", "Account", "a-7", "--json").json["fields"]["balance"] == -50


@pytest.mark.usefixtures("parted")
def test_commits_without_a_condition_go_by_the_policy(run: Run) -> None:
    ok(run, "-b", "what-if", "append", "Seen", "--tag", "account:a-7")
    assert "1 commit had no condition" in ok(run, "merge", "what-if", "--skip", "--dry-run")
    ran = run("merge", "what-if", "--skip", "try", "--unconditioned", "refuse")
    assert ran.code == 1
    assert "it has no condition to judge it by" in ran.out


TALLY = """\
from backstory import Event, State, Tag, command

class Counted(Event):
    tally: Tag[str]
    number: int
    total: int

class Tally(State):
    tally: Tag[str]
    total: int = 0
    def apply(self, event: Counted) -> None:
        self.total += event.number

@command
def count(tally: Tally, number: int) -> Counted:
    return Counted(tally.tally, number, tally.total + number)
"""


@pytest.fixture
def tally(application: Path, run: Run) -> Path:
    """On main and on `two` a tally is counted on, and `two` takes over what main has, decided again."""
    Path("tally.py").write_text(TALLY, encoding="utf-8")
    Path("pyproject.toml").write_text('[tool.backstory]\napp = "tally"\n', encoding="utf-8")
    ok(run, "branch", "two")
    ok(run, "do", "count", "t", "--number", "1", "--id", "X", "--author", "ann")
    ok(run, "-b", "two", "do", "count", "t", "--number", "2", "--id", "Y")
    said = ok(run, "-b", "two", "cherry-pick", "X", "--redecide", "--author", "bob")
    assert "X" in said
    assert "decided again, differently" in said
    return application


@pytest.mark.usefixtures("tally")
def test_what_is_there_in_another_form_is_named_with_its_place(run: Run) -> None:
    made = run("show", "backstory.again.X", "--json").json
    assert (made["author"], made["metadata"]) == ("ann", {"redecided": "X", "decided_by": "bob"})
    said = ok(run, "-b", "two", "merge", "main")
    assert said.startswith("nothing to do: two has everything of main\n")
    assert "count(t, …)  there already, decided differently: #8\n" in said
    ran = run("merge", "two")
    assert ran.code == 1
    assert "conflict: 1 of 2 commits from two" in ran.out
    assert "there already, decided differently: #7\n" in ran.out
    steps = run("merge", "--dry-run", "--json").json["steps"]
    assert [(step["outcome"], step["there"] and step["there"]["id"]) for step in steps] == [
        ("conflict", None),
        ("known", "X"),
    ]
    assert "taken over: 1 commit of two into main" in ok(run, "merge", "--redecide")
    assert run("state", "Tally", "t", "--json").json["fields"]["total"] == 3


@pytest.mark.usefixtures("tally")
def test_what_was_decided_differently_is_not_ahead_and_not_behind(run: Run) -> None:
    document = run("status", "-b", "two", "--json").json
    assert (document["ahead"], document["behind"]) == (1, 0)


@pytest.mark.usefixtures("parted")
def test_what_an_earlier_merge_left_out_is_named_and_can_be_picked(run: Run) -> None:
    ok(run, "merge", "what-if", "--skip")
    said = ok(run, "merge", "what-if")
    assert said.startswith("nothing to do")
    assert "withdraw(a-7, …)  left out by an earlier merge" in said
    assert "1 commit" in ok(run, "cherry-pick", "try", "--force", "-m", "after all")
    assert "left out" not in ok(run, "merge", "what-if")


@pytest.mark.usefixtures("application")
def test_a_rebase_says_whether_the_branch_was_moved_also_where_it_has_nothing_of_its_own(run: Run) -> None:
    ok(run, "branch", "empty")
    nothing = ok(run, "rebase", "main", "-b", "empty")
    assert nothing == "nothing to do: empty starts at main (#6) already\n"
    assert run("rebase", "main", "-b", "empty", "--json").json["done"]
    ok(run, "do", "deposit", "a-7", "--cents", "1")
    assert ok(run, "rebase", "main", "-b", "empty") == "rebased: 0 commits of empty on top of main\n"
    assert "starts at main (#7) already" in ok(run, "rebase", "main", "-b", "empty")
