"""What changes is sent by a worker of WSGI: at once and again and again, or for as long as a thread may be held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from backstory.contrib.flask import Backstory
from backstory.contrib.http import events
from backstory.errors import DefinitionError
from tests.contrib.fastapi.depot import Parcel, label

pytestmark = pytest.mark.filterwarnings("ignore::backstory.ClearTextWarning")

PATH = "/parcels/p-1/live"


def change(app: Flask, history: Backstory, *labels: str) -> str:
    """Change the parcel, and give the place."""
    with app.app_context():
        commit = history.db.execute(label(Parcel("p-1"), list(labels)))
    assert commit is not None
    return f"{commit.position}-{commit.hash.hex()[:8]}"


def asked(app: Flask, last: str = "") -> str:
    """All that a client is sent whom no thread is held for."""
    answer = app.test_client().get(PATH, headers={"last-event-id": last})
    assert (answer.status_code, answer.content_type) == (200, "text/event-stream")
    return answer.text


@contextmanager
def held(app: Flask, last: str = "") -> Iterator[Iterator[Any]]:
    """What a client is sent whom a thread is held for, piece by piece."""
    many = {"wsgi.multithread": True}
    answer = app.test_client().get(
        PATH, headers={"last-event-id": last}, environ_overrides=many, buffered=False
    )
    try:
        yield iter(answer.response)
    finally:
        answer.close()


def news(sent: str | bytes) -> tuple[str, list[str]]:
    """The id and the labels of an event."""
    text = sent.decode() if isinstance(sent, bytes) else sent
    fields = dict(line.split(": ", 1) for line in text.splitlines() if line)
    return fields["id"], json.loads(fields["data"])["labels"]


def test_without_a_thread_to_hold_a_client_gets_what_is_new_and_comes_back(
    app: Flask, history: Backstory
) -> None:
    assert app.test_client().get(PATH).status_code == 404
    first = change(app, history, "a")
    sent, again = asked(app).split("\n\n", 1)
    assert (news(sent), again) == ((first, ["a"]), "retry: 1000\n\n")
    assert asked(app, first) == "retry: 1000\n\n"
    second = change(app, history, "b")
    for last in (first, "1-00000000", "99-0f3a9c1b", "nonsense", ""):
        assert news(asked(app, last).partition("\n\n")[0]) == (second, ["b"])


def test_a_thread_is_held_for_so_many_and_others_come_back(app: Flask, history: Backstory) -> None:
    first = change(app, history, "a")
    with held(app) as one, held(app, first) as two:
        assert next(one).decode() == events.HERE
        assert news(next(one)) == (first, ["a"])
        assert next(two).decode() == events.HERE
        with held(app) as three:
            event, back, end = b"".join(three).decode().split("\n\n")
            assert (news(event)[1], back, end) == (["a"], "retry: 1000", "")
        second = change(app, history, "b")
        assert news(next(one)) == news(next(two)) == (second, ["b"])
        change(app, history, "c")
        third = change(app, history, "d")
        assert news(next(two)) == (third, ["d"])
    many = {"wsgi.multithread": True}
    for _ in range(3):  # nobody follows the answer to HEAD
        assert app.test_client().head(PATH, environ_overrides=many).status_code == 200
    with held(app, "99-0f3a9c1b") as again:
        assert next(again).decode() == events.HERE
        assert news(next(again)) == (third, ["d"])


def test_a_view_of_ones_own_sends_events_and_rows(app: Flask, history: Backstory) -> None:
    place = change(app, history, "a")
    client = app.test_client()
    data = json.loads(client.get("/live").text.partition("data: ")[2].partition("\n")[0])
    assert data == {"type": "depot.labelled", "position": 1, "data": {"parcel": "p-1", "labels": ["a"]}}
    assert client.get("/live", headers={"last-event-id": place}).text == "retry: 1000\n\n"
    for grams in (90, 200, 300):
        client.post(f"/parcels/p-{grams}", json={"size": {"grams": grams}})
    assert "data: [200,300]\n\n" in client.get("/live/heavy").text


def test_what_cannot_be_watched_is_an_error_before_anything_is_sent(app: Flask, history: Backstory) -> None:
    with app.test_request_context(environ_overrides={"wsgi.multithread": True}):
        for wrong in (7, Parcel):
            with pytest.raises((TypeError, DefinitionError)):
                history.watch(wrong)


def test_a_comment_says_that_the_stream_is_alive_and_it_ends_with_the_database(
    app: Flask, history: Backstory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEAT", 0.02)
    monkeypatch.setattr(events, "APART", 0.0)
    change(app, history, "a")
    with held(app) as heard:
        assert [next(heard).startswith(b": here") for _ in range(4)] == [True, False, True, True]
        history.close()
        assert all(each.startswith(b": here") for each in heard)
