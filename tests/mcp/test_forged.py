"""Arguments that no answer gave, clients that go away, and errors that know too much."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

import backstory
from backstory.application import load
from backstory.hosts import on_loopback
from backstory.mcp import Served, server
from backstory.mcp.serving import Gate
from backstory.mcp.tools import reading
from backstory.timelimit import LITTLE, TimeLimit
from tests import programs
from tests.mcp.conftest import Asked, Connected, Office, words
from tests.patience import PATIENCE, until

pytestmark = pytest.mark.anyio

CURSORS = [
    "-1",
    "9" * 30,
    "9" * 1_900,
    "٣",
    "1.1",
    f"{'9' * 18}.{'9' * 9}",
    "",
    "\0",
    "4-ffffffff",
    "W10=",
    "bnVsbA==",
]

PAGED: list[tuple[str, dict[str, Any]]] = [
    ("model", {}),
    ("check", {}),
    ("projections", {}),
    ("log", {}),
    ("show", {}),
    ("find", {"state": "Ticket"}),
    ("find", {"state": "Ticket", "sort": ["cents"]}),
    ("diff", {"a": "#0"}),
    ("diff", {"a": "#0", "state": "Ticket", "all": True}),
    ("blame", {"state": "Ticket", "id": "t-1"}),
    ("bisect", {"state": "Ticket", "id": "t-1", "where": "is_valid"}),
    ("bisect", {"state": "Ticket", "all": True, "where": "is_valid"}),
]


async def test_a_cursor_that_no_answer_gave_is_refused_or_leads_behind_the_end(connected: Connected) -> None:
    async with connected() as asked:
        for cursor in CURSORS:
            for tool, given in PAGED:
                found = await asked.call(tool, **given, cursor=cursor)
                assert found.structured_content is not None
                assert found.structured_content.get("error") != "bug", (tool, cursor, words(found))
            if not cursor.startswith("1"):
                with pytest.raises(MCPError, match="number of an entry"):
                    await asked.client.list_resources(cursor=cursor)


async def test_a_limit_that_is_no_number_of_entries_is_refused(connected: Connected) -> None:
    async with connected() as asked:
        limits: list[Any] = [-1, 0, 1_001, 10**18, 1.5, "5", None, []]
        for limit in limits:
            assert "`limit`" in await asked.wrong("log", limit=limit)


PAIRS = """\
from collections.abc import Iterator

from backstory import Event, State, Tag, command


class SeatPaired(Event, name="mcp.paired"):
    place: Tag[str]
    hall: Tag[str]


class PairedSeat(State):
    place: Tag[str]
    hall: Tag[str]
    count: int = 0

    def apply(self, event: SeatPaired) -> None:
        self.count += 1


@command
def pair(seats: list[PairedSeat]) -> Iterator[SeatPaired]:
    for seat in seats:
        yield SeatPaired(seat.place, seat.hall)


@command
def pair_one(seat: PairedSeat) -> SeatPaired:
    return SeatPaired(seat.place, seat.hall)
"""


async def test_many_states_are_a_list_of_identities_and_other_lists_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.py").write_text(PAIRS, encoding="utf-8")
    with programs.forgotten(), backstory.connect() as db:
        served = Served(db, load("pairs", tmp_path), folder=tmp_path)
        async with Client(server(served)) as client:
            asked = Asked(client)
            found = await asked.ask("what_if", command="pair", arguments={"seats": [["1", "A"], ["2", "A"]]})
            assert [each["data"]["place"] for each in found["events"]] == ["1", "2"]
            wrong: list[Any] = ["1", ["1", "A"], [[["1"], "A"]], [{}], {"a": 1}, [[]]]
            for seats in wrong:
                for name, parameter in (("pair", "seats"), ("pair_one", "seat")):
                    tried = await asked.call("what_if", command=name, arguments={parameter: seats})
                    assert tried.structured_content is not None
                    assert tried.structured_content.get("error") != "bug", (name, seats, words(tried))


async def test_a_bug_is_told_without_the_values_that_its_words_may_have(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("HOLDER-canary")

    monkeypatch.setattr(reading, "commit_document", broken)
    async with connected() as asked:
        said = await asked.wrong("log")
    assert "this is a bug, a KeyError" in said
    assert "canary" not in said
    assert "canary" in caplog.text


async def test_the_answer_to_a_client_that_went_away_is_not_worked_on_any_more(
    office: Office, connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold: Any = office.app.event("mcp.sold").cls
    for start in range(0, 3 * LITTLE, LITTLE):
        office.db.append(*(sold(f"l-{each}", "B", each) for each in range(start, start + LITTLE)))
    looks, goes_on, stopped, ended = 0, threading.Event(), threading.Event(), threading.Event()
    stop, each = TimeLimit.stop, TimeLimit.each

    def clock() -> float:
        nonlocal looks
        looks += 1
        if looks == 2:
            goes_on.wait()
        return 0.0

    def stopping(limit: TimeLimit) -> None:
        stop(limit)
        stopped.set()

    def reading_until(limit: TimeLimit, found: Any) -> Any:
        try:
            yield from each(limit, found)
        finally:
            ended.set()

    monkeypatch.setattr(TimeLimit, "stop", stopping)
    monkeypatch.setattr(TimeLimit, "each", reading_until)
    async with connected(clock=clock) as asked, anyio.create_task_group() as group:
        group.start_soon(lambda: asked.call("find", state="Ticket"))
        await anyio.to_thread.run_sync(until, lambda: looks == 2)
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(until, stopped.is_set)
            goes_on.set()
            await anyio.to_thread.run_sync(until, ended.is_set)
    assert looks == 2


async def test_work_on_a_request_ends_when_its_connection_is_closed() -> None:
    begun, ended, said = anyio.Event(), anyio.Event(), list[Any]()

    async def inside(_: Any, receive: Any, __: Any) -> None:
        said.append(await receive())
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    parts: list[dict[str, Any]] = [{"type": "http.request", "body": b"{}"}, {"type": "http.disconnect"}]
    messages = iter(parts)

    async def receive() -> Any:
        message = next(messages)
        if message["type"] == "http.disconnect":
            await begun.wait()
        return message

    async def send(message: Any) -> None:
        said.append(message)

    headers = [(b"host", b"127.0.0.1:1"), (b"authorization", b"Bearer t")]
    with anyio.fail_after(PATIENCE):
        await Gate(inside, on_loopback(1), "t")({"type": "http", "headers": headers}, receive, send)
    assert ended.is_set()
    assert said == [{"type": "http.request", "body": b"{}"}]
