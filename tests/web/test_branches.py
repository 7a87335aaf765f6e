"""Branches and marks on a page: how they stand, the map, and its twin."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from backstory import Database, connect
from backstory.cli import main
from backstory.history.refs.branches import Branch
from backstory.history.refs.standing import Standing, Standings
from backstory.scope import Scope
from backstory.web import Reader
from backstory.web.railmap import LANES, railmap
from tests.state.bank import Account, deposit, withdraw
from tests.web.conftest import ALL, Site


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A store with two branches and two marks."""
    path = str(tmp_path / "bank.db")
    with connect(path) as db:
        db.execute(deposit(Account("a"), 100), author="ann", message="the first")
        db.mark("opened", message="<b>early</b>", author="ann")
        trial = db.branch("trial")
        trial.execute(withdraw(Account("a"), 30), author="bob")
        db.execute(deposit(Account("b"), 5))
        db.branch("same")
        db.mark("later")
    return path


@pytest.fixture
def db(address: str) -> Database:
    """The same, open."""
    return connect(address)


@pytest.mark.parametrize(("verb", "path"), [("branch", "/branches"), ("mark", "/branches/marks")])
def test_the_document_is_that_of_the_command_line(
    site: Site, db: Database, address: str, capsys: pytest.CaptureFixture[str], verb: str, path: str
) -> None:
    assert main(["-s", address, verb, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert site(db).get(path, headers={"accept": "application/json"}).json() == said


def test_the_page_says_how_branches_stand_and_leads_to_their_merges(site: Site, db: Database) -> None:
    text = site(db).get("/branches").text
    assert 'aria-label="1 ahead, 1 behind"' in text
    assert 'href="/merge/trial/main"' in text
    assert "main has all of it" in text
    assert 'href="/merge/same/main"' not in text
    assert "&lt;b&gt;early&lt;/b&gt;" in text
    assert 'class="rail-name"' in text
    assert text.count("<h1>") == 1


def test_those_who_may_only_read_are_offered_nothing_to_do(site: Site, db: Database) -> None:
    text = site(db, reader=Reader("eve")).get("/branches").text
    assert "/act/" not in text
    assert "/act/branch" in site(db).get("/branches").text


def test_a_deleted_branch_is_offered_to_those_who_may_bring_it_back(site: Site, db: Database) -> None:
    db.branches.delete("trial")
    assert "/act/restore?name=trial" in site(db).get("/branches").text
    assert "Bring back" not in site(db, reader=Reader("eve")).get("/branches").text


def test_a_reader_of_a_part_sees_the_names_and_counts_of_what_is_seen(site: Site, db: Database) -> None:
    part = Reader("eve", frozenset({"read", "append"}), Scope(tags=("account:b",)))
    answer = site(db, reader=part).get("/branches")
    assert answer.status_code == 200
    assert "the first" not in answer.text
    assert "ann" not in re.sub(r"<[^>]+>", " ", answer.text).split()
    assert "/act/" not in answer.text


def test_a_wrong_revision_and_a_wrong_part_are_no_page(site: Site, db: Database) -> None:
    assert site(db).get("/branches?at=nowhere").status_code == 404
    assert site(db).get("/branches/more").status_code == 404


def test_an_empty_store_has_a_branch_and_no_map(site: Site) -> None:
    text = site(connect()).get("/branches").text
    assert "rail-map" not in text
    assert "No point of history has a name yet" in text


def test_many_branches_are_a_map_of_the_first_and_a_table(site: Site) -> None:
    db = connect()
    db.execute(deposit(Account("a"), 1))
    for number in range(LANES + 3):
        db.branch(f"b-{number:02}").execute(deposit(Account("a"), 1))
    standings = [Standings(db.branches).of(branch) for branch in db.branches.all()]
    logs = {branch.name: db.branches.view(branch.chain) for branch in db.branches.all()}
    drawn = railmap(logs, standings, db.branches.marks())
    assert drawn is not None
    assert (len(drawn.lanes), drawn.left) == (LANES, 4)
    text = site(db).get("/branches").text
    assert text.count('<th scope="row">') == LANES + 4
    assert "4 more branches in the table" in text


def test_a_page_of_branches_says_what_it_leaves_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backstory.web.pages.branches.MOST", 3)
    db = connect()
    for number in range(5):
        db.branch(f"b-{number}")
    answer = site(db).get("/branches.json").json()
    assert (len(answer["branches"]), answer["left"]) == (3, 3)
    assert "and 3 more" in site(db, reader=ALL).get("/branches").text


def test_a_branch_that_is_deleted_while_the_page_is_made_is_still_on_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect("memory:")
    for name in ("one", "two"):
        db.branch(name).execute(deposit(Account("a"), 1))
    of = Standings.of

    def then_gone(standings: Standings, branch: Branch) -> Standing:
        found = of(standings, branch)
        if branch.name == "two":
            db.branches.delete("two")
        return found

    monkeypatch.setattr(Standings, "of", then_gone)
    page = site(db).get("/branches")
    assert page.status_code == 200
    assert "two" in page.text
