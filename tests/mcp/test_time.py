"""A question ends when its time is over, says what it does not know, and how the rest is asked for.

The clock is one that goes on by itself each time that somebody looks at it, so nothing here depends on the machine.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from backstory import timelimit
from backstory.history.ask import bisect
from backstory.model import observed
from tests.mcp.conftest import Connected, Office, words

pytestmark = pytest.mark.anyio

MANY = 600


@pytest.fixture
def long(office: Office) -> Office:
    """An office with a long history: of very many tickets, and of one that was sold very often."""
    sold: Any = office.app.event("mcp.sold").cls
    for start in range(0, MANY, 6):
        mine = [sold(f"l-{each}", "B", each) for each in range(start, start + 3)]
        office.db.append(*mine, *(sold("often", "C", each) for each in range(3)), author="cid")
    for cents in range(70):
        office.do("sell", f"m-{cents}", "D", cents)
    return office


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a question may always read is little enough for a short history."""
    monkeypatch.setattr(timelimit, "LITTLE", timelimit.EVERY)


def clock() -> Any:
    """A clock that goes on by 0.03 seconds at each look."""
    times = count()
    return lambda: next(times) * 0.03


WHOLE: list[tuple[str, dict[str, Any]]] = [
    ("find", {"state": "Ticket"}),
    ("diff", {"a": "#0", "state": "Ticket", "all": True}),
    ("diff", {"a": "#0", "state": "tags", "all": True}),
    ("state", {"state": "Ticket", "id": "often"}),
    ("state", {"state": "ticket:often"}),
    ("blame", {"state": "Ticket", "id": "often"}),
    ("bisect", {"state": "Ticket", "id": "often", "where": "cents > 1"}),
    ("why", {"state": "Ticket", "id": "often", "field": "cents"}),
    ("log", {"having": "cents=2", "of": ["Ticket"]}),
    ("what_if", {"command": "void", "arguments": {"ticket": "often"}}),
]


async def test_a_question_about_everything_says_how_far_it_came_and_what_to_ask(
    long: Office, connected: Connected
) -> None:
    async with connected(clock=clock()) as asked:
        for tool, given in WHOLE:
            found = await asked.call(tool, **given)
            assert found.is_error, tool
            error = found.structured_content
            assert error is not None
            assert error["error"] == "time"
            assert f"of #{long.db.head().position:,}, so there is no answer yet" in error["message"]
            assert "max_seconds: " in error["hints"][0]
            assert (tool == "find") == any("Materialized(" in each for each in error["hints"])
            await asked.ask(tool, **given, max_seconds=300)


SEARCHES: list[tuple[str, dict[str, Any], str, float]] = [
    ("log", {"author": "nobody"}, "commits", 0.05),
    ("log", {"author": "bob"}, "commits", 0.05),
    ("log", {"grep": "mcp.named"}, "commits", 0.05),
    ("bisect", {"state": "Ticket", "all": True, "where": "cents == 200"}, "turns", 0.2),
    ("bisect", {"state": "Ticket", "all": True, "where": "cents > 1", "limit": 90}, "turns", 0.2),
]


async def test_a_search_gives_what_it_has_and_a_cursor_that_leads_through_all(
    long: Office, connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bisect, "EVERY", 10)
    async with connected(clock=clock()) as asked:
        for tool, given, name, seconds in SEARCHES:
            seen, cursor, pages = [], None, 0
            while cursor is not None or not pages:
                page = await asked.ask(tool, **given, cursor=cursor, max_seconds=seconds)
                seen += [(each["position"], each.get("identity")) for each in page[name]]
                cursor, pages = page["cursor"], pages + 1
                assert (cursor is None) == ("left_out" not in page)
            assert pages > 1
            everything = {"limit": 1_000, "max_seconds": 300, "max_bytes": 2_000_000}
            whole = await asked.ask(tool, **{**given, **everything})
            assert seen == [(each["position"], each.get("identity")) for each in whole[name]]


async def test_a_count_of_the_store_goes_on_where_it_was(
    long: Office, connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observed, "CHUNK", 50)
    async with connected(clock=clock()) as asked:
        tries, found = 0, await asked.call("check")
        while found.is_error:
            assert "goes on from where it was" in words(found)
            tries, found = tries + 1, await asked.call("check")
        assert tries > 2
        slowly = await asked.ask("model", part="observed", limit=100)
    async with connected() as asked:
        assert slowly == await asked.ask("model", part="observed", limit=100, max_seconds=300)
    assert slowly["position"] == long.db.head().position


async def test_a_backtest_reports_what_it_has_tried(long: Office, connected: Connected) -> None:
    async with connected(clock=clock()) as asked:
        part = await asked.ask("backtest", max_seconds=0.4)
        assert not part["whole"]
        assert 0 < part["counts"]["same"] < 70
        assert f"the commits after #{part['at']}" in part["left_out"][0]
        whole = await asked.ask("backtest", max_seconds=300)
        assert whole["whole"]
        assert "left_out" not in whole
        assert whole["end"] == long.db.head().position


async def test_a_condition_that_a_table_cannot_answer_ends_too(long: Office, connected: Connected) -> None:
    long.db.rebuild(long.app.projections[0])
    where = "len(seat) == 1 and cents % 7 == 3"
    async with connected(clock=clock()) as asked:
        told = await asked.wrong("find", state="Ticket", where=where)
        assert "the time was over" in told
        assert "Without a table" not in told
        assert await asked.ask("find", state="Ticket", where=where, max_seconds=300)
        assert (await asked.ask("find", state="Ticket", limit=2))["cursor"]


async def test_a_question_that_reads_little_is_answered_however_slow_the_machine_is(
    office: Office, connected: Connected
) -> None:
    times = count()
    async with connected(clock=lambda: next(times) * 1_000.0) as asked:
        for tool, given in WHOLE:
            ours = {**given, **({"id": "t-1"} if given.get("id") == "often" else {})}
            if given.get("state") == "ticket:often":
                ours["state"] = "ticket:t-1"
            if tool == "what_if":
                ours["arguments"] = {"ticket": "t-2"}
            await asked.ask(tool, **ours)
        await asked.ask("check")
        assert (await asked.ask("backtest"))["whole"]


async def test_a_resource_that_takes_long_says_which_tool_may_take_longer(
    long: Office, connected: Connected
) -> None:
    async with connected(clock=clock()) as asked:
        with pytest.raises(MCPError, match="max_seconds"):
            await asked.client.read_resource("backstory://state/Ticket/often")


async def test_a_command_is_never_stopped_half_way(long: Office, connected: Connected) -> None:
    async with connected(clock=clock(), writes_as="assistant") as asked:
        found = await asked.ask("execute", command="void", arguments={"ticket": "often"})
        assert found["position"] == long.db.head().position


@pytest.mark.parametrize("seconds", [0, -1, 301, 10**18, "NaN", None])
async def test_a_time_that_nobody_has_is_refused(seconds: Any, connected: Connected) -> None:
    async with connected() as asked:
        assert "max_seconds" in await asked.wrong("log", max_seconds=seconds)
