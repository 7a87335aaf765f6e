"""Pages that read much: what is there at once is a page like any other, and what takes longer is sent in steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from backstory import connect
from backstory.errors import OutOfScope, StoreLocked
from backstory.history.refs.branches import Branch, Branches
from backstory.web import pages
from backstory.web.page import Page, Progress, Slow
from backstory.web.rendering import shell
from tests.patience import PATIENCE
from tests.web.conftest import Site


@pytest.fixture
def ask(site: Site, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives the answer to a page that takes these steps."""

    def asked(steps: Iterator[Progress | Page], **headers: str) -> Any:
        client: TestClient = site(connect("memory:"))
        monkeypatch.setattr(pages, "find", lambda ask: lambda: Slow("Long", steps))
        return client.get("/log", headers=headers)

    return asked


def made(status: int = 200) -> Page:
    return Page("blame_form.html", "Made", {"found": 1}, status=status)


def refused(page: Page) -> Page:
    raise OutOfScope("tag", "order:o-2")


def test_a_page_that_is_there_at_once_is_sent_whole_with_its_status(ask: Any) -> None:
    answer = ask(iter([made(409)]))
    assert answer.status_code == 409
    assert "<title>Made" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "backstory-form" in answer.headers["set-cookie"]


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_question_that_is_refused_at_once_has_the_status_of_that(ask: Any, accept: str) -> None:
    answer = ask(map(refused, [made()]), accept=accept)
    assert answer.status_code == 403
    assert "order:o-2" in answer.text


def test_what_takes_longer_begins_with_the_frame_and_how_far_it_is(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    frames = late_shell(monkeypatch, begun)

    def steps() -> Iterator[Progress | Page]:
        yield Progress(3, 17)
        assert begun.wait(PATIENCE)
        yield Progress(5, 17)
        yield made()

    answer = ask(steps())
    assert answer.status_code == 200
    assert frames == ["Long"]
    first, second = answer.text.index("Looked at 3 of 17"), answer.text.index("Looked at 5 of 17")
    assert answer.text.index("<title>Long") < first < second < answer.text.index('action="/blame"')
    assert answer.text.rstrip().endswith("</html>")


def test_an_error_after_the_frame_is_told_inside_of_it(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    late_shell(monkeypatch, begun)

    def waited(page: Page) -> Page:
        assert begun.wait(PATIENCE)
        return refused(page)

    answer = ask(map(waited, [made()]))
    assert answer.text.count("<html") == answer.text.count("<main") == 1
    assert answer.text.index("<main") < answer.text.index("order:o-2") < answer.text.index("</main>")


def late_shell(monkeypatch: pytest.MonkeyPatch, begun: threading.Event) -> list[str]:
    """Say when the frame is made, and of what."""
    found: list[str] = []

    def told(ask: Any, answer: Slow) -> tuple[str, str]:
        found.append(answer.title)
        begun.set()
        return shell(ask, answer)

    monkeypatch.setattr("backstory.web.late.shell", told)
    return found


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_store_that_does_not_answer_is_asked_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    asked: list[str] = []

    def away(branches: Branches, *given: object) -> Branch:
        asked.append("a question that waits")
        raise StoreLocked("the server is away")

    client: TestClient = site(connect("memory:"))
    monkeypatch.setattr(Branches, "get", away)
    monkeypatch.setattr(Branches, "find", away)
    monkeypatch.setattr(Branches, "all", away)
    answer = client.get("/log?at=trial", headers={"accept": accept})
    assert (answer.status_code, len(asked)) == (503, 1)
    assert "the server is away" in answer.text
