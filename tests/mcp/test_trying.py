"""The tools that debug by history: a reason, a trial, a test, and old commands with the code of today."""

from __future__ import annotations

import pytest

from backstory.scope import Scope
from tests.mcp.conftest import Connected, Office

pytestmark = pytest.mark.anyio


async def test_why_goes_back_to_the_command_that_gave_a_value(connected: Connected) -> None:
    async with connected() as asked:
        found = await asked.ask("why", state="Ticket", id="t-1", field="is_valid")
        assert (found["event"]["type"], found["commit"]["command"]["name"]) == ("mcp.voided", "void")
        assert (await asked.ask("why", state="Ticket", id="t-1", field="holder"))["value"] == "***"
        assert await asked.wrong("why", state="Ticket", id="t-1", field="colour")


async def test_what_if_shows_what_a_command_would_do_and_appends_nothing(
    connected: Connected, office: Office
) -> None:
    async with connected() as asked:
        would = await asked.ask("what_if", command="void", arguments={"ticket": "t-2"})
        assert [each["type"] for each in would["events"]] == ["mcp.voided"]
        assert would["states"][0]["after"]["is_valid"] is False
        then = await asked.ask("what_if", command="void", arguments={"ticket": ["t-1"]}, at="main~1")
        assert then["kind"] == "what-if"
        no = await asked.ask("what_if", command="void", arguments={"ticket": "t-1"})
        assert (no["kind"], no["code"]) == ("refusal", "invalid")
        sold = {"ticket": "t-7", "seat": "B", "cents": 5}
        assert (await asked.ask("what_if", command="sell", arguments=sold))["events"][0]["data"]["cents"] == 5
        assert "cents" in await asked.wrong("what_if", command="sell", arguments={**sold, "cents": "five"})
        assert "seat" in await asked.wrong("what_if", command="sell", arguments={"ticket": "t-7", "cents": 5})
    assert office.db.head().position == 4


async def test_backtest_on_the_same_code_reports_no_difference(connected: Connected) -> None:
    async with connected() as asked:
        for given in ({}, {"range": "#0..HEAD"}, {"command": "sell", "each": True}):
            found = await asked.ask("backtest", **given)
            assert found["differs"] is False, given
            assert found["whole"] is True
        assert "did you mean sell?" in await asked.wrong("backtest", command="sel")
        assert "no argument 'with'" in await asked.wrong("backtest", **{"with": "office"})


async def test_a_spec_is_text_with_stand_ins_for_what_is_marked(connected: Connected) -> None:
    async with connected() as asked:
        found = await asked.ask("write_spec", state="Ticket", id="t-1")
        assert found["passes"] is True
        assert "given(" in found["text"]
        assert "canary" not in found["text"]


async def test_a_reader_of_a_part_tries_nothing(connected: Connected) -> None:
    async with connected(scope=Scope(tags=("ticket:t-1",))) as asked:
        for tool, given in (
            ("what_if", {"command": "void", "arguments": {"ticket": "t-1"}}),
            ("backtest", {}),
            ("write_spec", {"state": "Ticket", "id": "t-1"}),
        ):
            assert "outside of what this reader may see" in await asked.wrong(tool, **given)
