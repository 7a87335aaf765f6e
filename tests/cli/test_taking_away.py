"""`backstory withhold` and `backstory gc`."""

from __future__ import annotations

import pytest

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
