"""What a reader may do: shown first, done once, by those who may, from our own pages alone."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backstory import Database, Event, Refused, State, Tag, command, connect, reverts
from backstory.application import collect
from backstory.cli import main
from backstory.scope import Scope
from backstory.web import Reader
from tests.state.bank import deposit
from tests.web.conftest import Site


class Filled(Event, name="test.actions.filled"):
    shelf: Tag[str]
    count: int
    sold: bool = False


class Cleared(Event, name="test.actions.cleared"):
    shelf: Tag[str]
    count: int


class Shelf(State):
    shelf: Tag[str]
    count: int = 0

    def apply(self, event: Filled | Cleared) -> None:
        self.count += event.count if isinstance(event, Filled) else -event.count


@command
def fill(shelf: Shelf, count: int, sold: bool = False) -> Filled:
    """Put things on a shelf."""
    if shelf.count + count > 10:
        raise Refused("it is full", code="full", free=10 - shelf.count)
    return Filled(shelf.shelf, count, sold)


@command
def tidy(shelves: list[Shelf], note: str = "", sizes: list[int] | None = None) -> Iterator[Cleared]:
    for shelf in shelves:
        if shelf.count:
            yield Cleared(shelf.shelf, shelf.count)


@command
def burn(shelf: Shelf) -> Filled:
    raise ZeroDivisionError("of the application")


@reverts(Filled)
def clear(event: Filled) -> Cleared:
    return Cleared(event.shelf, event.count)


SURE = {"do": "append", "sure": "1"}
SHOP = collect("shop", [fill, tidy, burn])
DANA = Reader("dana", frozenset({"read", "append"}))
UNABLE = {
    "reads": Reader("eve"),
    "operates": Reader("omar", frozenset({"read", "operate"})),
    "appends, and sees a part": Reader("pam", frozenset({"read", "append"}), Scope(tags=("shelf:b",))),
}


@pytest.fixture
def db() -> Database:
    """A shelf with 4."""
    db = connect()
    db.execute(fill(Shelf("a"), 4), id="first")
    return db


@pytest.fixture
def client(site: Site, db: Database) -> TestClient:
    """The pages, for somebody who may append."""
    return site(db, SHOP, DANA)


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the last form of a page."""
    form = text[text.rindex('method="post"') :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


def posted(client: TestClient, path: str, form: dict[str, str]) -> Any:
    """The answer to a form."""
    return client.post(path, data=form, follow_redirects=False)


def shown(client: TestClient, path: str, form: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The page that a form leads to without `sure`, and its hidden fields."""
    answer = posted(client, path, hidden(client.get(path).text) | form)
    assert answer.status_code == 200, answer.text
    return answer.text, hidden(answer.text)


ACTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "branch": ("/act/branch", {"name": "trial"}),
    "mark": ("/act/mark", {"name": "full", "reason": "why"}),
    "delete": ("/act/delete?name=old", {}),
    "restore": ("/act/restore?name=gone", {}),
    "revert": ("/act/revert?commit=first", {"reason": "wrong shelf"}),
    "keep": ("/do/fill", {"p.shelf": "a", "p.count": "2", "do": "keep", "name": "kept"}),
    "do": ("/do/fill", {"p.shelf": "a", "p.count": "2", "do": "append", "reason": "more came"}),
}


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest, db: Database) -> tuple[str, dict[str, str]]:
    """Each action, and a store on which it can be done."""
    db.branch("old")
    db.branch("gone")
    db.branches.delete("gone")
    return ACTIONS[request.param]


def all_of(db: Database) -> Any:
    """Everything that an action might change."""
    refs = dict(db.store.refs.list())
    return refs, [db.branches.view(branch.chain).head() for branch in db.branches.all()]


def test_what_is_shown_first_changes_nothing_and_is_done_once(
    client: TestClient, db: Database, action: tuple[str, dict[str, str]]
) -> None:
    path, form = action
    before = all_of(db)
    _, fields = shown(client, path, form)
    assert all_of(db) == before
    sure = fields | form | {"sure": "1"}
    assert posted(client, path, sure).status_code == 303
    after = all_of(db)
    assert after != before
    assert posted(client, path, sure).status_code in (303, 400, 404)
    assert all_of(db) == after


def test_many_presses_at_once_do_it_once(
    client: TestClient, db: Database, action: tuple[str, dict[str, str]]
) -> None:
    path, form = action
    _, fields = shown(client, path, form)
    before = len(list(db.commits())), len(db.branches.names()), len(db.branches.marks())
    threads = [
        threading.Thread(target=posted, args=(client, path, fields | form | {"sure": "1"})) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = len(list(db.commits())), len(db.branches.names()), len(db.branches.marks())
    assert sum(abs(one - other) for one, other in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("who", UNABLE)
def test_those_who_may_not_append_or_do_not_see_all_may_do_nothing(
    site: Site, db: Database, action: tuple[str, dict[str, str]], who: str
) -> None:
    path, form = action
    client = site(db, SHOP, UNABLE[who])
    before = all_of(db)
    assert client.get(path).status_code == 403
    token = re.search(r'name="token" value="(\w+)"', client.get("/log").text)
    for sure in ("0", "1"):
        fields = {"token": token[1] if token else "", "sure": sure}
        assert posted(client, path, form | fields).status_code == 403
    assert all_of(db) == before


@pytest.mark.parametrize("token", [None, "", "0" * 64, "of another reader"])
def test_a_form_without_our_token_does_nothing(
    site: Site, client: TestClient, db: Database, action: tuple[str, dict[str, str]], token: str | None
) -> None:
    path, form = action
    _, fields = shown(client, path, form)
    if token == "of another reader":
        token = hidden(site(db, SHOP, Reader("mia", DANA.may)).get(path).text)["token"]
    fields = {name: value for name, value in fields.items() if name != "token"} | form | {"sure": "1"}
    before = all_of(db)
    if token is not None:
        fields["token"] = token
    assert posted(client, path, fields).status_code == 403
    assert all_of(db) == before


def test_the_author_is_the_reader_and_the_message_the_reason(client: TestClient, db: Database) -> None:
    for name in ("do", "revert"):
        path, form = ACTIONS[name][0], ACTIONS[name][1] | {"p.shelf": "b"}
        _, fields = shown(client, path, form)
        posted(client, path, fields | form | {"sure": "1", "author": "carl"})
    done, undone = list(db.commits())[1:]
    assert [(each.author, each.message) for each in (done, undone)] == [
        ("dana", "more came"),
        ("dana", "wrong shelf"),
    ]
    assert undone.metadata == {"reverts": ["first"]}
    text = client.get("/act/revert?commit=first").text
    assert "#1 was already undone by #3; there is nothing to revert. Nothing is appended." in text


def test_the_form_of_a_command_has_its_parameters(client: TestClient) -> None:
    text = client.get("/do/fill?p.shelf=a").text
    assert 'name="p.shelf" value="a" required' in text
    assert 'name="p.count" value="" required' in text
    assert "<option>true</option><option>false</option>" in text
    assert 'textarea name="p.shelves"' in client.get("/do/tidy").text
    listed = client.get("/do").text
    assert 'href="/do/fill"' in listed
    assert "Put things on a shelf" in listed


def test_the_list_of_commands_is_the_document_of_the_command_line(client: TestClient) -> None:
    found = client.get("/do.json").json()
    assert (found["kind"], found["app"]) == ("commands", "shop")
    assert [each["usage"] for each in found["commands"]][1] == "fill SHELF --count INT [--sold|--no-sold]"


def test_a_try_shows_the_events_and_the_states_before_and_after(client: TestClient) -> None:
    text, _ = shown(client, "/do/fill", {"p.shelf": "a", "p.count": "2"})
    assert "test.actions.filled" in text
    assert re.search(
        r'<span class="before">4</span></td><td data-label="after"><span class="after">6</span>', text
    )
    assert "do fill --shelf a --count=2 -b main --preview --app shop" in text
    assert "Do it on main" in text


def test_a_try_is_the_document_of_the_command_line(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = str(tmp_path / "bank.db")
    with connect(address) as db:
        client = site(db, collect("tests.state.bank", [deposit]), DANA)
        form = hidden(client.get("/do/deposit").text) | {"p.account": "a-7", "p.cents": "5"}
        answer = client.post("/do/deposit", data=form, headers={"accept": "application/json"})
    words = ["do", "deposit", "a-7", "--cents", "5", "--preview", "--json", "--app", "tests.state.bank"]
    assert main([*words, "-s", address]) == 0
    assert answer.json() == json.loads(capsys.readouterr().out)


def test_lists_are_given_line_by_line(client: TestClient, db: Database) -> None:
    db.execute(fill(Shelf("b"), 1))
    text, fields = shown(client, "/do/tidy", {"p.shelves": "a\r\nb\r\n", "p.note": "", "p.sizes": ""})
    assert text.count("test.actions.cleared</a>") == 2
    assert posted(client, "/do/tidy", fields | {"do": "append", "sure": "1"}).status_code == 303
    assert db.load(Shelf("b")).count == 0


def test_a_list_may_be_json_of_many_lines(client: TestClient) -> None:
    form = hidden(client.get("/do/tidy").text)
    for sizes in ("[1,\n2]", "1\n2", "[]"):
        text = posted(client, "/do/tidy", form | {"p.shelves": "a", "p.sizes": sizes}).text
        assert "test.actions.cleared" in text
    assert posted(client, "/do/tidy", form | {"p.sizes": "[1,"}).status_code == 400


def test_nothing_begins_in_the_middle_of_a_commit(client: TestClient, db: Database) -> None:
    db.append(Filled("b", 1), Filled("b", 2))
    for path in ("/act/branch?at=%232", "/act/mark?at=%232"):
        assert client.get(path).status_code == 400
    form = hidden(client.get("/do/fill").text)
    answer = posted(client, "/do/fill?at=%232", form | {"p.shelf": "a", "p.count": "1"})
    assert (answer.status_code, "in the middle of commit" in answer.text) == (400, True)


def test_a_refusal_is_an_answer_and_appends_nothing(client: TestClient, db: Database) -> None:
    form = hidden(client.get("/do/fill").text)
    text = posted(client, "/do/fill", form | {"p.shelf": "a", "p.count": "7"}).text
    assert "It was refused: it is full" in text
    assert "Do it on main" not in text
    assert db.head().position == 1


@pytest.mark.parametrize(
    ("path", "form", "status", "words"),
    [
        ("/do/fill", {"p.shelf": "a", "p.count": "many"}, 400, "count takes a whole number"),
        ("/do/fill", {"p.shelf": "a"}, 400, "count is missing"),
        ("/do/fill", {"p.count": "1"}, 400, "Shelf needs the identity"),
        ("/do/fill", {"p.shelf": "a", "p.count": "1", "base": "ffffffff"}, 404, "ffffffff"),
        ("/do/fill", {"p.shelf": "a", "p.count": "1", "do": "never", "sure": "1"}, 400, "keep or append"),
        ("/do/fill", {"p.shelf": "a", "p.count": "1", "do": "keep", "sure": "1"}, 400, "needs a name"),
        (
            "/do/fill",
            {"p.shelf": "a", "p.count": "1", "id": "first", "do": "append", "sure": "1"},
            400,
            "another command",
        ),
        ("/do/nothing", {}, 400, "no command"),
        ("/do", {}, 404, "nothing can be done"),
        ("/do/burn", {"p.shelf": "a"}, 400, "ZeroDivisionError"),
        ("/act/branch", {"name": "a..b", "sure": "1"}, 400, "cannot be a name"),
        ("/act/branch", {"name": "main", "sure": "1"}, 400, "already"),
        ("/act/delete", {"name": "main", "sure": "1"}, 400, "main cannot be deleted"),
        ("/act/delete", {"name": "nowhere"}, 404, "nowhere"),
        ("/act/restore", {"name": "nowhere"}, 400, "nowhere"),
        ("/act/revert", {}, 400, "which commit"),
        ("/act/revert", {"commit": "ffffffff"}, 404, "ffffffff"),
        ("/act/other", {}, 404, "nothing can be done"),
    ],
)
def test_wrong_input_is_named_and_changes_nothing(
    client: TestClient, db: Database, path: str, form: dict[str, str], status: int, words: str
) -> None:
    token = hidden(client.get("/act/branch").text)["token"]
    before = all_of(db)
    answer = posted(client, path, form | {"token": token})
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert all_of(db) == before


def test_what_was_tried_is_not_done_if_an_event_that_it_reads_came_in_between(
    client: TestClient, db: Database
) -> None:
    form = {"p.shelf": "a", "p.count": "2", "do": "append", "sure": "1"}
    _, fields = shown(client, "/do/fill", {"p.shelf": "a", "p.count": "2"})
    db.execute(fill(Shelf("b"), 1))
    db.execute(fill(Shelf("a"), 1))
    answer = posted(client, "/do/fill", fields | form)
    assert (answer.status_code, db.head().position) == (409, 3)
    assert "#3 test.actions.filled" in answer.text
    assert '<span class="before">5</span>' in answer.text
    assert posted(client, "/do/fill", hidden(answer.text) | form).status_code == 303
    assert db.load(Shelf("a")).count == 7


def test_what_was_tried_is_done_if_nothing_that_it_reads_came_in_between(
    client: TestClient, db: Database
) -> None:
    _, fields = shown(client, "/do/fill", {"p.shelf": "a", "p.count": "2"})
    db.execute(fill(Shelf("b"), 1))
    assert posted(client, "/do/fill", fields | {"do": "append", "sure": "1"}).status_code == 303
    assert db.load(Shelf("a")).count == 6


def test_what_was_tried_is_kept_where_it_was_tried_though_main_goes_on(
    client: TestClient, db: Database
) -> None:
    _, fields = shown(client, "/do/fill", {"p.shelf": "a", "p.count": "2"})
    db.execute(fill(Shelf("a"), 5))
    answer = posted(client, "/do/fill", fields | {"do": "keep", "name": "kept", "sure": "1"})
    assert answer.headers["location"] == "/log?at=kept"
    assert db.switch("kept").load(Shelf("a")).count == 6
    assert db.load(Shelf("a")).count == 9


def test_a_command_is_tried_at_a_past_point_and_is_only_kept_from_there(
    client: TestClient, db: Database
) -> None:
    db.execute(fill(Shelf("a"), 5))
    answer = posted(
        client,
        "/do/fill?at=%231",
        hidden(client.get("/do/fill?at=%231").text) | {"p.shelf": "a", "p.count": "6"},
    )
    assert '<span class="after">10</span>' in answer.text
    assert "Do it on" not in answer.text


def test_a_command_is_done_on_the_branch_that_is_looked_at(client: TestClient, db: Database) -> None:
    db.branch("trial")
    path = "/do/fill?at=trial"
    answer = posted(client, path, hidden(client.get(path).text) | {"p.shelf": "a", "p.count": "2"})
    assert "Do it on trial" in answer.text
    done = posted(client, path, hidden(answer.text) | {"do": "append", "sure": "1"})
    assert done.headers["location"] == "/c/2?at=trial"
    assert (db.head().position, db.switch("trial").load(Shelf("a")).count) == (1, 6)


def test_a_branch_is_made_where_somebody_looked_though_main_goes_on(client: TestClient, db: Database) -> None:
    _, fields = shown(client, "/act/branch", {"name": "trial"})
    db.execute(fill(Shelf("a"), 1))
    posted(client, "/act/branch", fields | {"name": "trial", "sure": "1"})
    assert db.switch("trial").head().position == 1


def test_a_branch_that_has_gone_on_since_is_not_deleted(client: TestClient, db: Database) -> None:
    trial = db.branch("trial")
    fields = hidden(client.get("/act/delete?name=trial").text)
    trial.execute(fill(Shelf("a"), 1))
    answer = posted(client, "/act/delete", fields | {"sure": "1"})
    assert "has gone on since" in answer.text
    assert "trial" in db.branches.names()
    assert "1 commit that main does not have" in answer.text


def test_a_revert_that_is_refused_says_whose_the_fields_are_and_cannot_be_pressed(
    client: TestClient, db: Database
) -> None:
    db.execute(fill(Shelf("a"), 1), id="second")
    text = client.get("/act/revert?commit=first").text
    assert "later commits own fields" in text
    assert 'value="1"' not in text
    token = hidden(client.get("/act/branch").text)["token"]
    answer = posted(client, "/act/revert", {"token": token, "commit": "first", "reason": "x", "sure": "1"})
    assert (answer.status_code, db.head().position) == (200, 2)


def test_a_mark_is_by_the_reader(client: TestClient, db: Database) -> None:
    path, form = ACTIONS["mark"]
    _, fields = shown(client, path, form)
    posted(client, path, fields | form | {"sure": "1"})
    [mark] = db.branches.marks()
    assert (mark.name, mark.author, mark.message, mark.position) == ("full", "dana", "why", 1)


def test_without_an_application_there_are_no_commands(site: Site, db: Database) -> None:
    assert site(db).get("/do").status_code == 404
    assert site(db).get("/do/fill").status_code == 404


def test_our_pages_tell_a_browser_that_their_forms_are_ours(client: TestClient) -> None:
    """Chromium sends `Origin: null` with a form of a page whose policy is `no-referrer`."""
    assert client.get("/act/branch").headers["referrer-policy"] == "no-referrer"
    token = hidden(client.get("/act/branch").text)["token"]
    for origin, site, status in (
        ("null", "same-origin", 200),
        ("null", "cross-site", 403),
        ("null", None, 403),
        ("http://elsewhere", "cross-site", 403),
        ("http://elsewhere", None, 403),
        ("http://127.0.0.1", "same-origin", 200),
        ("http://127.0.0.1", None, 200),
        (None, "cross-site", 403),
    ):
        given = {"origin": origin, "sec-fetch-site": site}
        headers = {name: value for name, value in given.items() if value is not None}
        answer = client.post("/act/branch", data={"token": token}, headers=headers)
        assert answer.status_code == status, given
