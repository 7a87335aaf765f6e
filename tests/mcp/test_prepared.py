"""The application's code is read while the server waits for its first question, and never twice."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client

from backstory.errors import ModelError
from backstory.mcp import Served, served, server
from backstory.model.reading import model_of
from tests.mcp.conftest import Connected, Office
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio


class Reading:
    """Reads code when the test lets it, and counts how often."""

    def __init__(self, wrong: Exception | None = None) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.times = self.ended = 0
        self._read = model_of
        self._wrong = wrong

    def __call__(self, *given: Any, **more: Any) -> Any:
        self.times += 1
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        self.ended += 1
        if self._wrong is not None:
            raise self._wrong
        return self._read(*given, **more)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    made = Reading()
    monkeypatch.setattr(served, "model_of", made)
    return made


async def test_the_code_is_read_before_somebody_asks_and_other_questions_do_not_wait(
    connected: Connected, reading: Reading
) -> None:
    async with connected() as asked:
        assert await to_thread.run_sync(reading.begun.wait, PATIENCE)
        await asked.ask("guide", topic="debug")
        assert reading.ended == 0
        reading.go_on.set()
        await asked.ask("model")
        assert reading.times == 1


async def test_new_events_are_counted_and_the_code_is_not_read_again(
    office: Office, connected: Connected, reading: Reading
) -> None:
    reading.go_on.set()
    async with connected() as asked:
        before = await asked.ask("model", part="observed")
        office.do("sell", "t-9", "Z 9", 100)
        after = await asked.ask("model", part="observed")
        await asked.ask("check")
    assert after["position"] == before["position"] + 1
    assert reading.times == 1


async def test_a_server_ends_after_the_code_is_read_and_leaves_no_thread_at_work(
    connected: Connected, reading: Reading
) -> None:
    threading.Timer(0.05, reading.go_on.set).start()
    async with connected():
        assert await to_thread.run_sync(reading.begun.wait, PATIENCE)
    assert (reading.times, reading.ended) == (1, 1)


async def test_code_that_cannot_be_read_is_told_in_the_answer_and_the_server_lives(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Reading(ModelError("scenarios.json is of another format"))
    made.go_on.set()
    monkeypatch.setattr(served, "model_of", made)
    async with connected() as asked:
        assert "is of another format" in await asked.wrong("model")
        assert "is of another format" in await asked.wrong("check")
        await asked.ask("log")
    assert made.times > 2


async def test_a_server_without_an_application_has_nothing_to_prepare(
    office: Office, reading: Reading
) -> None:
    async with Client(server(Served(office.db))) as client:
        await client.call_tool("log", {})
    assert reading.times == 0
