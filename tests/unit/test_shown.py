"""Values as a prompt and a notebook show them: in a line, masked, and escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backstory import Database, Event, Personal, State, Tag, connect
from backstory.aio import AsyncDatabase
from backstory.aio import connect as aio_connect
from backstory.errors import FoldedWarning
from backstory.values.notebook import table
from tests.state.bank import Account, Book, Deposited, deposit

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")

HOSTILE = "<script>alert('x')</script>&\x1b[31m"


class Renamed(Event, name="shown.renamed"):
    """Has text from anywhere, and a marked field."""

    thing: Tag[str]
    title: str
    owner: Personal[str]


class Thing(State):
    """Of the same fields."""

    thing: Tag[str]
    title: str = ""
    owner: Personal[str] = ""

    def apply(self, event: Renamed) -> None:
        self.title, self.owner = event.title, event.owner


@pytest.fixture
def db() -> Database:
    """A database in memory, with one commit."""
    db = connect()
    db.execute(deposit(Account("a"), 5), author="ann", message="first pay\n\nand more")
    return db


def test_a_database_says_its_store_and_its_branch(db: Database, tmp_path: Path) -> None:
    assert repr(db) == "<Database MemoryStore(), branch main>"
    assert repr(db.branch("trial")) == "<Database MemoryStore(), branch trial>"
    with db.what_if() as trial:
        assert repr(trial) == "<WhatIf MemoryStore(), a branch without a name>"
    with connect(tmp_path / "bank.db") as kept:
        assert repr(kept) == f"<Database SqliteStore({str(tmp_path / 'bank.db')!r}), branch main>"


@pytest.mark.anyio
async def test_so_does_the_one_for_async_code() -> None:
    async with aio_connect() as db:
        assert repr(db) == "<AsyncDatabase MemoryStore(), branch main>"
        assert isinstance(db, AsyncDatabase)


@pytest.fixture
def anyio_backend() -> str:
    """One event loop is enough here."""
    return "asyncio"


def test_a_commit_is_a_line(db: Database) -> None:
    [commit] = db.commits()
    assert repr(commit) == f"<Commit #1 {commit.hash.hex()[:8]} by ann: first pay>"
    many = db.append(Deposited("a", 1), Deposited("a", 1))
    assert repr(many) == f"<Commit #3 {many.hash.hex()[:8]}, 2 events>"


def test_a_message_from_anywhere_is_cut_short_and_moves_no_cursor(db: Database) -> None:
    shown = repr(db.append(Deposited("a", 1), author="a\x1b", message=HOSTILE + "é" * 100))
    assert "\x1b" not in shown
    assert r"by a\x1b: <script>" in shown
    assert shown.endswith("é…>")


def test_blame_and_differences_are_lines(db: Database) -> None:
    blame, difference = db.blame(Account("a")), db.diff(0, 1, Account("a"))
    assert repr(blame) == '<Blame: account "a" since #0, balance 5 since #1>'
    assert repr(blame["balance"]) == "<Blamed balance 5 since #1>"
    assert repr(difference) == "<Difference: balance 0 -> 5>"
    assert repr(db.diff(1, 1, Account("a"))) == "<Difference: none>"
    assert repr(db.diff(0, 1, Book("a"))).endswith(", and 1 more>")


def test_the_turns_of_bisect_are_a_line(db: Database) -> None:
    assert repr(db.bisect(Account("a"), "balance > 0")) == "<Found: true at #1 test.deposited>"
    assert repr(db.bisect(Account("a"), "balance > 9")) == "<Found: false at every event>"


def test_a_notebook_shows_commits_events_states_and_what_was_found_as_tables(db: Database) -> None:
    db.append(Renamed("t", HOSTILE, "secret-ann"), author="<b>", message=HOSTILE)
    commit = [*db.commits()][-1]
    record = [*db.read(Renamed)][-1]
    thing = db.load(Thing("t"))
    customers = db.table("shown_customers")
    customers["c-1"] = {"name": HOSTILE}
    with pytest.warns(FoldedWarning):
        found = customers.find()
    turns = db.bisect(Account("a"), "balance > 0")
    shown: list[Any] = [commit, record, record.event, thing, found, turns]
    for each in shown:
        html = each._repr_html_()
        assert html.startswith("<table>")
        assert "<script>" not in html
        assert "secret-ann" not in html
        assert "\x1b" not in html
    assert "&lt;b&gt;" in commit._repr_html_()
    assert "c-1" in found._repr_html_()


def test_a_long_value_is_cut_wherever_it_is_shown(db: Database) -> None:
    db.append(Renamed("t", "x" * 10_000_000, "ann"))
    record = [*db.read(Renamed)][-1]
    thing = db.load(Thing("t"))
    shown: list[Any] = [record, record.event, thing, db.blame(Thing("t")), db.diff(0, "main", Thing("t"))]
    for each in shown:
        assert len(repr(each)) < 12_000
        assert len(each._repr_html_()) < 12_000
    assert len(repr(record.stored)) < 12_000
    rows = table(("n",), ((number,) for number in range(100_000)))
    assert rows.count("<tr>") == 102
    assert rows.endswith('<tr><td colspan="1">…</td></tr></tbody></table>')


def test_a_notebook_shows_tables_in_which_everything_is_escaped_and_masked(db: Database) -> None:
    db.append(Renamed("t", HOSTILE, "secret-ann"))
    blame, difference = db.blame(Thing("t")), db.diff(0, "main", Thing("t"))
    for html in (blame._repr_html_(), difference._repr_html_()):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "\x1b" not in html
        assert "secret-ann" not in html + repr(blame) + repr(difference)
    assert table(("<a>",), [("<b>",)]) == (
        "<table><thead><tr><th>&lt;a&gt;</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>"
    )
