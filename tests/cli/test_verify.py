"""`backstory verify`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

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
