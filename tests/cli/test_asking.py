"""diff, blame, bisect and grep on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonpatch
import pytest

from tests.cli.conftest import Run
from tests.cli.test_branches import ok


def positions(run: Run, *words: str) -> list[int]:
    """Where the commits are that a log lists."""
    return [each["position"] for each in run("log", *words, "--json").json["commits"]]


@pytest.fixture
def parted(application: Path, run: Run) -> Path:
    """300 on main, and 50 on what-if, where another account was opened too."""
    ok(run, "switch", "-c", "what-if")
    ok(run, "do", "withdraw", "a-7", "--cents", "250", "-m", "a try", "--author", "ann")
    ok(run, "do", "deposit", "c-1", "--cents", "10")
    ok(run, "switch", "main")
    ok(run, "do", "deposit", "b-1", "--cents", "5")
    return application


@pytest.mark.usefixtures("parted")
def test_diff_of_two_branches_shows_what_only_one_of_them_has(run: Run) -> None:
    ran = run("diff", "main", "what-if")
    assert ran.code == 1
    signs = [line[0] for line in ran.out.splitlines()]
    assert signs == ["-", "-", "+", "+", "+", "+"]
    assert run("diff", "main..what-if").out == ran.out
    assert "only in a: 1 commit; only in b: 2 commits" in run("diff", "main", "what-if", "--stat").out
    document = run("diff", "main", "what-if", "--json").json
    assert len(document["added"]) == 2
    assert document["differs"]
    assert run("diff", "main...what-if").out.count("- ") == 0
    assert run("diff", "main", "main") == (0, "", "")


@pytest.mark.usefixtures("parted")
def test_diff_of_a_state_is_field_by_field(run: Run) -> None:
    ran = run("diff", "main", "what-if", "Account", "a-7")
    assert (ran.code, ran.out) == (1, "Account a-7  main -> what-if\n  ~ balance: 300 -> 50\n")
    assert (
        run("diff", "what-if", "Account", "a-7").out
        == "Account a-7  what-if -> HEAD\n  ~ balance: 50 -> 300\n"
    )
    assert run("diff", "#1..main", "Account", "a-7", "--summary").out == "Account a-7  1 changed\n"
    document = run("diff", "main", "what-if", "Account", "a-7", "--json").json
    patch = json.loads(run("diff", "main", "what-if", "Account", "a-7", "--json-patch").out)
    assert jsonpatch.apply_patch(document["before"], patch) == document["after"]
    assert run("diff", "#2", "main", "Account", "zzz").code == 0
    assert "~ cents" in run("diff", "main", "what-if", "account:a-7").out


@pytest.mark.usefixtures("parted")
def test_diff_of_all_states_of_a_kind(run: Run) -> None:
    ran = run("diff", "main", "what-if", "--all", "Account")
    assert ran.code == 1
    assert "Account a-7\n  ~ balance: 300 -> 50\n" in ran.out
    assert "3 Accounts differ" in ran.err
    assert run("diff", "main", "what-if", "--all", "Account", "--stat").out.count("1 changed") == 3
    assert "account:a-7" in run("diff", "main", "what-if", "--all", "tags").out
    assert len(run("diff", "main", "what-if", "--all", "Account", "--json").json["states"]) == 3
    assert "Account c-1" in json.loads(run("diff", "main", "what-if", "--all", "Account", "--json-patch").out)
    assert run("diff", "main", "main", "--all", "Account").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["diff", "account:a-7"], "Revisions come first"),
        (["diff", "main", "nope"], "no branch, mark or commit"),
        (["diff", "main", "Acount", "a-7"], "did you mean Account?"),
        (["diff", "main", "what-if", "--json-patch"], "--json-patch is for"),
        (["diff", "main", "what-if", "x:y", "--all", "Account"], "too much"),
        (["blame", "Acount", "a-7"], "did you mean Account?"),
        (["blame", "account:a-7", "x"], "too much"),
        (["bisect", "Account", "a-7"], "--where"),
        (["bisect", "Account", "a-7", "--where", "balnce < 0"], "no field 'balnce'"),
        (["bisect", "Account", "a-7", "--where", "__import__('os')"], "can be called"),
        (["bisect", "Account", "a-7", "--where", "balance < 0", "-n", "3"], "--all --turns"),
        (["bisect", "Account", "--all", "--where", "balance < 0", "--ndjson"], "--all --turns"),
        (["bisect", "Account", "--all", "--where", "balance < 0", "--turns", "-n", "-1"], "takes a number"),
        (["bisect", "run"], "bisect run needs a command"),
        (["bisect", "run", "true", "--where", "x"], "the other way"),
        (["bisect", "run", "exit 200", "--of", "Account", "a-7"], "ended with 200"),
        (["bisect", "run", "true", "--good", "#4", "--bad", "#2"], "is to be before"),
        (["grep", "("], "is not a regular expression"),
        (["grep", "x", "--type", "y"], "--data"),
        (["log", "-S", "cents"], "PATH=VALUE"),
        (["log", "--of", "Account"], "-S"),
        (["log", "account:a-7"], "backstory log --tag account:a-7"),
        (["log", "--graph", "a..b"], "not a range"),
        (["log", "--graph", "--json"], "neither"),
        (["log", "--format", "{author.__class__}"], "{subject}"),
        (["log", "--format", "{hash"], "expected '}'"),
        (["log", "--format", "{size:zz}"], "--format {size:zz}"),
    ],
)
@pytest.mark.usefixtures("parted")
def test_what_cannot_be_is_a_usage_error(run: Run, words: list[str], message: str) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.usefixtures("parted")
def test_blame_names_who_gave_each_field_its_value(run: Run) -> None:
    lines = ok(run, "blame", "Account", "a-7", "-b", "what-if").splitlines()
    assert lines[0].split() == ["field", "value", "since", "commit", "time", "author", "message"]
    assert lines[1].split()[:3] == ["balance", "50", "#7"]
    assert lines[1].endswith("ann     a try")
    assert lines[2].endswith("(default)")
    parts = {part["path"]: part for part in run("blame", "Account", "a-7", "--json").json["parts"]}
    assert parts["/balance"]["position"] == 3
    assert parts["/balance"]["author"] == "Bob Ray"
    owner = next(line for line in ok(run, "blame", "account:a-7").splitlines() if line.startswith("owner"))
    assert "#1" in owner
    assert "#1" in ok(run, "blame", "account:a-7", "--at", "#1")
    account = run("blame", "account:a-7", "--assertions", "--json").json["parts"]
    assert next(part for part in account if part["path"] == "/account")["position"] == 3
    assert run("blame", "Account", "zzz").code == 1


@pytest.mark.usefixtures("parted")
def test_bisect_finds_the_event_and_says_what_it_did(run: Run) -> None:
    shown = ok(run, "bisect", "Account", "a-7", "--where", "balance == 50", "-b", "what-if")
    assert shown.startswith("Account a-7: balance == 50, since #7\n")
    assert "a try" in shown
    assert "~ balance: 300 -> 50" in shown
    assert run("bisect", "Account", "a-7", "--where", "balance == 50").code == 1
    assert "owner" in ok(run, "bisect", "account:a-7", "--where", "owner == 'Ann'")
    found = run("bisect", "Account", "--all", "--where", "balance == 205", "--json").json["found"]
    assert (found["identity"], found["position"]) == ({"account": "b-1"}, 7)
    assert run("bisect", "Account", "--all", "--where", "balance == 1").code == 1


@pytest.mark.usefixtures("parted")
def test_bisect_says_when_it_went_back_and_forth(run: Run) -> None:
    words = ("bisect", "Account", "a-7", "--where", "balance >= 500")
    ran = run(*words)
    assert "since #2" in ran.out
    assert "2 turns, and is not true at #7" in ran.err
    assert [line.split()[0] for line in ok(run, *words, "--turns").splitlines()[1:]] == ["true", "false"]
    assert [turn["holds"] for turn in run(*words, "--json").json["turns"]] == [True, False]


@pytest.mark.usefixtures("parted")
def test_bisect_lists_the_turns_of_every_state_of_a_kind(run: Run) -> None:
    words = ("bisect", "Account", "--all", "--where", "balance >= 205", "--turns")
    ran = run(*words)
    lines = [line.split()[:4] for line in ran.out.splitlines()[1:]]
    assert lines == [["true", "Account", "a-7", "#2"], ["true", "Account", "b-1", "#7"]]
    assert "2 turns of 2; true at #7 of 2 of them" in ran.err
    assert [turn["identity"]["account"] for turn in run(*words, "--json").json["turns"]] == ["a-7", "b-1"]
    lost = run(*words, "-b", "what-if", "--ndjson").ndjson
    assert [(turn["holds"], turn["position"], turn["since"]) for turn in lost] == [
        (True, 2, None),
        (False, 7, 2),
    ]
    assert [turn["kind"] for turn in lost] == ["turn", "turn"]
    few = run(*words, "-n", "1")
    assert (few.code, len(few.out.splitlines())) == (0, 2)
    assert "there may be more: -n" in few.err
    assert run(*words, "--bad", "#1") == (1, "Account: balance >= 205\n", "it never turned\n")
    assert [turn["position"] for turn in run(*words, "--good", "#2", "--json").json["turns"]] == [7]
    assert "sku" in run("bisect", "tags", "--all", "--where", "sku == 1", "--turns").err


@pytest.mark.usefixtures("parted")
def test_bisect_run_asks_a_command_as_git_does(run: Run) -> None:
    ran = run("bisect", "run", "! grep -q :50,", "--of", "Account", "a-7", "--bad", "what-if")
    assert ran.code == 0
    assert "the first bad commit" in ran.out
    assert "a try" in ran.out
    found = run("bisect", "run", "--json", "--", "sh", "-c", 'test "$BACKSTORY_AT" -lt 2').json
    assert [commit["position"] for commit in found["commits"]] == [2]
    skipped = run("bisect", "run", "exit 125", "--good", "#1")
    assert skipped.code == 1
    assert "could not be judged" in skipped.out


@pytest.mark.usefixtures("parted")
def test_grep_looks_in_messages_or_in_data(run: Run) -> None:
    assert ok(run, "grep", "RENT", "-i").endswith(" #3..#4 rent\n")
    ran = run("grep", "RENT")
    assert (ran.code, "--data looks in the data of events" in ran.err) == (1, True)
    assert "a try" in ok(run, "grep", "try", "what-if")
    assert ok(run, "grep", '"cents":500', "--data").startswith("#2 Deposited  account:a-7")
    assert run("grep", "cents", "--data", "--type", "Withdrawn", "--ndjson").ndjson[0]["position"] == 3
    assert len(run("grep", ".", "-n", "2", "--json").json["commits"]) == 2
    assert "\x1b[31;1m" in ok(run, "grep", "rent", "--color", "always")


def test_log_shows_ranges_and_revisions(run: Run, parted: Path) -> None:
    assert positions(run, "main~1") == [6, 4, 2, 1]
    assert positions(run, "main..what-if") == [8, 7]
    assert positions(run, "..what-if") == [8, 7]
    assert positions(run, "#2..main", "--reverse") == [4, 6, 7]
    assert [line[0] for line in ok(run, "log", "main...what-if", "--oneline").splitlines()] == [">", ">", "<"]
    assert positions(run, "main..what-if", "--type", "Withdrawn") == [7]
    assert positions(run, "what-if", "-n", "1") == [8]
    ok(run, "merge", "what-if")
    assert positions(run, "main..what-if") == []


@pytest.mark.usefixtures("parted")
def test_log_draws_the_branches(run: Run) -> None:
    lines = ok(run, "log", "--graph", "--oneline").splitlines()
    assert "(HEAD -> main)" in lines[0]
    assert [line.split(" ")[:2] for line in lines][1:4] == [["|", "*"], ["|", "*"], ["|/"]]
    assert all(line[0] == "*" for line in [lines[0], *lines[4:]])
    assert len(ok(run, "log", "--graph", "--oneline", "-n", "2").splitlines()) == 2
    assert "| *" not in ok(run, "log", "--graph", "main")
    assert ok(run, "log", "--graph", "--format", "{subject}", "--author", "Bob") == "* rent\n"


@pytest.mark.usefixtures("parted")
def test_a_fast_forwarded_branch_is_drawn_once(run: Run) -> None:
    ok(run, "switch", "-c", "ahead")
    ok(run, "append", "Noted", "-m", "one more")
    ok(run, "switch", "-c", "further")
    ok(run, "append", "Noted", "-m", "and more")
    ok(run, "-b", "main", "merge", "ahead")
    lines = ok(run, "log", "further", "--graph", "--format", "{subject}", "-n", "3").splitlines()
    assert [line.strip() for line in lines] == ["* and more", "/", "* one more", "* deposit(b-1, …)"]
    assert ok(run, "log", "--graph", "--oneline").count("one more") == 1


@pytest.mark.usefixtures("parted")
def test_log_shows_what_each_commit_changed(run: Run) -> None:
    shown = ok(run, "log", "-p", "what-if", "-n", "1")
    assert "    Account c-1\n      ~ balance: 0 -> 10\n" in shown
    [commit] = run("log", "-p", "-n", "1", "--json").json["commits"]
    assert commit["changes"][0]["identity"] == {"account": "b-1"}
    Path("pyproject.toml").unlink()
    assert "    account:b-1\n      ~ cents: 200 -> 5\n" in ok(run, "log", "-p", "-n", "1")
    stat = ok(run, "log", "--stat", "#4", "-n", "1")
    assert "    Withdrawn |     1 +\n    Deposited |     1 +\n    2 events of 2 types, about 3 tags\n" in stat


@pytest.mark.usefixtures("parted")
def test_log_finds_the_commits_that_gave_a_field_a_value(run: Run) -> None:
    assert positions(run, "-S", "cents=200") == [4]
    assert positions(run, "-S", "owner=Ann") == [1]
    assert positions(run, "-S", "balance=300", "--of", "Account", "a-7") == [4]
    assert positions(run, "-S", "balance=10", "--of", "Account") == []
    assert positions(run, "what-if", "-S", "balance=10", "--of", "Account") == [8]
    assert positions(run, "-S", "cents=500", "--of", "account:a-7") == [2]
    assert positions(run, "-S", "percent=2.5", "--of", "Rates") == [6]


@pytest.mark.usefixtures("parted")
def test_log_writes_commits_in_a_form(run: Run) -> None:
    form = "{position}|{first}|{size:>3}|{time:%Y}|{author}|{subject}|{types}|{tags}|{names}\\t."
    assert ok(run, "log", "#4", "-n", "1", "--format", form) == (
        "4|3|  2|2026|Bob Ray|rent|Withdrawn Deposited|account:a-7 transfer:t-1 account:b-1||\t.\n".replace(
            "||\t", "|\t"
        )
    )
    [hash] = ok(run, "log", "-n", "1", "--format", "{hash}").split()
    assert hash.startswith(ok(run, "log", "-n", "1", "--format", "{short}").strip())
    assert "HEAD -> main" in ok(run, "log", "-n", "1", "--format", "{names} {command}")
