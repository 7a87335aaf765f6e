"""What is Flask's own: contexts, authors, the opening of databases, and errors of other views.

What endpoints answer is tested with those of FastAPI.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, request, stream_with_context

from backstory import Refused
from backstory.aio import AsyncDatabase
from backstory.contrib.flask import Backstory
from backstory.contrib.http.atonce import at_once
from backstory.errors import StoreCorrupt
from tests.contrib.fastapi.depot import Parcel, arrive, label, move
from tests.contrib.fastapi.test_endpoints import SMALL, problem
from tests.contrib.flask.depot import application, client_of, depot

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")


def said(history: Backstory) -> tuple[str, str]:
    """The author and the id of the last commit."""
    *_, last = history.db.commits()
    return last.author, last.metadata["correlation"]


def write(history: Backstory, *labels: str) -> tuple[str, str]:
    """Write, and give the author and the id."""
    history.db.execute(label(Parcel("p-1"), list(labels)))
    return said(history)


def test_a_context_of_a_request_has_its_author_and_id_without_a_server(
    app: Flask, history: Backstory
) -> None:
    with app.test_request_context(headers={"key": "ann", "x-request-id": "r-1"}):
        assert write(history, "a") == ("ann", "r-1")
        with history.db.context(author="bob", message="for ann"):
            assert write(history, "b") == ("bob", "r-1")
    with app.test_request_context():
        author, id = write(history, "c")
        assert (author, len(id)) == ("", 32)
        assert write(history, "d") == ("", id)


def test_outside_of_requests_the_author_is_the_user_of_the_machine(app: Flask, history: Backstory) -> None:
    @app.cli.command("tidy")
    def tidy() -> None:
        write(history, "a")
        write(history, "b")

    assert app.test_cli_runner().invoke(args=["tidy"]).exit_code == 0
    with app.app_context():
        first, second = history.db.commits()
        assert {first.author, second.author} == {getpass.getuser()}
        assert first.metadata == second.metadata
        client = client_of(app)
        ids = {client.post(f"/parcels/p-{number}", json=SMALL).json()["commit"] for number in range(2)}
        _, _, *others = history.db.commits()
        assert {each.id for each in others} == ids
        assert len({each.metadata["correlation"] for each in [first, *others]}) == 3


def test_a_user_who_logs_in_meanwhile_is_the_author_from_then(tmp_path: Path) -> None:
    history = Backstory(tmp_path / "depot.db", author=lambda: g.get("user"))
    app = Flask("depot")
    history.init_app(app)

    @app.post("/login")
    def login() -> list[str]:
        before, _ = write(history, "a")
        g.user = "ann"
        return [before, write(history, "b")[0]]

    assert client_of(app).post("/login").json() == ["", "ann"]
    history.close()


def test_an_author_that_is_no_text_is_a_fault_of_the_application(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    numbered: Any = lambda: 7  # noqa: E731 - the number of a user, as many sessions have it
    history = Backstory(tmp_path / "depot.db", author=numbered)
    client = client_of(application(history))
    for path in ("/parcels/p-1", "/plainly/p-1"):
        assert client.post(path, json=SMALL).status_code == 500
        assert "author gives 7: it is to give text" in str(caplog.records[-1].exc_info)
    history.close()


def test_an_author_that_aborts_guards_what_is_read_too(app: Flask) -> None:
    assert client_of(app).get("/parcels/p-1", headers={"key": "wrong"}).status_code == 401


def test_no_author_of_one_context_is_that_of_the_next(app: Flask, history: Backstory) -> None:
    from backstory.decide.context import current

    with app.test_request_context(headers={"key": "ann"}):
        with app.test_request_context(headers={"key": "bob"}):
            assert current().author == "bob"
        assert current().author == "ann"
    assert (current().author, current().metadata) == ("", {})


def test_a_context_that_was_there_before_the_history_ends_as_usual(history: Backstory) -> None:
    from backstory.decide.context import current

    outer, app = application(depot("memory:")), Flask("late")
    with outer.app_context():
        with app.app_context():
            history.init_app(app)
            history.init_app(app)
            with app.app_context():
                assert current().author == getpass.getuser()
        assert current().metadata["correlation"]
    assert (current().author, current().metadata) == ("", {})


def test_a_context_that_nobody_ends_goes_with_its_thread(app: Flask) -> None:
    import gc

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: app.app_context().push()).result()
    gc.collect()  # what could not be ended there would be told here


# ---- opening


def test_nothing_is_opened_before_the_first_use_and_a_closed_one_opens_again(
    app: Flask, history: Backstory, tmp_path: Path
) -> None:
    with app.app_context():
        assert not (tmp_path / "depot.db").exists()
        db = history.db
        assert db is history.db
        history.close()
        assert history.db is not db
        assert write(history, "a")[0]


def test_applications_of_a_factory_have_databases_of_their_own(tmp_path: Path) -> None:
    history = depot(None)
    apps = [application(history) for _ in range(2)]
    assert [set(app.view_functions) for app in apps] == [set(apps[0].view_functions)] * 2
    for number, app in enumerate(apps):
        app.config["BACKSTORY_ADDRESS"] = str(tmp_path / f"{number}.db")
    assert client_of(apps[0]).post("/parcels/p-1", json=SMALL).status_code == 201
    assert client_of(apps[1]).get("/parcels/p-1").status_code == 404
    with apps[0].app_context():
        first = history.db
        with apps[1].app_context():
            assert history.db is not first
        history.close(apps[1])
        assert history.db is first
    history.close()


def test_threads_that_open_at_once_have_one(app: Flask, history: Backstory) -> None:
    def opened(_: int) -> int:
        with app.app_context():
            return id(history.db)

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(opened, range(6)))) == 1


def test_an_application_that_nobody_told_of_or_that_has_no_address_is_an_error() -> None:
    history = depot(None)
    with Flask("other").app_context(), pytest.raises(RuntimeError, match=r"'other' has no database yet"):
        _ = history.db
    with application(history).app_context(), pytest.raises(RuntimeError, match="BACKSTORY_ADDRESS"):
        _ = history.db


# ---- views


def test_errors_of_the_library_are_answered_in_any_view_and_faults_are_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/refused")
    def refused() -> str:
        raise Refused("not so", code="gone")

    @app.get("/fault")
    def fault() -> str:
        raise StoreCorrupt("a page is damaged")

    client = client_of(app)
    assert problem(client.get("/refused")) == (404, "gone")
    assert caplog.records == []
    answer = client.get("/fault")
    assert (answer.status_code, "damaged" in answer.text) == (500, False)
    assert [record.message for record in caplog.records] == ["Exception on /fault [GET]"]


def test_a_view_is_the_same_for_the_same_and_may_have_many_routes(app: Flask, history: Backstory) -> None:
    assert history.command(move) is history.command(move)
    assert history.command(move) is not history.command(move, status=201)
    assert history.find(Parcel, order="grams") is not history.find(Parcel, order="parcel")
    app.post("/a/<parcel>/<shelf>")(history.command(move))
    app.post("/b/<shelf>/<parcel>")(history.command(move))
    client = client_of(app)
    client.post("/parcels/p-1", json=SMALL)
    for path in ("/a/p-1/s-1", "/b/s-1/p-1"):
        assert client.post(path, headers={"idempotency-key": "k"}).status_code == 200
    assert client.get("/v1/shelves/s-1").json()["parcels"] == ["p-1", "p-1"]


def test_a_view_that_is_async_and_one_that_streams_have_the_author(app: Flask, history: Backstory) -> None:
    @app.get("/pieces")
    def pieces() -> Iterator[str]:
        def each() -> Iterator[str]:
            yield write(history, "b")[0]
            yield write(history, "c")[1]

        return stream_with_context(each())

    @app.get("/later")
    async def later() -> str:
        return write(history, "a")[0]

    client = client_of(app)
    assert client.get("/later", headers={"key": "ann"}).text == "ann"
    assert client.get("/pieces", headers={"key": "bob", "x-request-id": "r-1"}).text == "bobr-1"


def test_a_body_may_have_been_read_before(history: Backstory) -> None:
    app = Flask("depot")
    history.init_app(app)
    app.post("/<parcel>")(history.command(arrive))
    app.before_request(lambda: request.get_data() and None)
    assert client_of(app).post("/p-1", json=SMALL).status_code == 200


def test_a_body_without_a_length_is_read_as_far_as_the_server_ends_it(app: Flask) -> None:
    import io

    client = app.test_client()
    for size, status in ((0, 201), (1_000_000, 413)):
        given: dict[str, Any] = {"wsgi.input_terminated": True}
        given["wsgi.input"] = io.BytesIO(b'{"size": {"grams": 5}}' + b" " * size)
        answer = client.post("/parcels/p-1", content_type="application/json", environ_overrides=given)
        assert answer.status_code == status


async def waits() -> None:
    import asyncio

    await asyncio.sleep(0)


def test_an_endpoint_that_would_wait_is_an_error_and_no_hang() -> None:
    with pytest.raises(RuntimeError, match="nobody can wait"):
        at_once(waits())


def test_the_verbs_that_endpoints_await_are_those_of_the_database_for_async_code() -> None:
    from inspect import signature

    from backstory.contrib.http.atonce import AtOnce

    verbs = [name for name in vars(AtOnce) if not name.startswith("_")]
    assert len(verbs) >= 4
    for name in verbs:
        taken = signature(getattr(AtOnce, name)).parameters
        assert set(taken) <= set(signature(getattr(AsyncDatabase, name)).parameters)
