"""`backstory verify`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backstory import connect
from backstory.app import load
from backstory.snapshots import PREFIX
from tests import programs
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("bank")


def test_a_sound_store_is_said_to_be_sound_with_its_head(run: Run) -> None:
    ran = run("verify")
    head = run("show", "--json").json["hash"]
    assert ran.code == 0
    assert ran.out == f"sound: 4 commits, 6 events, every hash as it was written\nhead {head}\n"
    document = run("verify", "--json").json
    assert document["kind"] == "verification"
    assert (document["sound"], document["head"], document["problems"]) == (True, head, [])


def test_a_changed_event_is_found_named_and_exits_with_1(run: Run, bank: Path) -> None:
    with closing(sqlite3.connect(bank)) as database:
        database.execute("UPDATE events SET data = replace(data, '500', '900') WHERE position = 2")
        database.commit()
    ran = run("verify")
    assert ran.code == 1
    assert "commit pay at #2" in ran.out
    assert "not sound: " in ran.out
    document = run("verify", "--json")
    assert document.code == 1
    assert document.json["sound"] is False


SNAPSHOTS = """
from backstory import Event, State, Tag, upcast


class Deposited(Event, version=2):
    account: Tag[str]
    cents: int

    @upcast(1)
    @staticmethod
    def from_1(data):
        return data


class Paid(State):
    snapshot_every = 1
    account: Tag[str]
    cents: int = 0

    def apply(self, event: Deposited) -> None:
        self.cents += event.cents
"""


def test_snapshots_are_compared_with_a_replay_where_that_is_asked(run: Run, bank: Path) -> None:
    (bank.parent / "paid.py").write_text(SNAPSHOTS, encoding="utf-8")
    with programs.forgotten():
        paid: Any = load("paid", bank.parent).state("Paid")
        with connect(str(bank)) as db:
            db.load(paid("a-7"))
            [(name, text)] = db.store.refs.list(PREFIX).items()
        asked = ("verify", "--snapshots", "--app", "paid")
        ran = run(*asked)
        assert (ran.code, ran.err) == (0, "")
        assert "compared 1 snapshot with a replay\n" in ran.out
        assert run(*asked, "--json").json["snapshots"] == {"compared": 1, "passed_over": 0}

        snapshot = msgspec.json.decode(text)
        snapshot["state"]["cents"] = 1_000_000
        with connect(str(bank)) as db:
            db.store.refs.set(name, msgspec.json.encode(snapshot).decode(), old=text)
        assert run("verify").code == 0
        ran = run(*asked)
        assert ran.code == 1
        assert "cents of {'account': 'a-7'} is 1000000 at #6, but its events give 500\n" in ran.out
        assert "not sound: 1 problem in " in ran.out
        assert run(*asked, "--json").json["sound"] is False


def test_an_application_means_nothing_without_snapshots(run: Run) -> None:
    ran = run("verify", "--app", "paid")
    assert (ran.code, ran.out) == (2, "")
    assert "--app is for --snapshots" in ran.err
    assert run("verify", "--snapshots").code == 2  # which application?
