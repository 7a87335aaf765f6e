"""`backstory clone`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("bank")


def branched(run: Run) -> None:
    """A branch with a commit, one without, and a mark."""
    for words in (
        ("branch", "what-if", "main~1"),
        ("branch", "later"),
        ("-b", "what-if", "append", "Noted", "--id", "note"),
        ("mark", "q3", "#2"),
    ):
        assert run(*words).code == 0


def seen(run: Run, store: str) -> list[str]:
    """What the verbs show of a store."""
    words = (
        ("log", "--json"),
        ("-b", "what-if", "log", "--json"),
        ("branch", "-v"),
        ("mark",),
    )
    return [run("-s", store, *each).out for each in words]


def test_what_a_store_has_is_copied_and_counted(run: Run) -> None:
    branched(run)
    head = run("show", "--json").json["hash"]
    ran = run("clone", "bank.db", "copy.db")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"cloned 3 branches: 5 commits, 7 events; head {head[:10]}\n"
    assert seen(run, "copy.db") == seen(run, "bank.db")
    assert run("-s", "copy.db", "verify").code == 0
    assert run("-s", "copy.db", "reflog", "--json").json["entries"] == []


def test_a_clone_is_brought_up_to_date_and_says_so(run: Run) -> None:
    run("init", "copy.db")
    assert run("clone", "bank.db", "copy.db").out.startswith("cloned 1 branch: 4 commits, 6 events; head ")
    assert run("clone", "bank.db", "copy.db").out.startswith(
        "nothing new: 1 branch, 6 events there already; head "
    )
    branched(run)
    ran = run("clone", "bank.db", "copy.db")
    assert ran.out.startswith("cloned 3 branches: 1 commit, 1 event, and 6 events there already; head ")
    assert seen(run, "copy.db") == seen(run, "bank.db")


def test_json_has_the_counts_and_the_head(run: Run) -> None:
    branched(run)
    head = run("show", "--json").json
    assert run("clone", "bank.db", "sqlite:///copy.db", "--json").json == {
        "schema": 1,
        "kind": "clone",
        "source": "bank.db",
        "target": "sqlite:///copy.db",
        "branches": 3,
        "marks": 1,
        "commits": 5,
        "events": 7,
        "known": 0,
        "position": 6,
        "head": head["hash"],
    }


@pytest.mark.parametrize(
    "name", ["bank.db", "./bank.db", "sqlite:///bank.db", "link.db", "other.db", "here/bank.db"]
)
def test_a_store_is_not_cloned_into_itself_however_it_is_named(run: Run, bank: Path, name: str) -> None:
    Path("link.db").symlink_to(bank)
    Path("other.db").hardlink_to(bank)
    Path("here").symlink_to(bank.parent)
    for words in ("bank.db", name), (name, "bank.db"):
        ran = run("clone", *words)
        assert ran.code == 2
        assert "are one store" in ran.err
    assert run("verify").code == 0


def test_without_a_source_no_target_is_made(run: Run) -> None:
    ran = run("clone", "gone.db", "copy.db")
    assert ran.code == 2
    assert "there is no store at gone.db" in ran.err
    assert not Path("copy.db").exists()
    assert not Path("gone.db").exists()


def test_a_target_that_holds_something_else_is_left_as_it_is(run: Run) -> None:
    Path("notes").write_text("mine", encoding="utf-8")
    assert run("clone", "bank.db", "notes").code == 2
    assert Path("notes").read_text(encoding="utf-8") == "mine"
    run("init", "shop.db")
    run("-s", "shop.db", "append", "Sold")
    before = run("-s", "shop.db", "log", "--json").out
    ran = run("clone", "bank.db", "shop.db")
    assert ran.code == 2
    assert ran.err == (
        "backstory: the target has commits in main that the source does not have; it ends at #1;"
        " clone into a new store\n"
    )
    assert run("-s", "shop.db", "log", "--json").out == before


def test_a_source_that_was_changed_is_refused_with_the_commit_that_is_wrong(run: Run, bank: Path) -> None:
    with closing(sqlite3.connect(bank)) as database:
        database.execute("UPDATE events SET data = replace(data, '500', '900') WHERE position = 2")
        database.commit()
    ran = run("clone", "bank.db", "copy.db")
    assert ran.code == 2
    assert "main, commit pay at #2: its content hash differs" in ran.err
    assert run("-s", "copy.db", "log", "--json").json["commits"] == []


def test_options_that_name_one_store_or_branch_are_refused(run: Run) -> None:
    for words in ("-s", "bank.db"), ("-b", "main"):
        ran = run(*words, "clone", "bank.db", "copy.db")
        assert (ran.code, "clone copies all branches" in ran.err) == (2, True)
    assert run("clone", "bank.db").code == 2
    assert not Path("copy.db").exists()


def test_a_password_is_never_shown(run: Run) -> None:
    address = "postgresql://ann:open%20sesame@127.0.0.1:1/shop?timeout=0&connect_timeout=1"
    for words in (address, "copy.db"), ("bank.db", address), (address, address):
        ran = run("clone", *words)
        assert ran.code == 2
        assert "127.0.0.1" in ran.err
        assert "sesame" not in ran.err + ran.out
