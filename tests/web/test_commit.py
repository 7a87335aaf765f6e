"""The page of a commit says why it was decided, on what, what it changed, and whether it can be trusted."""

from __future__ import annotations

import pytest

from backstory import Database, Event, Tag, connect
from backstory.history.forget.withholding import withhold
from backstory.scope import Scope
from backstory.web import Reader
from tests.history.ledger import Book, Entered, enter, ledger
from tests.scope.shop import Order, Paid, Placed, shop
from tests.web.conftest import Site
from tests.web.refunds import json_of, story, words_of, wrong

AUDITOR = Reader("ida")


class Noted(Event, name="web.noted"):
    about: Tag[str]
    words: str


def test_the_commit_that_went_wrong_is_explained(site: Site) -> None:
    page = words_of(site(*story()).get(f"/c/{wrong().position}").text)
    at = wrong().position
    assert f"retry after restart #{at}" in page
    assert "“paid back twice, undone”, by dana 12 minutes later" in page
    assert "Order o-1042 refunded_cents 8450 9350 +900" in page
    assert "retry_refund( request= RefundRequest rr-77, payment= Payment p-3391)" in page
    assert f"Everything up to #{at - 1} that is:" in page
    assert "PaymentCaptured about payment:p-3391 1 such event, the last #" in page
    assert "Held Nothing came between" in page
    assert "It changed more than it had read. Order o-1042: refunded_cents also depends on #" in page
    assert "iban masked" in page
    assert "this commit" in page
    assert "sound" in page
    assert f"backstory show '#{at}' --app" in page


def test_its_document_is_that_of_the_command_line(site: Site) -> None:
    client, commit = site(*story()), wrong()
    expected = json_of("show", commit.hash.hex())
    assert client.get(f"/c/{commit.position}.json").json() == expected
    assert (
        client.get(f"/c/h/{commit.hash.hex()[:8]}", headers={"accept": "application/json"}).json() == expected
    )


def test_a_commit_is_found_by_its_hash_on_any_branch(site: Site) -> None:
    db, application = story()
    client, tip = site(db, application), db.switch("refund-cap").head()
    found = client.get(f"/c/h/{tip.hash.hex()}", follow_redirects=False)
    assert (found.status_code, found.headers["location"]) == (303, f"/c/{tip.position}?at=refund-cap")
    page = words_of(client.get(found.headers["location"]).text)
    assert "refund-cap" in page
    assert client.get(f"/c/{tip.position}.json?at=refund-cap").json()["hash"] == tip.hash.hex()


def test_what_names_no_commit_is_not_found(site: Site) -> None:
    client = site(*story())
    for path in ("/c/0", "/c/999999", "/c/x", "/c/h/xyz", "/c/h/abc", f"/c/h/{'0' * 64}", "/c/1/2/3", "/c"):
        assert client.get(path).status_code == 404, path
    at = wrong().position
    for path in (f"/c/{at}?events=2", f"/c/{at}?events=0", f"/c/{at}.json?proof=2", f"/c/{at}?proof=x"):
        assert client.get(path).status_code == 400, path


def test_a_beginning_of_several_hashes_lists_them(site: Site) -> None:
    db = ledger()
    commits = [db.append(Entered("a", number, 0)) for number in range(1_500)]
    by_begin: dict[str, list[str]] = {}
    for commit in commits:
        by_begin.setdefault(commit.hash.hex()[:4], []).append(commit.hash.hex())
    begin, hashes = next(each for each in by_begin.items() if len(each[1]) > 1)
    answer = site(db).get(f"/c/h/{begin}")
    assert answer.status_code == 300
    assert all(f"/c/h/{hash[:20]}" in answer.text for hash in hashes)
    assert site(db).get(f"/c/h/{begin}.json").json()["hints"] == hashes


def test_a_large_commit_is_shown_in_windows_and_its_changes_where_they_are_wanted(site: Site) -> None:
    db = ledger()
    commit = db.append(*(Noted(f"n-{number}", f"words {number}") for number in range(3_000)))
    client = site(db)
    first, inside = client.get("/c/3000").text, words_of(client.get("/c/1234").text)
    assert len(first) < 60_000
    assert "2951 to 3000 of 3,000" in words_of(first)
    assert "words 1233" in inside
    assert "1201 to 1250 of 3,000" in inside
    assert "they are folded when you ask" in inside
    assert "3,000 states" in words_of(client.get("/c/1?changes=1").text)
    assert len(client.get("/c/1.json?events=101").json()["events"]) == 50
    assert commit.size == 3_000


