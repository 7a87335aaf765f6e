"""Endpoints from commands and states, asked as a client asks them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from backstory import State, Tag, command, connect
from backstory.aio import AsyncDatabase
from backstory.contrib import starlette
from backstory.contrib.fastapi import Backstory, Router
from backstory.contrib.http.answering import etags
from backstory.errors import DefinitionError
from tests.contrib.fastapi.depot import Counted, Labelled, Parcel, application, arrive, label, move

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")

SMALL = {"size": {"grams": 500}}


def problem(answer: Any) -> tuple[int, str]:
    """The status of a problem, and what it says."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = answer.json()
    assert said["status"] == answer.status_code
    assert said["type"] == "about:blank"
    assert said["kind"]
    return answer.status_code, said.get("code") or said["detail"]


def test_a_command_is_done_and_its_state_is_shown_with_the_place_of_its_last_event(
    client: TestClient,
) -> None:
    done = client.post("/parcels/p-1", json=SMALL | {"due": "2026-12-01"})
    assert (done.status_code, done.json()["place"]) == (201, done.headers["backstory-place"])
    shown = client.get("/parcels/p-1")
    assert shown.json() == {
        "parcel": "p-1", "grams": 500, "sender": shown.json()["sender"], "due": "2026-12-01", "shelf": "", "labels": [],
    }  # fmt: skip
    assert shown.headers["etag"] == f'"{done.json()["place"]}"'
    client.post("/parcels/p-2", json=SMALL)
    assert client.get("/parcels/p-1").headers["etag"] == shown.headers["etag"]


def test_what_is_marked_is_masked(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL | {"sender": "Ann Smith"})
    assert "Ann" not in client.get("/parcels/p-1").text


def test_a_command_that_decides_to_do_nothing_has_no_content(client: TestClient) -> None:
    assert client.put("/parcels/p-1/labels", json={"labels": ["blue"]}).status_code == 200
    again = client.put("/parcels/p-1/labels", json={"labels": ["blue"]})
    assert (again.status_code, again.content) == (204, b"")


def test_words_of_the_path_have_the_types_of_an_identity(client: TestClient) -> None:
    assert client.put("/v1/counts/7/left", json={"number": 3}).status_code == 200
    assert client.get("/v1/counts/7/left").json() == {"row": 7, "place": "left", "number": 3}
    assert problem(client.get("/v1/counts/seven/left"))[0] == 422
    assert problem(client.put("/v1/counts/seven/left", json={"number": 3}))[0] == 422


