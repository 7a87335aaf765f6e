"""The page of bisect says since when something is true, of one state or of all, and shows each turn."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from backstory.application import collect
from backstory.scope import Scope
from backstory.web import Reader
from tests.history.ledger import Book, Entered, ledger
from tests.scope.shop import Order, Paid, Placed, shop
from tests.web.conftest import Site
from tests.web.refunds import WRONG, json_of, story, words_of, wrong

LEDGER = collect("ledger", [Book, Entered])


def test_without_a_question_there_is_a_form(site: Site) -> None:
    answer = site(*story()).get("/bisect")
    assert answer.status_code == 200
    assert 'name="where"' in answer.text
    assert "Answer" not in words_of(answer.text)


def test_one_state_is_answered_with_every_turn(site: Site) -> None:
    at = wrong().position
    client = site(*story())
    asked = {"of": "Order/o-1042", "where": WRONG}
    page = words_of(client.get("/bisect", params=asked).text)
    assert f"not true now Order o-1042 was so from #{at} to #" in page
    assert "for 12 minutes" in page
    assert "refunded_cents 8450 9350 refund-sweeper retry after restart" in page
    expected = json_of("bisect", "Order", "o-1042", "--where", WRONG)
    assert client.get("/bisect.json", params=asked).json() == expected
    for same in ("Order o-1042", "Order/o%2D1042"):
        assert client.get("/bisect.json", params=asked | {"of": same}).json() == expected


def test_all_states_of_a_kind_are_answered_and_drawn(site: Site) -> None:
    client, asked = site(*story()), {"of": "Order", "where": WRONG}
    answer = client.get("/bisect", params=asked)
    page = words_of(answer.text)
    assert "true now, of 1 Order o-0977, since #" in page
    assert "5 turns, of 2 states; it became true first at #" in page
    assert answer.text.count('class="truth-true"') == 3
    assert answer.text.count('class="truth-turn"') == 5
    assert "true, still" in page
    expected = json_of("bisect", "Order", "--all", "--where", WRONG, "--turns")
    assert client.get("/bisect.json", params=asked).json() == expected


def test_an_entity_leads_to_the_question_since_when_and_its_answer_to_that_of_all(site: Site) -> None:
    client = site(*story())
    assert 'href="/bisect?of=Order%2Fo-1042"' in client.get("/e/Order/o-1042").text
    form = client.get("/bisect", params={"of": "Order/o-1042"})
    assert form.status_code == 200
    assert 'value="Order/o-1042"' in form.text
    assert "<code>refunded_cents</code>" in form.text
    answer = client.get("/bisect", params={"of": "Order/o-1042", "where": WRONG}).text
    [every] = re.findall(r'href="([^"]+)">Is it the only Order', answer)
    assert "o-0977" in client.get(html.unescape(every)).text


def test_tags_need_no_application(site: Site) -> None:
    db = ledger()
    for number in (1, 5, 2, 7):
        db.append(Entered("a", number, number))
    client = site(db)
    one = client.get("/bisect", params={"of": "book:a", "where": "seen > 4"})
    assert "true now book:a, since #4" in words_of(one.text)
    every = client.get("/bisect", params={"of": "tags", "where": "seen > 4"})
    assert "true now, of 1 book:a, since #4" in words_of(every.text)
    assert client.get("/bisect", params={"of": "Book", "where": "seen > 4"}).status_code == 400


def test_good_bad_and_the_revision_that_is_looked_at_bound_the_search(site: Site) -> None:
    db = ledger()
    for number in (5, 1, 5, 1, 5):
        db.append(Entered("a", number, number))
    client = site(db, LEDGER)
    where = {"of": "book:a", "where": "seen > 4"}

    def turns(**bounds: str) -> list[int]:
        return [
            turn["position"] for turn in client.get("/bisect.json", params=where | bounds).json()["turns"]
        ]

    assert turns() == [1, 2, 3, 4, 5]
    assert turns(good="#2", bad="#4") == [3, 4]
    assert turns(at="3") == [1, 2, 3]
    assert client.get("/bisect", params=where | {"good": "4", "bad": "2"}).status_code == 400
    assert client.get("/bisect", params=where | {"good": "nothing-here"}).status_code == 404
    assert "was so already at #1, up to #2" in words_of(
        client.get("/bisect", params=where | {"good": "1", "bad": "2"}).text
    )


@pytest.mark.parametrize(
    ("of", "where", "words"),
    [
        ("Order/o-1042", "refunded_cent > 1", "did you mean refunded_cents?"),
        ("Order/o-1042", "refunded_cents >", "not an expression"),
        ("Order/o-1042", "__import__('os')", "__import__"),
        ("Order/o-1042", "refunded_cents > 'x'", "refunded_cents > 'x'"),
        ("order:o-1042", "nothing > 1", "no event has had a field 'nothing'"),
        ("Ordr", WRONG, "has no state 'Ordr'"),
        ("Order/a/b", WRONG, "Order needs the identity ORDER"),
        ("Order", "", "what is to be true"),
        ("Order/o-1042", "iban == 'x'", "iban"),
        ("no tag:", WRONG, ""),
    ],
)
def test_an_error_is_shown_at_the_form(site: Site, of: str, where: str, words: str) -> None:
    client = site(*story())
    answer = client.get("/bisect", params={"of": of, "where": where})
    assert answer.status_code == 400
    assert words in words_of(answer.text)
    assert 'role="alert"' in answer.text
    assert client.get("/bisect.json", params={"of": of, "where": where}).json()["kind"] == "error"


def test_who_waits_is_told_how_far_it_is_and_can_stop(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backstory.web.page.SILENT", -1)
    monkeypatch.setattr("backstory.web.page.EVERY", -1)
    db = ledger()
    db.append(*(Entered(f"b-{number}", number, number) for number in range(2_000)))
    client = site(db, LEDGER)
    for asked in ({"of": "Book", "where": "total > 3"}, {"of": "book:b-7", "where": "seen > 3"}):
        answer = client.get("/bisect", params=asked)
        assert answer.status_code == 200
        assert answer.text.count("<h1>") == 1
        assert "</html>" in answer.text
    page = client.get("/bisect", params={"of": "Book", "where": "total > 3"}).text
    assert "Looked at 1,000 of 2,000 positions." in words_of(page)
    assert "bad=%231000" in page
    assert "true now, of 1,996" in words_of(page)
    assert "backstory bisect Book --all" in words_of(page)


def test_many_turns_are_counted_and_the_newest_shown(site: Site) -> None:
    db = ledger()
    db.append(*(Entered("a", number % 2, number % 2) for number in range(5_001)))
    asked: dict[str, Any] = {"of": "book:a", "where": "seen == 1"}
    answer = site(db).get("/bisect", params=asked)
    assert "4,950 older ones left out" in words_of(answer.text)
    assert len(answer.text) < 100_000


def test_what_is_hidden_from_a_reader_cannot_be_asked_about(site: Site) -> None:
    db, application = shop(), collect("shop", [Order, Placed, Paid])
    some = Reader("lea", frozenset({"read"}), Scope(tags=("order:o-1",), hidden=("due",)))
    client = site(db, application, some)
    for of in ("Order/o-1", "Order"):
        assert client.get("/bisect", params={"of": of, "where": "due > 1"}).status_code in (400, 403)
    assert client.get("/bisect", params={"of": "Order/planted-o-2", "where": "email != ''"}).status_code in (
        400,
        403,
    )
    page = client.get("/bisect", params={"of": "Order", "where": "email != ''"})
    assert page.status_code == 200
    assert "planted" not in page.text
