"""The preview of a merge, the ways out of its conflicts, and the merge that somebody looked at."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backstory import Database, connect
from backstory.application import Application, collect
from backstory.cli import main
from backstory.scope import Scope
from backstory.web import Reader, merging
from tests.state.bank import Account, deposit, transfer, withdraw
from tests.web.conftest import Site

BANK = collect("tests.state.bank", [deposit, withdraw, transfer, Account])


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A branch with a clean commit, and with one that main is in the way of."""
    path = str(tmp_path / "bank.db")
    with connect(path) as db:
        db.execute(deposit(Account("a"), 100))
        trial = db.branch("trial")
        trial.execute(deposit(Account("b"), 7), message="for b")
        trial.execute(withdraw(Account("a"), 80), message="landlord", author="ann")
        db.execute(withdraw(Account("a"), 30), author="carl")
    return path


@pytest.fixture
def db(address: str) -> Database:
    """The same, open."""
    return connect(address)


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the form of a page."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text)
    return {name: value.replace("&#34;", '"') for name, value in fields if name != "at"}


def ways(text: str) -> list[str]:
    """The names of the questions of a page."""
    return list(dict.fromkeys(re.findall(r'name="(way\.[0-9a-f]+)"', text)))


def posted(client: TestClient, form: dict[str, str], path: str = "/merge/trial/main") -> Any:
    """The answer to a form."""
    return client.post(path, data=form, follow_redirects=False)


def test_the_document_is_that_of_the_command_line(
    site: Site, db: Database, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge", "trial", "-s", address, "--app", "tests.state.bank", "--preview", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert site(db, BANK).get("/merge/trial/main.json").json() == said


def test_the_page_says_what_is_in_the_way_and_the_ways_out(site: Site, db: Database) -> None:
    text = site(db, BANK).get("/merge/trial/main").text
    assert "1 commit of 2 needs an answer" in text
    assert "1 clean" in text
    assert "1 in conflict" in text
    assert "<b>withdraw</b>" in text
    assert "Decide again" in text
    assert "It would be refused: “insufficient funds”" in text
    assert re.search(r'balance</code></th><td data-label="then"><span class="before">100', text)
    assert len(ways(text)) == 1
    assert db.head().position == 2


def test_without_the_application_it_cannot_be_decided_again(site: Site, db: Database) -> None:
    text = site(db).get("/merge/trial/main").text
    assert "Decide again" not in text
    assert "It cannot be decided again" in text


def test_a_merge_is_judged_with_the_answers_and_then_done_as_it_was_judged(site: Site, db: Database) -> None:
    client = site(db, BANK)
    text = client.get("/merge/trial/main").text
    answers = {ways(text)[0]: "redecide", "unconditioned": "allow"}
    judged = posted(client, hidden(text) | answers | {"sure": "0"})
    assert judged.status_code == 200
    assert "Take over 1 commit, leave out 1" in judged.text
    assert "left out: refused" in judged.text
    assert db.head().position == 2, "a preview appends nothing"
    form = hidden(judged.text) | answers | {"sure": "1"}
    assert posted(client, form).headers["location"] == "/log?at=main"
    assert db.head().position == 3
    assert db.load(Account("b")).balance == 7
    again = posted(client, form)
    assert (again.status_code, db.head().position) == (200, 3)
    assert "Nothing to do" in again.text


def test_answers_that_were_not_judged_are_judged_first(site: Site, db: Database) -> None:
    client = site(db, BANK)
    text = client.get("/merge/trial/main").text
    answer = posted(client, hidden(text) | {ways(text)[0]: "skip", "sure": "1"})
    assert (answer.status_code, db.head().position) == (200, 2)
    assert "leave out 1" in answer.text


def test_a_merge_that_was_looked_at_before_main_went_on_is_shown_again(site: Site, db: Database) -> None:
    client = site(db, BANK)
    text = client.get("/merge/trial/main").text
    answers = {ways(text)[0]: "skip"}
    text = posted(client, hidden(text) | answers | {"sure": "0"}).text
    db.execute(deposit(Account("b"), 1))
    answer = posted(client, hidden(text) | answers | {"sure": "1"})
    assert (answer.status_code, db.head().position) == (200, 3)
    assert "this is what it would do now" in answer.text
    assert "2 of 2 need" not in answer.text
    assert db.load(Account("b")).balance == 1


def test_to_take_a_commit_as_it_is_needs_a_reason(site: Site, db: Database) -> None:
    client = site(db, BANK)
    text = client.get("/merge/trial/main").text
    answers = {ways(text)[0]: "force"}
    asked = posted(client, hidden(text) | answers | {"sure": "0"})
    assert "needs a reason" in asked.text
    assert posted(client, hidden(asked.text) | answers | {"sure": "1"}).status_code == 200
    assert db.head().position == 2
    given = answers | {"reason": "the landlord insists"}
    text = posted(client, hidden(text) | given | {"sure": "0"}).text
    assert posted(client, hidden(text) | given | {"sure": "1"}).status_code == 303
    assert db.load(Account("a")).balance == -10
    assert next(db.branches.reflog.read("main")).details["message"] == "the landlord insists"


@pytest.mark.parametrize("application", [BANK, None])
def test_a_merge_without_a_conflict_is_one_press(
    site: Site, db: Database, application: Application | None
) -> None:
    client = site(db, application)
    db.branch("fine").execute(deposit(Account("c"), 1))
    text = client.get("/merge/fine/main").text
    assert "goes forward" in text
    assert posted(client, hidden(text) | {"sure": "1"}, "/merge/fine/main").status_code == 303
    assert db.load(Account("c")).balance == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/merge/nowhere/main", 404),
        ("/merge/trial/nowhere", 404),
        ("/merge/trial", 404),
        ("/merge/main/main", 400),
        ("/merge/trial/main?unconditioned=maybe", 400),
        ("/merge/trial/main?way.00=maybe", 400),
    ],
)
def test_wrong_input_is_named(site: Site, db: Database, path: str, status: int) -> None:
    assert site(db, BANK).get(path).status_code == status