def test_two_states_may_be_in_the_path_or_one_in_the_body(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    assert client.post("/v1/shelves/s-1/parcels/p-1").status_code == 200
    assert client.post("/parcels/p-1/moves", json={"shelf": "s-2"}).status_code == 200
    assert client.post("/parcels/p-1/moves", json={"shelf": {"shelf": "s-2"}}).status_code == 200
    assert client.get("/v1/shelves/s-2").json()["parcels"] == ["p-1", "p-1"]


def test_a_refusal_has_its_code_and_the_status_that_the_application_says(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    assert problem(client.post("/parcels/p-1", json=SMALL)) == (409, "here")
    assert problem(client.post("/parcels/p-9/moves", json={"shelf": "s"})) == (404, "gone")
    nested = {"size": {"grams": 1, "around": [{"grams": 1}]}, "sender": "\x1b[2J\u202eAnn"}
    refused = client.post("/parcels/p-2", json=nested)
    assert problem(refused) == (422, "nested")
    assert refused.json()["detail"] == "a parcel in a parcel: \\x1b[2J\\u202eAnn"


def test_a_refusal_has_its_details_and_what_is_marked_in_them_is_masked(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL | {"sender": "Ann Smith"})
    refused = client.post("/parcels/p-1", json=SMALL).json()
    mine, others = refused["details"]["parcel"], refused["details"]["others"]
    assert refused["details"]["weighs"] == 500
    assert (mine["grams"], mine["sender"]) == (500, "***")
    assert others == [mine]
    assert "details" not in client.post("/parcels/p-9/moves", json={"shelf": "s"}).json()


def test_a_problem_without_an_error_of_the_library_has_the_kind_of_its_status(client: TestClient) -> None:
    stale = {"if-match": '"12-0f3a9c1b"'}
    answers = [
        client.post("/parcels/p-1", content=b"{", headers={"content-type": "application/json"}),
        client.get("/parcels/p-9"),
        client.post("/parcels/p-1", json=SMALL, headers=stale),
        client.post("/parcels/p-1", content=b" " * 1_000_001),
        client.post("/parcels/p-1", content=b"{}", headers={"content-type": "text/plain"}),
        client.post("/parcels/p-1", json={}),
    ]
    assert [(answer.status_code, answer.json()["kind"]) for answer in answers] == [
        (400, "bad-request"),
        (404, "not-found"),
        (412, "stale"),
        (413, "too-large"),
        (415, "unsupported-media-type"),
        (422, "input-error"),
    ]


def test_nothing_is_known_of_what_no_event_concerns(client: TestClient) -> None:
    assert problem(client.get("/parcels/p-9"))[0] == 404
    assert client.get("/nowhere").status_code == 404


WRONG: list[tuple[int, dict[str, Any]]] = [
    (400, {"content": b'{"size":', "headers": {"content-type": "application/json"}}),
    (400, {"content": b'{"sender": "\xff"}', "headers": {"content-type": "application/json"}}),
    (400, {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}),
    (413, {"content": b" " * 1_000_001, "headers": {"content-type": "application/json"}}),
    (415, {"content": b'{"size": {"grams": 5}}', "headers": {"content-type": "text/plain"}}),
    (415, {"data": {"size": "5"}}),
    (422, {}),
    (422, {"json": []}),
    (422, {"json": {"size": {"grams": "500"}}}),
    (422, {"json": {"size": {"grams": 31_000}}}),
    (422, {"json": SMALL | {"due": "tomorrow"}}),
    (422, {"json": SMALL | {"parcel": "p-2"}}),
    (422, {"json": SMALL | {"author": "bob"}}),
    (422, {"json": SMALL | {"sender": "\x00"}}),
    (422, {"json": SMALL | {"sender": "\\\x00"}}),
]


def test_a_request_that_is_wrong_is_never_a_fault_of_the_server(client: TestClient) -> None:
    for status, sent in WRONG:
        answer = client.post("/parcels/p-1", **sent)
        assert answer.status_code == status, (sent, answer.text)
        problem(answer)
    assert client.get("/commits").json() == []


def test_a_word_that_a_command_does_not_take_is_answered_with_those_that_it_takes(client: TestClient) -> None:
    for path, takes in (("/parcels/p-1", "size, sender, due"), ("/parcels/p-1/labels", "labels")):
        said = problem((client.post if path[-1] == "1" else client.put)(path, json={"lable": ["blue"]}))
        assert said[0] == 422
        assert said[1].endswith(f" takes {takes}, and no lable")


def test_each_request_has_its_own_author_and_its_own_id(client: TestClient) -> None:
    def ask(number: int) -> None:
        path = ("parcels", "plainly", "awaited")[number % 3]
        headers = {"key": f"a-{number}", "x-request-id": f"r-{number}"}
        client.post(f"/{path}/p-{number}", headers=headers, json=SMALL)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(ask, range(12)))
    found = {(commit["author"], commit["correlation"]) for commit in client.get("/commits").json()}
    assert found == {(f"a-{number}", f"r-{number}") for number in range(12)}


def test_the_id_of_a_request_is_that_of_its_trace_or_a_new_one(client: TestClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for number, headers in enumerate(
        [
            {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
            {"x-request-id": "a b"},
            {"x-request-id": "x" * 201},
            {},
        ]
    ):
        client.post(f"/parcels/p-{number}", json=SMALL, headers=headers)
    first, *others = [commit["correlation"] for commit in client.get("/commits").json()]
    assert first == trace
    assert len({*others, "a b", "x" * 201}) == 5


def test_somebody_who_is_not_known_does_nothing_that_needs_a_name(client: TestClient) -> None:
    assert problem(client.post("/v1/notes", json={"words": "hello"}))[0] == 403
    assert client.post("/v1/notes", json={"words": "hello"}, headers={"key": "ann"}).status_code == 200
    assert (
        problem(client.post("/v1/notes", json={"words": "hello", "by": "bob"}, headers={"key": "ann"}))[0]
        == 422
    )
    assert client.post("/v1/notes", json={"words": "hello"}, headers={"key": "wrong"}).status_code == 401


# ---- what was read, and whether it is still so


def test_what_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    etag = client.get("/parcels/p-1").headers["etag"]
    for header in (etag, f'W/"x", {etag}', f"W/{etag}", f',"x", ,{etag}', "*"):
        same = client.get("/parcels/p-1", headers={"if-none-match": header})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    client.put("/parcels/p-1/labels", json={"labels": ["blue"]})
    assert client.get("/parcels/p-1", headers={"if-none-match": etag}).status_code == 200


def test_a_command_on_what_was_read_is_done_if_it_has_not_changed(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    seen = {"if-match": client.get("/parcels/p-1").headers["etag"]}
    for number in range(2):  # others are on the shelf by now, which is not what was read
        client.post(f"/parcels/o-{number}", json=SMALL)
        client.post(f"/v1/shelves/s-1/parcels/o-{number}")
    moved = client.post("/parcels/p-1/moves", json={"shelf": "s-1"}, headers=seen)
    assert moved.status_code == 200
    assert problem(client.post("/parcels/p-1/moves", json={"shelf": "s-2"}, headers=seen))[0] == 412
    after = {"if-match": f'"{moved.json()["place"]}"'}
    assert client.post("/parcels/p-1/moves", json={"shelf": "s-2"}, headers=after).status_code == 200


def test_what_was_read_elsewhere_has_changed(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    for header in ('"0-00000000"', '"1-00000000"', '"99-0f3a9c1b"', 'W/"1-0f3a9c1b"', '"x"', '""'):
        changed = client.put("/parcels/p-1/labels", json={"labels": ["blue"]}, headers={"if-match": header})
        assert problem(changed)[0] == 412
    assert client.get("/parcels/p-1").json()["labels"] == []


def test_an_etag_without_quotes_is_none(client: TestClient) -> None:
    for header in ("1-0f3a9c1b", '"1-0f3a9c1b', '"a" "b"', "?"):
        answer = client.put("/parcels/p-1/labels", json={"labels": []}, headers={"if-match": header})
        assert problem(answer)[0] == 400


def test_what_is_made_is_made_once(client: TestClient) -> None:
    new, there = {"if-none-match": "*"}, {"if-match": "*"}
    assert problem(client.put("/parcels/p-1/labels", json={"labels": ["a"]}, headers=there))[0] == 412
    assert client.put("/parcels/p-1/labels", json={"labels": ["a"]}, headers=new).status_code == 200
    assert problem(client.put("/parcels/p-1/labels", json={"labels": ["b"]}, headers=new))[0] == 412
    assert client.put("/parcels/p-1/labels", json={"labels": ["b"]}, headers=there).status_code == 200


def test_of_many_who_read_the_same_one_changes_it(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    seen = {"if-match": client.get("/parcels/p-1").headers["etag"]}

    def change(number: int) -> int:
        return client.put("/parcels/p-1/labels", json={"labels": [str(number)]}, headers=seen).status_code

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(change, range(8))) == [200] + [412] * 7


# ---- requests that are sent again


def test_a_request_with_a_key_is_done_once_and_answered_as_at_first(client: TestClient) -> None:
    headers = {"idempotency-key": "k-1", "key": "ann"}
    first = client.post("/parcels/p-1", json=SMALL, headers=headers)
    client.put("/parcels/p-1/labels", json={"labels": ["blue"]})
    again = client.post("/parcels/p-1", json=SMALL, headers=headers)
    assert (again.status_code, again.json(), again.headers["backstory-place"]) == (
        first.status_code,
        first.json(),
        first.headers["backstory-place"],
    )
    assert len(client.get("/commits").json()) == 2


def test_the_same_key_is_another_one_for_others_and_for_other_routes(client: TestClient) -> None:
    sent: dict[str, Any] = {"json": {"labels": ["blue"]}}
    ids = {
        client.put("/parcels/p-1/labels", headers={"idempotency-key": "k", "key": "ann"}, **sent).json()[
            "commit"
        ],
        client.put("/parcels/p-2/labels", headers={"idempotency-key": "k", "key": "bob"}, **sent).json()[
            "commit"
        ],
        client.post("/parcels/p-3", headers={"idempotency-key": "k", "key": "ann"}, json=SMALL).json()[
            "commit"
        ],
    }
    assert len(ids) == 3
    assert "k" not in ids


def test_a_key_is_another_one_for_a_route_of_another_router(tmp_path: Path) -> None:
    history = Backstory(tmp_path / "depot.db")
    app = FastAPI()
    history.install(app)
    for prefix, what in (("/labelled", label), ("/arrived", arrive)):
        router = Router(history, prefix=prefix)
        router.command("/{parcel}", what)
        app.include_router(router)
    app.post("/bare/{parcel}")(history.command(label))
    with TestClient(app) as client:
        key = {"idempotency-key": "k"}
        assert client.post("/labelled/p-1", json={"labels": ["a"]}, headers=key).status_code == 200
        assert client.post("/arrived/p-1", json=SMALL, headers=key).status_code == 200
        assert client.post("/bare/p-1", json={"labels": ["b"]}).status_code == 200
    with pytest.raises(TypeError, match=r"Depends\(history\)"):
        history.acting(Request({"type": "http"}))


def test_a_key_is_of_one_request(client: TestClient) -> None:
    headers = {"idempotency-key": "k-1", "key": "ann"}
    client.put("/parcels/p-1/labels", json={"labels": ["blue"]}, headers=headers)
    for path, labels in (("p-1", ["red"]), ("p-2", ["blue"])):
        answer = client.put(f"/parcels/{path}/labels", json={"labels": labels}, headers=headers)
        assert problem(answer) == (422, "this Idempotency-Key was used for another request")
    assert problem(client.post("/parcels/p-1", json=SMALL, headers={"idempotency-key": ""}))[0] == 422


def test_many_requests_with_one_key_at_once_are_one(client: TestClient) -> None:
    def send(_: int) -> tuple[int, str]:
        answer = client.put("/parcels/p-1/labels", json={"labels": ["x"]}, headers={"idempotency-key": "k"})
        return answer.status_code, answer.json()["commit"]

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(send, range(8)))) == 1
    assert len(client.get("/commits").json()) == 1


# ---- the past


def test_a_state_is_shown_as_it_was(client: TestClient) -> None:
    place = client.post("/parcels/p-1", json=SMALL).json()["place"]
    client.put("/parcels/p-1/labels", json={"labels": ["blue"]})
    for at in ("1", "main~1", place, "#1"):
        was = client.get("/parcels/p-1", params={"at": at})
        assert (was.json()["labels"], was.headers["etag"]) == ([], f'"{place}"')
    now = client.get("/parcels/p-1", params={"at": "2999-01-01T00:00:00+02:00"})
    assert now.json()["labels"] == ["blue"]
    assert problem(client.get("/parcels/p-1", params={"at": "0"}))[0] == 404


NO_POINTS = [
    ("gone", 404), ("3", 404), ("9" * 18, 404), ("9" * 400, 404), ("", 404), ("main~9", 404), ("main~99999", 422),
    ("2-00000000", 409), ("x" * 1_001, 422), ("2026-11-03T10:00:00", 422), ("2026-13-03T10:00:00Z", 422),
    ("@{nonsense}", 404), ("\x00", 404), ("main..main", 404), ("-1", 404), ("%s", 404), ("#-1", 404),
]  # fmt: skip


def test_a_point_that_is_none_is_an_error_of_the_client(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    client.put("/parcels/p-1/labels", json={"labels": ["blue"]})
    for at, status in NO_POINTS:
        assert problem(client.get("/parcels/p-1", params={"at": at}))[0] == status, at


def test_no_answer_names_the_branches_of_others(address: str) -> None:
    with TestClient(application(address)) as client:
        with connect(address) as db:
            db.append(Labelled("p-1", []))
            db.branch("planned-layoffs")
        said = client.get("/parcels/p-1", params={"at": "planned"}).json()
        assert "layoffs" not in said["detail"]


# ---- the application


def test_the_database_is_open_while_the_application_serves_and_may_be_opened_again(tmp_path: Path) -> None:
    app = application(str(tmp_path / "depot.db"))
    history: Backstory = app.state.history
    for _ in range(2):
        with TestClient(app) as client:
            assert client.put("/parcels/p-1/labels", json={"labels": ["blue"]}).status_code in (200, 204)
            assert isinstance(history.db, AsyncDatabase)
        with pytest.raises(RuntimeError, match="call install"):
            _ = history.db


def test_a_lifespan_of_ones_own_has_the_database() -> None:
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        await history.db.append(Counted(1, "a", 5))
        async with history.lifespan(app):
            yield {"told": "so"}
        assert (await history.db.head()).position == 1

    history = Backstory("memory:")
    app = FastAPI(lifespan=lifespan)
    history.install(app)
    with TestClient(app) as client:
        assert client.app_state == {"told": "so"}


class Room(State):
    """A state of which a command has two."""

    room: Tag[str]

    def apply(self, event: Labelled) -> None:
        pass

    def query(self) -> Any:
        return Parcel(self.room).query()


@command(name="depot.swap")
def swap(one: Room, other: Room, words: str) -> Labelled:
    return Labelled(one.room, [other.room, words])


def test_a_path_that_does_not_fit_is_an_error_where_it_is_written() -> None:
    router = Router(Backstory("memory:"))
    router.command("/{one}/{other}/{words}", swap)
    router.command("/{parcel}/{shelf}", move)
    with pytest.raises(DefinitionError, match="of several states"):
        router.command("/{room}", swap)
    with pytest.raises(DefinitionError, match=r"\{box\} in the path is no parameter"):
        router.command("/{box}", arrive)
    with pytest.raises(DefinitionError, match=r"has no \{parcel\}"):
        router.state("/{box}", Parcel)
    with pytest.raises(ValueError, match="from 400 to 499"):
        Backstory("memory:", refusals={"here": 500})


def test_a_thing_of_the_wrong_kind_is_an_error_where_it_is_written() -> None:
    history: Any = Backstory("memory:")
    router: Any = Router(history)
    given: Any
    for given, wrong in ((Parcel, "Parcel is no command"), (Parcel("p"), "no command"), (None, "no command")):
        with pytest.raises(DefinitionError, match=wrong):
            router.command("/{parcel}", given)
        with pytest.raises(DefinitionError, match=wrong):
            starlette.Backstory.command(history, given)
    for given, wrong in (
        (arrive, "depot.arrive is no state"),
        (Labelled, "no state"),
        (Parcel("p"), "no state"),
    ):
        for route in (router.state, router.live, router.find):
            with pytest.raises(DefinitionError, match=wrong):
                route("/{parcel}", given)
    for method in ("GET", "HEAD", "put"):
        with pytest.raises(DefinitionError, match="one of POST, PUT, PATCH, DELETE"):
            router.command("/{parcel}", arrive, method=method)


def test_fields_that_a_state_has_not_are_an_error_where_they_are_written() -> None:
    router = Router(Backstory("memory:"))
    with pytest.raises(DefinitionError, match="order: Parcel has no nope"):
        router.find("", Parcel, order="-grams, nope")
    with pytest.raises(DefinitionError, match="sender is marked"):
        router.find("", Parcel, order="sender")
    with pytest.raises(DefinitionError, match="fields: Parcel has no nope"):
        router.find("", Parcel, fields=["grams", "nope"])


def test_a_position_that_is_not_there_is_answered_with_the_way_to_write_one(client: TestClient) -> None:
    client.post("/parcels/p-1", json=SMALL)
    status, words = problem(client.get("/parcels/p-1?at=99"))
    assert (status, "a position is written 12, or #12, which is %2312" in words) == (404, True)
    for at in ("1", "%231"):
        assert client.get(f"/parcels/p-1?at={at}").json()["grams"] == 500


def test_a_list_of_etags_may_end_with_a_comma() -> None:
    assert etags('"1-a" ,, W/"2-b", ', weak=True) == ["1-a", "2-b"]
