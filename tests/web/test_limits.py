"""No reader keeps others waiting, whatever is asked; and no question is too large to be answered as one."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from backstory import Event, State, Tag, connect
from backstory.application import Application
from backstory.scope import Scope
from backstory.web import Reader, app
from backstory.web.site import LONG
from tests.patience import PATIENCE
from tests.web.conftest import ALL, Site


class Measured(Event, name="web.measured"):
    thing: Tag[str]
    value: Any
    secret: str = ""
    word: str = ""


class Gauge(State):
    thing: Tag[str]
    word: str = ""
    value: Any = None

    def apply(self, event: Measured) -> None:
        if event.word == "boom":
            raise ValueError(f"no gauge for {event.secret}")
        self.word, self.value = event.word, event.value


GAUGES = Application("gauges", (), (Gauge,), (), (), (), ())


def test_text_that_is_looked_for_is_text_as_it_is(site: Site) -> None:
    db = connect("memory:")
    db.append(Measured("t-1", 1), message="a" * 40 + "!")
    db.append(Measured("t-1", 1), message="about (a+)+$")
    found = site(db).get("/log.json?grep=(A%2B)%2B%24").json()["commits"]
    assert [each["message"] for each in found] == ["about (a+)+$"]
    assert site(db).get("/log?filter=(a%2B)%2B%24", follow_redirects=False).headers["location"] == (
        "/log?grep=%28a%2B%29%2B%24"
    )


@pytest.mark.parametrize(
    "query", ["n=" + "0" * 5000 + "1", "n=" + "0" * 20 + "999999", "after=" + "0" * 30 + "1"]
)
@pytest.mark.parametrize("page", ["/log", "/live"])
def test_a_number_of_too_many_digits_is_refused(page: str, query: str, site: Site) -> None:
    if page == "/live" and query.startswith("n="):
        pytest.skip("a stream takes no such number")
    assert site(connect("memory:")).get(f"{page}?{query}").status_code == 400


def test_numbers_beyond_every_float_are_shown(site: Site) -> None:
    db = connect("memory:")
    for value in (10**400, 1.5, -(10**400), 2.5e300):
        db.append(Measured("t-1", value))
    for page in ("/log?patch=1", "/c/2", "/c/4", "/e/thing:t-1", "/diff/%231/HEAD?of=thing:t-1"):
        answer = site(db).get(page)
        assert (answer.status_code, "could not be shown" in answer.text) == (200, False), page


@pytest.mark.parametrize("name", [".", "..", "~.", "~..", "~~..", "...", "~", "..json"])
def test_an_identity_that_a_browser_would_take_for_a_step_has_a_page(name: str, site: Site) -> None:
    db = connect("memory:")
    db.append(Measured(name, 17))
    client = site(db, GAUGES)
    listed = client.get("/e/Gauge").text
    address = next(part.partition('"')[0] for part in listed.split('href="') if part.startswith("/e/Gauge/"))
    assert not {".", ".."} & set(address.replace("%2E", ".").split("/"))
    assert client.get(address + ".json").json()["identity"] == {"thing": name}


@pytest.mark.parametrize(
    "page",
    [
        "/bisect?of=thing:t-1&where=secret==1",
        "/bisect?of=tags&where=secret==1",
        "/diff/%230/HEAD?of=thing:t-1&field=secret",
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_question_about_a_hidden_field_is_refused_with_403(page: str, accept: str, site: Site) -> None:
    db = connect("memory:")
    db.append(Measured("t-1", 1, "planted"))
    client = site(db, reader=Reader("eve", scope=Scope(hidden=("secret",))))
    assert client.get(page, headers={"accept": accept}).status_code == 403


@pytest.mark.parametrize(
    "page", ["/e/Gauge/t-1", "/bisect?of=Gauge&where=word==1", "/bisect?of=Gauge/t-1&where=word==1", "/c/1"]
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_error_of_the_application_tells_no_hidden_value(page: str, accept: str, site: Site) -> None:
    db = connect("memory:")
    db.append(Measured("t-1", 1, "planted", "boom"))
    headers = {"accept": accept}
    seen = site(db, GAUGES, Reader("eve", scope=Scope(hidden=("secret",)))).get(page, headers=headers)
    assert seen.status_code < 500
    assert "planted" not in seen.text
    if not page.startswith("/c/"):
        assert "Gauge.apply failed" in seen.text
        assert "no gauge for planted" in site(db, GAUGES).get(page, headers=headers).text


def test_a_stream_of_a_store_that_was_closed_says_so(site: Site) -> None:
    db = connect("memory:")
    client = site(db)
    db.close()
    assert client.get("/live").status_code == 503


async def asked(browser: Any, path: str, gone: anyio.Event) -> None:
    """Ask for JSON, and leave when it is time."""
    address, _, query = path.partition("?")
    sent = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    headers = [(b"host", b"127.0.0.1"), (b"accept", b"application/json")]
    scope = {
        "type": "http",
        "method": "GET",
        "path": address,
        "query_string": query.encode(),
        "headers": headers,
    }
    await browser(scope, receive, send)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_long_questions_take_few_threads_and_end_when_their_reader_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from backstory.web import pages
    from backstory.web.page import Progress, Slow

    at_once: set[int] = set()
    most = [0]
    lock = threading.Lock()

    def steps() -> Any:
        while True:
            with lock:
                at_once.add(threading.get_ident())
                most[0] = max(most[0], len(at_once))
            threading.Event().wait(0.005)
            with lock:
                at_once.discard(threading.get_ident())
            yield Progress(0, 1)

    browser = app(connect("memory:"), actor=lambda request: ALL)
    found = pages.find
    monkeypatch.setattr(
        pages, "find", lambda ask: (lambda: Slow("", steps())) if ask.path == ["x"] else found(ask)
    )
    gone, never = anyio.Event(), anyio.Event()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for _ in range(5 * LONG):
                group.start_soon(asked, browser, "/x", gone)
            await anyio.sleep(0.2)
            await asked(browser, "/log", never)
            gone.set()
    assert 0 < most[0] <= LONG
