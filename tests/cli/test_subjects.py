"""Where a commit without a message is shown, its subject stands; and what a command was given stands nowhere there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_branches import ok

DONE = "withdraw(a-7, …)"

pytestmark = pytest.mark.usefixtures("paid")


@pytest.fixture
def paid(application: Path, run: Run) -> Path:
    """The bank, whose last commit a command made that got no message."""
    ok(run, "do", "withdraw", "a-7", "--cents", "77", "--id", "by-ann", "--author", "ann")
    return application


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["log"], f"    {DONE}"),
        (["log", "--stat"], f"    {DONE}"),
        (["log", "--patch"], f"    {DONE}"),
        (["log", "--graph"], f"|     {DONE}"),
        (["log", "--format", "{subject}"], DONE),
        (["log", "--format", "<{message}>"], "<>"),
        (["show"], f"    {DONE}"),
        (["status"], f"  {DONE}"),
        (["bisect", "Account", "a-7", "--where", "balance == 223"], f"    {DONE}"),
        (["bisect", "run", "exit $((BACKSTORY_AT > 6))"], f"    {DONE}"),
    ],
)
def test_every_verb_that_shows_a_message_shows_the_subject_where_there_is_none(
    run: Run, words: list[str], line: str
) -> None:
    assert line in ok(run, *words).splitlines()


@pytest.mark.parametrize(
    "words",
    [
        ["log", "--oneline"],
        ["log", "--oneline", "--graph"],
        ["log", "--oneline", "--type", "Withdrawn"],
        ["blame", "Account", "a-7"],
        ["branch", "-v"],
        ["bisect", "Account", "a-7", "--where", "balance == 223", "--turns"],
        ["do", "withdraw", "a-7", "--cents", "1"],
        ["diff", "HEAD~1..HEAD"],
    ],
)
def test_what_tells_a_commit_on_one_line_has_its_subject(run: Run, words: list[str]) -> None:
    said = run(*words).out
    assert DONE in said
    assert "cents=77" not in said


def test_the_subject_is_that_of_the_whole_commit_whatever_of_it_is_asked_for(run: Run) -> None:
    assert "RateChanged, Noted\n" in ok(run, "log", "--oneline", "--type", "Noted")


def test_json_has_the_message_as_it_is_stored_and_the_subject(run: Run) -> None:
    pairs = [(each["message"], each["subject"]) for each in run("log", "--ndjson", "-n", "4").ndjson]
    assert pairs == [
        ("", DONE),
        ("", "RateChanged, Noted"),
        ("rent\n\nfor November\n", "rent"),
        ("", "deposit()"),
    ]
    for words in (["show"], ["do", "withdraw", "a-7", "--cents", "77", "--id", "by-ann"]):
        document = run(*words, "--json").json
        assert (document["message"], document["subject"]) == ("", DONE)
    assert run("status", "--json").json["subject"] == DONE
    [balance] = [
        part for part in run("blame", "Account", "a-7", "--json").json["parts"] if part["path"] == "/balance"
    ]
    assert (balance["message"], balance["subject"]) == ("", DONE)
    [commit] = run("grep", "withdraw", "--json").json["commits"]
    assert (commit["message"], commit["subject"]) == ("", DONE)


def test_what_is_exported_has_only_what_is_stored(run: Run) -> None:
    for form in ([], ["--format", "cloudevents"]):
        last = ok(run, "export", *form).splitlines()[-1]
        assert "message" not in last
        assert "withdraw(" not in last


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"^withdraw\(a-7", [7]),
        ("77", []),
        ("RateChanged", [6]),
        ("for November", [4]),
        ("rent|withdraw", [7, 4]),
    ],
)
def test_subjects_are_searched_like_messages(run: Run, pattern: str, found: list[int]) -> None:
    assert [each["position"] for each in run("log", "--grep", pattern, "--ndjson").ndjson] == found
    assert [each["position"] for each in run("grep", pattern, "--ndjson").ndjson] == found
    assert ok(run, "log", "--graph", "--format", "{position}", "--grep", pattern).splitlines() == [
        f"* {position}" for position in found
    ]


def test_a_revert_is_told_by_the_place_of_what_it_reverts_on_every_branch(run: Run) -> None:
    ok(run, "revert", "HEAD", "--author", "bob")
    assert "#8 Revert #7\n" in ok(run, "log", "--oneline", "-n", "1")
    ok(run, "switch", "-c", "early", "main~2")
    picked = run("cherry-pick", "main", "--unconditioned", "allow", "--force", "-m", "as it is").out
    assert "Revert #7" in picked  # where it comes from, it stands on that
    assert "#7 (HEAD -> early) Revert by-ann\n" in ok(run, "log", "--oneline", "-n", "1")
    assert run("show", "--json").json["metadata"] == {"reverts": ["by-ann"]}


def test_a_revert_keeps_the_message_that_is_given(run: Run) -> None:
    ok(run, "revert", "HEAD", "-m", "a mistake")
    assert "#8 a mistake\n" in ok(run, "log", "--oneline", "-n", "1")


def test_what_is_merged_gets_no_message_of_its_own(run: Run) -> None:
    ok(run, "switch", "-c", "what-if", "main~1")
    ok(run, "do", "deposit", "b-1", "--cents", "5", "--id", "in")
    ok(run, "switch", "main")
    merged = run("merge", "what-if", "--json").json
    assert [(step["commit"]["message"], step["commit"]["subject"]) for step in merged["steps"]] == [
        ("", "deposit(b-1, …)")
    ]
    assert [(each["position"], each["subject"]) for each in merged["commits"]] == [(8, "deposit(b-1, …)")]
    assert run("show", "in", "--json").json["message"] == ""


def test_a_rebase_tells_the_commits_of_the_branch_as_it_was(run: Run) -> None:
    ok(run, "switch", "-c", "what-if", "main~1")
    ok(run, "append", "Seen", "--tag", "user:ann")
    said = ok(run, "rebase", "main")
    assert "#7 Seen  unchecked" in said
    assert "#8 (HEAD -> what-if) Seen" in ok(run, "log", "--oneline", "-n", "1")


def test_the_reflog_tells_what_was_picked_by_its_subject_while_the_branch_has_it(run: Run) -> None:
    ok(run, "switch", "-c", "early", "main~1")
    ok(run, "append", "Seen", "--id", "seen")
    ok(run, "-b", "main", "cherry-pick", "seen")
    assert "commit seen, Seen\n" in ok(run, "reflog", "main")
    ok(run, "cherry-pick", "main~1")
    ok(run, "switch", "main")
    ok(run, "branch", "-d", "early")
    assert "commit by-ann\n" in ok(run, "reflog", "early")