def test_in_a_long_log_a_page_is_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backstory.web.pages.commit.FOLDED", 0)
    client, at = site(*story()), wrong().position
    page = client.get(f"/c/{at}")
    assert "Order o-1042 refunded_cents 8450 9350 +900" in words_of(page.text)
    assert f"backstory show '#{at}'" in words_of(page.text)
    assert client.get(f"/c/{at}?events=7").status_code == 400
    assert client.get(f"/c/{at}.json").json() == json_of("show", wrong().hash.hex())


def test_the_proof_of_an_event_is_that_of_the_library_and_hides_what_is_marked(site: Site) -> None:
    db, application = story()
    at = wrong().position
    client = site(db, application)
    link = f"/c/{at}.json?proof=1"
    assert f'href="/c/{at}?proof=1"' in client.get(f"/c/{at}").text
    page = client.get(f"/c/{at}?proof=1").text
    assert f'href="{link}"' in page
    assert (
        f"backstory verify --proof proof-{at}.json --head {db.head().position}-{db.head().hash.hex()}" in page
    )
    assert "are not in it" in page  # its iban is marked
    made = client.get(link)
    from backstory.history.check.proof import check_proof

    proven = check_proof(made.content, db.head().hash.hex())
    assert (proven.type, proven.data) == ("RefundIssued", None)  # its iban is marked
    plain = ledger()
    plain.append(Noted("n", "words"))
    proven = check_proof(site(plain).get("/c/1.json?proof=1").content, plain.head().hash.hex())
    assert proven.data == b'{"about":"n","words":"words"}'


def test_what_a_reader_with_a_scope_does_not_see_is_said_to_be_withheld(site: Site) -> None:
    db = shop()
    some = Reader("lea", frozenset({"read", "append"}), Scope(tags=("order:o-1",)))
    client = site(db, None, some)
    whole = site(db).get("/c/4").text
    assert "planted" in whole
    for number in range(1, db.head().position + 1):
        for path in (f"/c/{number}", f"/c/{number}.json"):
            answer = client.get(path)
            assert answer.status_code in (200, 404), path
            assert "planted" not in answer.text
            assert "/act/revert" not in answer.text
            assert "proof=" not in answer.text
    page = words_of(client.get("/c/3").text)
    assert "author withheld" in page
    assert "message withheld" in page
    assert client.get("/c/1.json?proof=1").status_code == 404


def test_withheld_parts_are_said_to_be_withheld(site: Site) -> None:
    db = ledger()
    first = db.execute(enter(Book("a"), 1))
    assert first is not None
    withhold(db.branches, first, ["author", "command", "query", "data"])
    page = words_of(site(db).get("/c/1").text)
    assert page.count("withheld") >= 4
    assert "the digest of the data is kept" in page
    assert "sound" in page


def test_actions_are_offered_to_those_who_may_do_them(site: Site) -> None:
    db, application = story()
    path = f"/c/{wrong().position}"
    client = site(db, application)
    mine = client.get(path).text
    for action in (f"/act/revert?commit={wrong().hash.hex()}", f"/act/branch?at={wrong().hash.hex()}"):
        assert f'href="{action}"' in mine
        assert client.get(action).status_code == 200
    assert "/act/" not in site(db, application, AUDITOR).get(path).text


def test_an_error_of_the_application_leaves_the_rest_of_the_page(site: Site) -> None:
    from backstory import State
    from backstory.application import collect

    class Broken(State):
        about: Tag[str]

        def apply(self, event: Noted) -> None:
            raise KeyError("planted")

    db = connect()
    db.append(Noted("n", "<b>bold</b>\x1b[31m"), message="<script>alert(1)</script>")
    answer = site(db, collect("broken", [Broken])).get("/c/1")
    assert answer.status_code == 200
    assert "Broken.apply failed" in answer.text
    assert "&lt;b&gt;bold" in answer.text
    assert "<script>alert" not in answer.text
    assert "\x1b" not in answer.text


def test_a_hidden_field_of_a_scope_is_masked(site: Site) -> None:
    from backstory.application import collect

    db: Database = shop()
    some = Reader("lea", frozenset({"read"}), Scope(hidden=("email",)))
    answer = site(db, collect("shop", [Order, Placed, Paid]), some).get("/c/1")
    assert "veiled@x" not in answer.text
    assert "veiled@x" in site(db, collect("shop", [Order, Placed, Paid])).get("/c/1").text
