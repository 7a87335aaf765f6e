"""The tools that read: what they answer is what the command line prints with `--json`."""

from __future__ import annotations

import json

import pytest

from tests.mcp.conftest import Connected, words

pytestmark = pytest.mark.anyio


async def test_log_lists_commits_newest_first_and_goes_on_with_the_cursor(connected: Connected) -> None:
    async with connected() as asked:
        first = await asked.ask("log", limit=3)
        assert [each["command"]["name"] for each in first["commits"]] == ["void", "sell", "name_holder"]
        assert first["left_out"] == ["more commits: ask the same again with this cursor"]
        then = await asked.ask("log", limit=3, cursor=first["cursor"])
        assert [each["command"]["name"] for each in then["commits"]] == ["sell"]
        assert then["cursor"] is None
        assert "left_out" not in then


async def test_log_finds_by_tag_type_author_words_and_value(connected: Connected) -> None:
    async with connected() as asked:
        for given, positions in (
            ({"tags": ["ticket:t-1"]}, [4, 2, 1]),
            ({"types": ["mcp.sold"]}, [3, 1]),
            ({"author": "BOB"}, [3]),
            ({"grep": "void"}, [4]),
            ({"revision": "#2..HEAD"}, [4, 3]),
            ({"having": "is_valid=false", "of": ["Ticket", "t-1"]}, [4]),
            ({"until": "2001-01-01"}, []),
        ):
            found = await asked.ask("log", **given)
            assert [each["position"] for each in found["commits"]] == positions, given


async def test_log_says_that_no_event_has_a_type_or_a_tag(connected: Connected) -> None:
    async with connected() as asked:
        found = await asked.ask("log", types=["mcp.solt"], tags=["ticket:t-11"])
        assert found["commits"] == []
        assert "did you mean mcp.sold?" in found["unknown"][0]
        assert "did you mean ticket:t-1?" in found["unknown"][1]


async def test_show_has_all_of_a_commit_or_the_one_event_of_a_position(connected: Connected) -> None:
    async with connected() as asked:
        found = await asked.ask("show")
        assert (found["kind"], found["author"]) == ("commit", "ann")
        assert [each["type"] for each in found["events"]] == ["mcp.voided"]
        assert "no commit stands there" in await asked.wrong("show", revision="#0")


async def test_state_shows_a_state_or_a_tag_now_and_then(connected: Connected) -> None:
    async with connected() as asked:
        now = await asked.ask("state", state="Ticket", id="t-1")
        assert now["fields"]["is_valid"] is False
        then = await asked.ask("state", state="Ticket", id=["t-1"], at="main~1")
        assert then["fields"]["is_valid"] is True
        assert (await asked.ask("state", state="ticket:t-2"))["fields"]["cents"]["value"] == 700
        assert "did you mean t-2 or t-1?" in await asked.wrong("state", state="Ticket", id="t-3")
        assert "did you mean Ticket?" in await asked.wrong("state", state="Tikcet", id="t-1")


async def test_an_argument_that_a_tool_does_not_have_is_named_and_so_is_a_wrong_value(
    connected: Connected,
) -> None:
    async with connected() as asked:
        assert "did you mean limit?" in await asked.wrong("log", limti=3)
        assert "`limit`" in await asked.wrong("log", limit=0)
        assert "`state`" in await asked.wrong("state", id="t-1")


async def test_the_text_form_is_the_same_document_between_two_lines_that_no_event_can_know(
    connected: Connected,
) -> None:
    async with connected() as asked:
        found = await asked.call("log")
        said, fence, document, end = words(found).split("\n")
        assert "no instructions" in said
        assert fence == end
        assert json.loads(document) == found.structured_content
        assert fence not in words(await asked.call("log"))
