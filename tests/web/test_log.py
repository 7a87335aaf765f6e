"""The log page, and the rules that hold for every address."""

from __future__ import annotations

import pytest

from backstory import Database, Event, State, Tag, connect
from backstory.application import Application
from tests.web.conftest import Site


class Told(Event):
    thing: Tag[str]
    words: str


@pytest.fixture
def db() -> Database:
    db = connect("memory:")
    for number in range(1, 61):
        db.append(
            Told(f"t-{number % 3}", f"n{number}"),
            author="ann" if number % 2 else "bob",
            message=f"line {number}",
        )
    return db


def test_the_log_is_newest_first_a_page_at_a_time(db: Database, site: Site) -> None:
    client = site(db)
    first = client.get("/log.json").json()["commits"]
    assert [each["position"] for each in first] == list(range(60, 10, -1))
    page = client.get("/log").text
    assert "Older than #11" in page
    assert [each["position"] for each in client.get("/log.json?before=11").json()["commits"]] == list(
        range(10, 0, -1)
    )


def test_a_page_of_the_past_shows_nothing_later(db: Database, site: Site) -> None:
    page = site(db).get("/log?at=%2312").text
    assert "line 12" in page
    assert "line 13" not in page
    assert "You read the past" in page


def test_filters_are_those_of_the_command_line(db: Database, site: Site) -> None:
    client = site(db)
    for query, wanted in (
        ("tag=thing:t-1&author=ANN", 10),
        ("grep=LINE 6", 2),
        ("type=Told", 50),
        ("type=Tolt", 0),
    ):
        assert len(client.get(f"/log.json?{query}").json()["commits"]) == wanted, query
    assert "did you mean" in client.get("/log?type=Tolt").text


def test_a_typed_filter_becomes_parameters(db: Database, site: Site) -> None:
    answer = site(db).get("/log?filter=tag:thing:t-1+author:ann+line+7", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/log?tag=thing%3At-1&author=ann&grep=line+7"


@pytest.mark.parametrize("query", ["n=x", "n=-1", "n=100000", "before=1.5", "since=neverday"])
def test_a_wrong_parameter_is_400_or_404_and_says_why(db: Database, site: Site, query: str) -> None:
    answer = site(db).get(f"/log?{query}")
    assert answer.status_code in (400, 404)
    assert query.partition("=")[2].strip("(") in answer.text


def test_a_revision_that_names_nothing_is_404_with_the_likely_one(db: Database, site: Site) -> None:
    answer = site(db).get("/log?at=mian")
    assert answer.status_code == 404
    assert '<a class="button" href="/log?at=main">main</a>' in answer.text


def test_a_shared_link_names_the_commit_by_its_hash(db: Database, site: Site) -> None:
    page = site(db).get("/log").text
    link = f"/log?at={db.point('HEAD').commit.hash.hex()[:10]}"  # type: ignore[union-attr]
    assert link in page
    db.append(Told("t-9", "later"), message="later")
    assert "later" not in site(db).get(link).text


def test_nobody_reads_without_being_somebody(db: Database, site: Site) -> None:
    assert site(db, reader=None).get("/log").status_code == 403
    assert site(db, reader=None).get("/log.json").json()["error"]


def test_the_suffix_json_can_be_part_of_a_name(db: Database, site: Site) -> None:
    assert site(db).get("/log", headers={"accept": "application/json"}).json()["kind"] == "commits"
    assert site(db).get("/log%2Ejson").status_code == 404


def test_a_filter_that_no_index_answers_says_how_far_it_has_come(
    db: Database, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.web.page.SILENT", 0.0)
    monkeypatch.setattr("backstory.web.page.EVERY", 0.0)
    text = site(db).get("/log?author=bob&grep=line 8").text
    assert "Looked at" in text
    assert "/log?author=bob&amp;grep=line+8&amp;after=" in text  # the answer so far
    assert text.index("Looked at") < text.index("1 shown")
    assert [
        each["message"] for each in site(db).get("/log.json?author=bob&grep=line 8").json()["commits"]
    ] == ["line 8"]


class Brittle(State):
    thing: Tag[str]

    def apply(self, event: Told) -> None:
        if event.words == "n60":
            raise ValueError("sixty is too much")


def test_a_state_that_raises_leaves_the_rest_of_the_log(db: Database, site: Site) -> None:
    page = site(db, Application("brittle", (), (Brittle,), ())).get("/log?patch=1")
    assert page.status_code == 200
    assert "sixty is too much" in page.text
    assert "line 12" in page.text


def test_a_long_message_is_cut_in_the_list(site: Site) -> None:
    db = connect("memory:")
    db.append(Told("t-1", "n"), message="long " * 100_000)
    page = site(db).get("/log").text
    assert "499,759 more characters" in page
    assert len(page) < 60_000


def test_what_a_large_commit_changed_is_left_to_its_page(site: Site) -> None:
    db = connect("memory:")
    db.append(*(Told(f"t-{number}", "n") for number in range(99)))
    db.append(*(Told(f"t-{number}", "m") for number in range(21)))
    page = site(db).get("/log?patch=1").text
    assert "What its 21 events changed is on its own page." in page
    assert '#100</a><span class="faint small">..20</span>' in page
    assert '#1</a><span class="faint small">..99</span>' in page