def test_those_who_may_only_read_see_it_without_forms_and_may_not_do_it(site: Site, db: Database) -> None:
    client = site(db, BANK, reader=Reader("eve"))
    text = client.get("/merge/trial/main").text
    assert "1 commit of 2 needs an answer" in text
    assert 'method="post"' not in text
    token = hidden(site(db, BANK).get("/merge/trial/main").text)
    assert posted(client, token | {"sure": "1"}).status_code == 403
    assert db.head().position == 2


def test_a_reader_of_a_part_is_told_how_many_events_are_in_the_way(site: Site, db: Database) -> None:
    part = Reader("eve", frozenset({"read", "append"}), Scope(tags=("account:b",)))
    db.execute(deposit(Account("b"), 7))
    db.branch("mixed").execute(transfer(Account("b"), Account("a"), 3), message="landlord")
    db.execute(deposit(Account("a"), 1), author="carl")
    client = site(db, BANK, reader=part)
    text = client.get("/merge/mixed/main").text
    assert "1 event that you may not see" in text
    for path in ("/merge/mixed/main", "/merge/trial/main", "/merge/trial/main.json"):
        text = client.get(path).text
        assert not [word for word in ("landlord", "carl", "account:a") if word in text]
    assert "1 commit that you may not see" in client.get("/merge/trial/main").text


def test_a_merge_of_too_many_commits_is_left_to_the_command_line(
    site: Site, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.web.merging.MOST_JUDGED", 1)
    client = site(db, BANK)
    text = client.get("/merge/trial/main").text
    assert "More than 1 commits wait" in text
    assert "merge trial -b main --preview" in text
    assert client.get("/merge/trial/main.json").json()["judged"] is False


def test_a_merge_into_a_branch_that_goes_on_is_judged_again(
    site: Site, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging, left = merging.judging, [2]

    def late(*given: Any) -> Any:
        if left[0]:
            left[0] -= 1
            db.execute(deposit(Account("c"), 1))
        return judging(*given)

    monkeypatch.setattr(merging, "judging", late)
    page = site(db, BANK).get("/merge/trial/main")
    assert page.status_code == 200
    assert "1 commit of 2 needs an answer" in page.text
    assert db.branches.log("main").head().hash.hex() in page.text


def test_a_long_merge_says_how_many_commits_were_judged(
    site: Site, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.web.page.SILENT", -1)
    page = site(db, BANK).get("/merge/trial/main").text
    assert "Looked at 1 of 2 commits." in page
    assert page.index("Looked at 1 of 2") < page.index("1 commit of 2 needs an answer")
