"""Branches and marks on the command line, and what a folder remembers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def ok(run: Run, *words: str) -> str:
    """What a command that must go well prints."""
    ran = run(*words)
    assert ran.code == 0, ran.err
    return ran.out


@pytest.mark.usefixtures("bank")
def test_every_verb_reads_and_writes_the_branch_that_the_folder_is_on(run: Run) -> None:
    assert ok(run, "switch", "-c", "what-if", "main~1") == "made what-if at #4, and on it now\n"
    ok(run, "append", "Tried", "--tag", "account:a-7", "cents=1", "-m", "a try")
    assert "a try" in ok(run, "log", "--oneline")
    assert "a try" in ok(run, "show")
    assert "cents" in ok(run, "state", "account:a-7")
    assert "Tried" in ok(run, "types")
    assert run("tags", "--key", "account", "--json").json["tags"][0]["last"] == 5
    assert run("stats", "--json").json["position"] == 5
    assert '"Tried"' in ok(run, "export")
    for words in (["log", "--oneline"], ["types"], ["export"]):
        assert "Tried" not in ok(run, *words, "-b", "main")
    ok(run, "switch", "main")
    assert "Tried" not in ok(run, "types")
    assert "Tried" in ok(run, "-b", "what-if", "types")
    assert "2 other logs" in ok(run, "verify")


def test_the_branch_is_remembered_for_this_folder_and_those_below_and_for_this_store(
    run: Run, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(run, "switch", "-c", "what-if")
    ok(run, "-s", "other.db", "init")
    assert "on main" in ok(run, "-s", "other.db", "status")
    (bank.parent / "below").mkdir()
    monkeypatch.chdir(bank.parent / "below")
    assert "on what-if" in ok(run, "status")
    assert "on what-if" in ok(run, "-s", "../bank.db", "status")
    assert not os.path.lexists(".backstory")
    ok(run, "switch", "main")
    ok(run, "switch", "-")
    assert "on what-if" in ok(run, "status")
    (bank.parent / "beside").mkdir()
    monkeypatch.chdir("/")
    assert "on main" in ok(run, "status")


@pytest.mark.usefixtures("bank")
def test_nothing_is_remembered_before_the_first_switch(run: Run) -> None:
    for words in (["branch", "x"], ["status"], ["log"], ["switch", "main"]):
        ok(run, *words)
    assert not os.path.lexists(".backstory")


@pytest.mark.usefixtures("bank")
def test_a_file_that_is_none_of_ours_and_a_branch_that_is_gone_are_named_with_the_way_out(run: Run) -> None:
    ok(run, "switch", "-c", "what-if")
    ok(run, "branch", "other")
    ok(run, "switch", "other")
    ok(run, "branch", "-d", "what-if")
    ok(run, "switch", "main")
    ok(run, "branch", "--restore", "what-if")
    ok(run, "switch", "what-if")
    memory = Path(".backstory").read_text(encoding="utf-8")
    ok(run, "switch", "main")
    ok(run, "branch", "-d", "what-if")
    Path(".backstory").write_text(memory, encoding="utf-8")
    gone = run("log")
    assert gone.code == 2
    assert "backstory switch main" in gone.err
    assert "backstory branch --restore what-if" in gone.err
    Path(".backstory").write_text("no", encoding="utf-8")
    assert "delete it" in run("log").err


@pytest.mark.usefixtures("bank")
def test_the_list_says_where_each_branch_stands(run: Run) -> None:
    ok(run, "branch", "what-if", "main~1")
    ok(run, "-b", "what-if", "append", "Tried", "-m", "a try")
    ok(run, "branch", "deeper", "what-if")
    rows = [line.split() for line in ok(run, "branch").splitlines()]
    assert rows[0] == ["branch", "head", "from", "ahead", "behind"]
    assert rows[1] == ["*", "main", "#6"]
    assert rows[2:] == [
        ["deeper", "#5", "what-if", "#5", "0", "0"],
        ["what-if", "#5", "main", "#4", "1", "1"],
    ]
    assert "a try" in ok(run, "branch", "-v")
    found = {each["name"]: each for each in run("branch", "--list", "--json").json["branches"]}
    assert found["what-if"]["ahead"] == 1
    assert found["main"]["current"]
    ok(run, "branch", "-d", "what-if")
    assert "(deleted) #5" in ok(run, "branch")


@pytest.mark.usefixtures("bank")
def test_a_branch_that_is_deleted_can_be_had_back(run: Run) -> None:
    ok(run, "switch", "-c", "what-if")
    ok(run, "append", "Tried")
    assert "switch main" in run("branch", "-d", "what-if").err
    ok(run, "switch", "main")
    deleted = run("branch", "-d", "what-if")
    assert "with 1 commit that main does not have" in deleted.out
    assert "backstory branch --restore what-if" in deleted.err
    assert run("log", "what-if").code == 2
    ok(run, "branch", "--restore", "what-if")
    assert run("log", "what-if", "-n", "1", "--json").json["commits"][0]["position"] == 7
    assert [entry["kind"] for entry in run("reflog", "what-if", "--json").json["entries"]] == [
        "BranchRestored",
        "BranchDeleted",
        "BranchCreated",
    ]


@pytest.mark.usefixtures("bank")
def test_the_log_that_a_rebase_replaced_can_be_had_back(run: Run) -> None:
    ok(run, "branch", "what-if", "main~1")
    ok(run, "-b", "what-if", "append", "Tried")
    was = run("log", "what-if", "-n", "1", "--json").json["commits"][0]["hash"]
    ok(run, "-b", "what-if", "rebase", "main")
    assert "(before: what-if@{1})" in ok(run, "reflog", "what-if", "-n", "1")
    assert run("reflog", "-n", "1", "--json").json["entries"][0]["former"] == "what-if@{1}"
    assert "already" in run("branch", "--restore", "what-if").err
    assert "one thing at a time" in run("branch", "--restore", "what-if@{1}", "before", "main").err
    assert "before is back, at #5" in ok(run, "branch", "--restore", "what-if@{1}", "before")
    assert run("log", "before", "-n", "1", "--json").json["commits"][0]["hash"] == was
    ok(run, "branch", "-d", "before")
    assert run("branch", "--restore", was[:12], "again", "--json").json["branch"] == "again"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["switch", "nope"], "there are: main"),
        (["switch", "#2"], "backstory switch -c NAME '#2'"),
        (["switch", "main", "#2"], "backstory switch -c NAME '#2'"),
        (["switch", "-"], "no other branch before"),
        (["branch", "main"], "already"),
        (["branch", "a b"], "cannot be a name"),
        (["branch", "x", "#3"], "#4"),
        (["branch", "-d", "main"], "main cannot be deleted"),
        (["branch", "-d", "x", "y"], "one thing at a time"),
        (["branch", "--restore", "x"], "backstory reflog"),
        (["mark", "main"], "already"),
        (["mark", "-d", "x"], "no such mark"),
        (["log", "-b", "nope"], "there are: main"),
        (["reflog", "-n", "-1"], "not -1"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_what_cannot_be_is_said_with_what_can(run: Run, words: list[str], message: str) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.usefixtures("bank")
def test_a_mark_is_a_revision_with_a_message(run: Run) -> None:
    assert "no marks yet" in run("mark").err
    ok(run, "mark", "q3", "#2", "-m", "closed", "--author", "ann")
    assert "q3" in ok(run, "mark")
    [mark] = run("mark", "--json").json["marks"]
    assert (mark["name"], mark["position"], mark["message"], mark["author"]) == ("q3", 2, "closed", "ann")
    assert run("log", "q3", "--json").json["commits"][0]["position"] == 2
    assert "(mark: q3)" in ok(run, "log", "--oneline")
    ok(run, "mark", "-d", "q3")
    assert run("log", "q3").code == 2


@pytest.mark.usefixtures("bank")
def test_the_reflog_tells_what_happened_newest_first(run: Run) -> None:
    assert "nothing has happened" in run("reflog").err
    ok(run, "branch", "one")
    ok(run, "mark", "two")
    lines = ok(run, "reflog").splitlines()
    assert "two" in lines[1]
    assert "marked" in lines[1]
    assert "made" in lines[2]
    assert len(run("reflog", "-n", "1", "--ndjson").ndjson) == 1


@pytest.mark.usefixtures("bank")
def test_status_says_what_to_type_next(run: Run) -> None:
    ok(run, "switch", "-c", "what-if", "main~1")
    ok(run, "append", "Tried")
    shown = ok(run, "status")
    assert "it left main at #4" in shown
    assert "backstory switch main && backstory merge what-if" in shown
    assert "backstory rebase main" in shown
    document = run("status", "--json").json
    assert (document["name"], document["ahead"], document["behind"]) == ("what-if", 1, 1)
    assert document["pending"] is None
