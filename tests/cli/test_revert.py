"""Undoing commits on the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.cli.test_branches import ok


@pytest.mark.usefixtures("application")
def test_a_commit_is_undone_by_a_new_one_that_names_it(run: Run) -> None:
    shown = ok(run, "revert", "HEAD~1")
    assert "#7 Withdrawn     account:b-1" in shown
    assert "#8 Deposited v2  account:a-7" in shown
    assert run("state", "Account", "a-7", "--json").json["fields"]["balance"] == 500
    assert run("show", "--json").json["metadata"]["reverts"] == ["rent"]
    assert "\n    Revert #4\n" in run("show").out
    document = run("show", "--json").json
    assert (document["message"], document["subject"]) == ("", "Revert #4")


@pytest.mark.usefixtures("application")
def test_what_later_commits_own_is_not_undone_unless_forced(run: Run) -> None:
    ran = run("revert", "#2")
    assert ran.code == 1
    assert "later commits own fields that this would change" in ran.err
    assert run("stats", "--json").json["position"] == 6
    document = run("revert", "#2", "--force", "-m", "paid in twice", "--author", "carl", "--json").json
    assert (document["message"], document["author"], document["size"]) == ("paid in twice", "carl", 1)
    assert run("state", "Account", "a-7", "--json").json["fields"]["balance"] == -200


@pytest.mark.usefixtures("application")
def test_what_nobody_can_undo_is_named(run: Run) -> None:
    ran = run("revert", "#5")
    assert ran.code == 1
    assert "@reverts(" in ran.err
    assert run("revert", "nope").code == 2


@pytest.mark.usefixtures("application")
def test_a_range_is_undone_at_once_and_on_a_branch(run: Run) -> None:
    ok(run, "switch", "-c", "what-if")
    ok(run, "revert", "#1..#4")
    assert run("state", "Account", "a-7", "--json").json["fields"]["balance"] == 0
    assert run("state", "Account", "a-7", "-b", "main", "--json").json["fields"]["balance"] == 300
