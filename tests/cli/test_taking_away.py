"""`backstory withhold` and `backstory gc`."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstory import connect
from tests.cli.conftest import Run
from tests.cli.test_branches import ok

pytestmark = pytest.mark.usefixtures("bank")


def test_parts_are_withheld_for_good_and_named_by_show(run: Run) -> None:
    ran = run("withhold", "#3", "message", "data:1")
    assert ran.code == 2
    assert "say that you mean it with --yes" in ran.err
    before = run("show", "#3", "--json").json
    shown = ok(run, "withhold", "#3", "message", "data:1", "--yes", "-m", "she asked for it")
    assert shown == f"withheld of commit {before['hash'][:10]} (#{before['position']}): message, data:1\n"
    commit = run("show", before["hash"], "--json").json
    assert (commit["message"], commit["withheld"]) == ("", ["message", "data:1"])
    assert commit["events"][0]["data"] is None
    assert "Withheld:  message, data:1\n" in ok(run, "show", before["hash"])
    assert run("verify").code == 0
    assert run("reflog", "--json").json["entries"][0]["kind"] == "Withheld"
    for words in (
        ("log",),
        ("log", "--patch"),
        ("grep", "x"),
        ("grep", "--data", "x"),
        ("export",),
        ("types",),
    ):
        assert run(*words).code in (0, 1)


def test_data_of_many_events_are_not_taken_away_for_those_of_one(run: Run) -> None:
    with connect("bank.db") as db:
        db.table("people", key="id").upsert_many([{"id": "1", "name": "Ann"}, {"id": "2", "name": "Bea"}])
        at = db.head().position
    said = run("withhold", f"#{at}", "data").err
    assert "data are those of all 2 events of this commit, and data:2 those of one" in said


def test_projections_that_may_have_the_values_are_named_and_can_be_made_anew(
    run: Run, application: Path
) -> None:
    run("run", "--once")
    ran = run("withhold", "#2", "data", "--yes")
    assert "may still have the values" in ran.err
    assert "backstory rebuild balances; backstory projections --prune" in ran.err
    assert run("withhold", "#1", "data", "--yes", "--json").json["projections"] == []
    assert run("rebuild", "balances").code == 2
    assert run("parked", "balances", "--skip", "2", "-m", "withheld").code == 0
    ok(run, "resume", "balances")
    assert run("run", "--once").code == 0
    assert run("projections", "--prune").code == 0
    [found] = run("projections", "--json").json["projections"]
    assert (found["state"], found["live"], found["generation"], found["lag"]) == ("running", True, 2, 0)


def test_without_an_application_it_is_said_that_tables_may_have_the_values(run: Run) -> None:
    assert "rebuild all that apply these events" in run("withhold", "#2", "data", "--yes").err
    assert run("withhold", "#3", "data", "--yes", "--json").json["projections"] is None


def test_what_no_commit_has_cannot_be_withheld(run: Run) -> None:
    ran = run("withhold", "HEAD", "mesage", "--yes")
    assert ran.code == 2
    assert "a commit has no part 'mesage'; its parts are author, message" in ran.err


def test_what_nothing_needs_is_dropped(run: Run) -> None:
    assert ok(run, "gc") == "there is nothing to drop\n"
    for words in (("branch", "trial"), ("-b", "trial", "append", "Noted"), ("branch", "-d", "trial")):
        ok(run, *words)
    assert ok(run, "gc") == "there is nothing to drop\n"
    assert ok(run, "gc", "--days", "0", "--dry-run") == (
        "log 1, on top of #6: 1 commit\nwould drop 1 log with 1 commit, 0 snapshots\n"
    )
    document = run("gc", "--days", "0", "--json").json
    assert (document["kind"], document["dry_run"], len(document["logs"])) == ("collected", False, 1)
    assert run("branch", "--restore", "trial").code == 2
    assert run("gc", "--days", "-1").code == 2


def test_the_values_of_rows_are_forgotten(run: Run) -> None:
    ok(run, "set", "guests", "g-1", "--new", "name=Ann")
    ok(run, "set", "guests", "g-1", "--delete")
    assert "say that you mean it with --yes" in run("forget", "guests", "g-1").err
    assert (
        run("forget", "guests", "g-1", "g-9", "--yes").err
        == "backstory: guests has no history of a row g-9\n"
    )
    assert (
        ok(run, "forget", "guests", "g-1", "--yes", "-m", "request 17") == "guests g-1: 2 events forgotten\n"
    )
    assert "Ann" not in ok(run, "show", "HEAD") + ok(run, "show", "HEAD~1")
    assert run("forget", "guests", "g-1", "--yes", "--json").json["events"] == {"g-1": 0}
    assert run("verify").code == 0


def test_a_row_of_another_branch_is_forgotten_once_however_often_it_is_named(run: Run) -> None:
    ok(run, "branch", "side")
    ok(run, "-b", "side", "set", "guests", "g-2", "--new", "name=Bea")
    assert ok(run, "forget", "guests", "g-2", "g-2", "--yes") == "guests g-2: 1 event forgotten\n"


def test_forget_says_which_rows_are_still_there(run: Run) -> None:
    for key in ("g-1", "g-2"):
        ok(run, "set", "guests", key, "--new", "name=Bea")
    ok(run, "set", "guests", "g-2", "--delete")
    assert "still there: g-1. Nobody can read this" in run("forget", "guests", "g-1", "g-2", "--yes").err


def test_a_key_cannot_steer_the_terminal(run: Run) -> None:
    ok(run, "set", "guests", "\x1b[31m\ng", "--new", "name=Bea")
    assert ok(run, "forget", "guests", "\x1b[31m\ng", "--yes").count("\n") == 1
    done = run("forget", "guests", "\x1b[31m\ng", "--yes")
    assert "\x1b" not in done.out + done.err


def test_rows_that_were_forgotten_are_not_reverted_and_the_reason_is_the_true_one(run: Run) -> None:
    ok(run, "set", "guests", "g-1", "--new", "name=Ann")
    ok(run, "set", "guests", "g-1", "--delete")
    ok(run, "forget", "guests", "g-1", "--yes")
    ran = run("revert", "HEAD")
    assert ran.code == 1
    assert ran.err.endswith("guests.RowDeleted cannot be undone: its data is withheld\n")
