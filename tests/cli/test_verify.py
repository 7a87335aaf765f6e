"""`backstory verify`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backstory import connect
from backstory.application import load
from backstory.decide.snapshots import SNAPSHOT
from tests import programs
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("bank")


def changed(path: Path, sql: str) -> None:
    """What somebody does to a store with the sqlite3 shell."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(sql)


def test_a_sound_store_is_said_to_be_sound_with_its_head(run: Run) -> None:
    ran = run("verify")
    head = run("show", "--json").json["hash"]
    assert ran.code == 0
    assert ran.out == f"sound: 4 commits, 6 events, every hash fits\nhead 6-{head}\n"
    document = run("verify", "--json").json
    assert document["kind"] == "verification"
    assert (document["sound"], document["branch"], document["problems"]) == (True, "main", [])
    assert (document["position"], document["head"]) == (6, head)


def test_the_head_to_keep_is_printed_alone_where_that_is_asked(run: Run, bank: Path) -> None:
    head = run("show", "--json").json["hash"]
    assert run("verify", "--head").out == f"6-{head}\n"
    changed(bank, "UPDATE events SET data = '{}' WHERE position = 2")
    ran = run("verify", "--head")
    assert ran.code == 1
    assert head not in ran.out
    assert "not sound: " in ran.out


def test_a_history_that_went_on_still_has_the_head_that_was_kept(run: Run) -> None:
    head = run("verify", "--head").out.strip()
    assert "all is as it was when the head was kept\n" in run("verify", "--head", head).out
    run("append", "Noted")
    ran = run("verify", "--head", head)
    assert (ran.code, ran.out.splitlines()[0]) == (1, "main has commits after the kept head #6, up to #7")
    ran = run("verify", "--since", head)
    assert ran.code == 0
    assert "every hash fits and all is as it was up to the kept head #6\nhead 7-" in ran.out
    assert run("verify", "--since", head, "--head").out.startswith("7-")


def test_a_history_that_was_cut_off_fits_together_and_has_not_the_head_that_was_kept(
    run: Run, bank: Path
) -> None:
    head = run("verify", "--head").out.strip()
    changed(bank, "DELETE FROM events WHERE position > 4; DELETE FROM commits WHERE position > 4")
    assert run("verify").code == 0
    for asked in ("--since", "--head"):
        ran = run("verify", asked, head)
        assert ran.code == 1
        assert "main ends at #4, before the kept head #6: " in ran.out
        document = run("verify", asked, head, "--json").json
        assert document["sound"] is False
        assert len(document["problems"]) == 1


def test_a_kept_head_is_one_of_the_branch_that_one_is_on(run: Run) -> None:
    run("branch", "side")
    main = run("verify", "--head").out
    run("-b", "side", "append", "Noted")
    ran = run("verify", "-b", "side", "--since", main)
    assert ran.code == 0
    assert "\nhead of side 7-" in ran.out
    side = run("verify", "-b", "side", "--head").out
    assert run("verify", "--since", side).code == 1
    run("switch", "side")
    assert run("verify", "--head", side).code == 0
    assert run("verify", "--json").json["branch"] == "side"


def test_a_head_that_is_none_is_refused(run: Run) -> None:
    """Also an empty one, as of a file that is not there: else nothing would be compared, and all be well."""
    for words in (("--head", ""), ("--since", ""), ("--since", "0f3a9c"), ("--head", "6-")):
        ran = run("verify", *words)
        assert (ran.code, ran.out) == (2, "")
        assert "head" in ran.err
    assert run("verify", "-b", "gone").code == 2


def test_a_changed_event_is_found_named_and_exits_with_1(run: Run, bank: Path) -> None:
    changed(bank, "UPDATE events SET data = replace(data, '500', '900') WHERE position = 2")
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
            [name] = db.store.caches.names(SNAPSHOT)
            kept = db.store.caches.get(name)
        asked = ("verify", "--snapshots", "--app", "paid")
        ran = run(*asked)
        assert (ran.code, ran.err) == (0, "")
        assert "compared 1 snapshot with a replay\n" in ran.out
        assert run(*asked, "--json").json["snapshots"] == {"compared": 1, "passed_over": 0}

        snapshot = msgspec.json.decode(kept or b"")
        snapshot["state"]["cents"] = 1_000_000
        with connect(str(bank)) as db:
            db.store.caches.set(name, msgspec.json.encode(snapshot))
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


@pytest.mark.usefixtures("bank")
def test_one_event_is_proven_to_somebody_without_the_store(run: Run, bank: Path) -> None:
    head = run("verify", "--head").out.strip()
    Path("proof.json").write_text(run("prove", "#4", "--show", "author").out, encoding="utf-8")
    Path("near.json").write_text(
        run("prove", "rent/2", "--without-data", "--upto", "rent").out, encoding="utf-8"
    )
    rent = run("show", "rent", "--json").json["hash"]
    bank.unlink()
    shown = run("verify", "--proof", "proof.json", "--head", head)
    assert shown.code == 0
    assert shown.out.startswith("proven: Deposited v2  account:b-1  transfer:t-1\nin commit rent, authored ")
    assert f"of the history that ends with {head.partition('-')[2]}\nauthor: Bob Ray\n" in shown.out
    assert '    "cents": 200\n' in shown.out
    document = run("verify", "--proof", "proof.json", "--head", head, "--json").json
    assert (document["proven"], document["event"]["data"]["cents"], document["commit"]["id"]) == (
        True,
        200,
        "rent",
    )
    assert "its data is not shown" in run("verify", "--proof", "near.json", "--head", rent).out
    wrong = run("verify", "--proof", "near.json", "--head", head)
    assert (wrong.code, wrong.out[:10]) == (1, "not proven")
    assert not run("verify", "--proof", "near.json", "--head", head, "--json").json["proven"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["verify", "--proof", "x.json"], "--head KEPT"),
        (["verify", "--proof", "x.json", "--head"], "--head KEPT"),
        (["verify", "--proof", "x.json", "--head", "0" * 64], "x.json"),
        (["verify", "--proof", "bank.db", "--head", "0" * 64], "this is no proof"),
        (["prove", "rent"], "2 events"),
        (["prove", "rent/3"], "1 to 2"),
        (["prove", "nope/1"], "no branch, mark or commit"),
        (["prove", "#0"], "before the first one"),
        (["prove", "rates/1", "--upto", "pay"], "does not have the commit"),
        (["prove", "rates/1", "--show", "data"], "--show"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_what_cannot_be_proven_is_told(run: Run, words: list[str], message: str) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.usefixtures("bank")
def test_a_branch_whose_name_ends_with_a_number_is_not_taken_for_an_event(run: Run) -> None:
    run("branch", "release/1", "pay")
    assert run("prove", "release/1").json["commit"]["id"] == "pay"
    assert run("prove", "release/1/1").json["commit"]["id"] == "pay"
