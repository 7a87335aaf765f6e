"""Search goes at once to what can be named, and else looks in messages, data, tags and marks."""

from __future__ import annotations

import pytest

from backstory import Event, Tag
from backstory.scope import Scope
from backstory.web import Reader
from tests.history.ledger import ledger
from tests.scope.shop import shop
from tests.web.conftest import Site
from tests.web.refunds import json_of, story, words_of, wrong


class Noted(Event, name="search.noted"):
    about: Tag[str]
    words: str
    inside: dict[str, list[str]] = {}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("#7", "/c/7"),
        ("order:o-1042", "/e/order%3Ao-1042"),
        (" order:o-1042 ", "/e/order%3Ao-1042"),
        ("Order o-1042", "/e/Order/o-1042"),
        ("Order/o-1042", "/e/Order/o-1042"),
    ],
)
def test_what_can_be_named_is_gone_to_at_once(site: Site, text: str, place: str) -> None:
    answer = site(*story()).get("/search", params={"q": text}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, place)


def test_a_hash_and_an_id_are_gone_to_at_once(site: Site) -> None:
    client, commit = site(*story()), wrong()
    for text in (commit.hash.hex(), commit.hash.hex()[:8], commit.hash.hex()[:8].upper()):
        answer = client.get("/search", params={"q": text}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/c/h/{text.lower()}")
    answer = client.get("/search", params={"q": commit.id}, follow_redirects=False)
    assert answer.headers["location"] == f"/c/h/{commit.hash.hex()}"


@pytest.mark.parametrize(
    "text",
    [
        "#0",
        "#99999999",
        "#x",
        "key:value",
        ":",
        "0" * 64,
        "%",
        "\0",
        "a:\0",
        '"',
        "\\",
        "Order o-9",
        "Order",
        "/",
    ],
)
def test_what_is_not_there_is_searched_for(site: Site, text: str) -> None:
    answer = site(*story()).get("/search", params={"q": text}, follow_redirects=False)
    assert answer.status_code == 200


def test_messages_are_found_newest_first_with_the_words_marked(site: Site) -> None:
    client = site(*story())
    answer = client.get("/search", params={"q": "RETRY"})
    assert answer.text.count("<mark>retry</mark>") == 3
    page = words_of(answer.text)
    assert "3 found in messages, data, tags and marks" in page
    assert page.index("retry after restart") < page.index("retry #")
    expected = json_of("grep", "-i", "retry")
    assert client.get("/search.json", params={"q": "retry", "in": "messages"}).json() == expected


def test_data_are_found_with_their_field(site: Site) -> None:
    db = ledger()
    db.append(Noted("a", "nothing"))
    db.append(Noted("b", "x" * 500 + "Needle" + "y" * 500), author="ann")
    db.append(Noted("c", "", {"deep": ["one", "a needle here"]}))
    db.append(Noted("d", 'say "hi"'))
    client = site(db)
    page = words_of(client.get("/search", params={"q": "needle"}).text)
    assert "Data 2" in page
    assert "inside.deep[1] a needle here" in page
    assert f"words …{'x' * 60}Needle{'y' * 60}…" in page
    found = client.get("/search.json", params={"q": "needle", "in": "data"}).json()
    assert [event["position"] for event in found["events"]] == [3, 2]
    assert "<mark>say &#34;hi&#34;</mark>" in client.get("/search", params={"q": 'say "hi"'}).text


def test_data_are_those_that_grep_finds(site: Site) -> None:
    client = site(*story())
    expected = json_of("grep", "-i", "Lindenstr", "--data")
    assert expected["events"]
    assert client.get("/search.json", params={"q": "lindenstr", "in": "data"}).json() == expected


def test_masked_values_are_not_found(site: Site) -> None:
    page = words_of(site(*story()).get("/search", params={"q": "DE02 1203"}).text)
    assert "Nothing has these words" in page


def test_tags_and_marks_are_found(site: Site) -> None:
    db = ledger()
    db.append(Noted("letter-1", "a"), Noted("letter-1", "b"), Noted("other", "c"))
    db.mark("before-letter", message="prices as they were", author="dana")
    answer = site(db).get("/search", params={"q": "letter", "in": "tags"})
    assert "about:letter-1 2 events, the last #2" in words_of(answer.text)
    answer = site(db).get("/search", params={"q": "prices"})
    assert "before-letter #3 “prices as they were”" in words_of(answer.text)
    counts = site(db).get("/search.json", params={"q": "letter"}).json()["counts"]
    assert counts == {"messages": 0, "data": 2, "tags": 1, "marks": 1}


def test_in_narrows_and_takes_nothing_else(site: Site) -> None:
    client = site(*story())
    assert client.get("/search", params={"q": "retry", "in": "data"}).status_code == 200
    assert client.get("/search", params={"q": "order:o-1042", "in": "tags"}).status_code == 200
    assert client.get("/search", params={"q": "x", "in": "heads"}).status_code == 400
    assert client.get("/search", params={"q": "x" * 1_001}).status_code == 400
    assert client.get("/search").status_code == 200


def test_who_waits_is_told_how_far_it_is_and_can_stop(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backstory.web.page.SILENT", -1)
    monkeypatch.setattr("backstory.web.page.EVERY", -1)
    db = ledger()
    db.append(*(Noted(f"n-{number}", "found" if number in (10, 4_990) else "") for number in range(5_000)))
    client = site(db)
    answer = client.get("/search", params={"q": "found"})
    page = words_of(answer.text)
    assert "Looked at 2,000 of 5,000 positions. 1 found so far." in page
    assert "after=3000" in answer.text
    assert "2 found in messages" in page
    stopped = words_of(client.get("/search", params={"q": "found", "after": "3000"}).text)
    assert "1 found" in stopped
    assert "what is older than #3001 was not looked at" in stopped


def test_only_so_many_are_shown_and_all_are_counted(site: Site) -> None:
    db = ledger()
    db.append(*(Noted(f"n-{number}", "found") for number in range(1_000)))
    client = site(db)
    together = client.get("/search", params={"q": "found"})
    assert "Data 1,000, the newest 5 All 1,000" in words_of(together.text)
    assert "Data 1,000, the newest 100" in words_of(client.get("/search?q=found&in=data").text)


def test_a_reader_with_a_scope_finds_nothing_else(site: Site) -> None:
    client = site(shop(), None, Reader("lea", frozenset({"read"}), Scope(tags=("order:o-1",))))
    for text in ("planted", "order:planted-o-2", "planted-id", "planted message"):
        answer = client.get("/search", params={"q": text}, follow_redirects=False)
        assert answer.status_code == 200
        assert "0 found" in words_of(answer.text), text


def test_what_is_hidden_is_not_found_by_a_reader_who_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.web.page.SILENT", -1)
    monkeypatch.setattr("backstory.web.pages.search.CHUNK", 2)
    db = shop()
    assert "veiled" in words_of(site(db).get("/search", params={"q": "veiled@x"}).text)
    some = Reader("lea", frozenset({"read"}), Scope(hidden=("email",)))
    page = words_of(site(db, None, some).get("/search", params={"q": "veiled@x"}).text)
    assert "Looked at 2 of" in page
    assert "0 found in messages" in page
