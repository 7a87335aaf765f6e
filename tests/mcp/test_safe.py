"""What an assistant can never do: change the store, see what is marked, see what is outside of its scope."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from backstory import connect
from backstory.errors import InputError
from backstory.mcp import Served, resources
from backstory.scope import Scope
from tests.mcp.conftest import Connected, Office, words

pytestmark = pytest.mark.anyio

EVERY: dict[str, list[dict[str, Any]]] = {
    "model": [{}, {"part": "observed"}, {"id": "command:sell"}],
    "check": [{}],
    "projections": [{}],
    "guide": [{}, {"topic": "debug"}],
    "log": [{}, {"having": "cents=500", "of": ["Ticket", "t-1"]}],
    "show": [{}, {"revision": "#2"}],
    "state": [{"state": "Ticket", "id": "t-1"}, {"state": "ticket:t-1"}],
    "diff": [
        {"a": "#0", "state": "Ticket", "id": "t-1"},
        {"a": "#0", "state": "Ticket", "all": True},
        {"a": "#0"},
    ],
    "blame": [{"state": "Ticket", "id": "t-1"}, {"state": "ticket:t-1"}],
    "bisect": [
        {"state": "Ticket", "id": "t-1", "where": "is_valid"},
        {"state": "Ticket", "all": True, "where": "is_valid"},
    ],
    "find": [{"state": "Ticket"}],
    "why": [{"state": "Ticket", "id": "t-1", "field": "is_valid"}, {"state": "ticket:t-1", "field": "seat"}],
    "what_if": [{"command": "void", "arguments": {"ticket": "t-2"}}],
    "backtest": [{}],
    "write_spec": [{"state": "Ticket", "id": "t-1"}],
    "scaffold_slice": [{"name": "refund-ticket", "gives": "TicketRefunded", "fields": ["ticket"]}],
}
"""Calls of each tool that a server has which was not allowed to write."""


def content(office: Office) -> dict[str, str]:
    """A hash of each file of the folder, but for the index of the write-ahead log, which readers use too."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in office.folder.iterdir()
        if path.is_file() and not path.name.endswith("-shm")
    }


def load_elsewhere(office: Office) -> None:
    """Load a state as another program does, which may keep a snapshot."""
    ticket: Any = office.app.state("Ticket")
    with connect(office.path) as db:
        db.load(ticket("t-1"))


async def test_every_tool_says_that_it_reads_and_none_changes_the_store(
    connected: Connected, office: Office
) -> None:
    caches = office.db.store.caches
    load_elsewhere(office)
    assert caches.names(), "a program that may write keeps a snapshot"
    for name in caches.names():
        caches.set(name, None)
    before = content(office)
    async with connected() as asked:
        tools = (await asked.client.list_tools()).tools
        assert {tool.name for tool in tools} == EVERY.keys()
        for tool in tools:
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is True
            assert tool.annotations.destructive_hint is False
            assert tool.input_schema["type"] == "object"
            assert tool.input_schema["additionalProperties"] is False
            for given in EVERY[tool.name]:
                await asked.ask(tool.name, **given)
    assert content(office) == before
    assert not caches.names()


async def test_no_tool_shows_what_is_marked_and_an_option_shows_what_is_personal(
    connected: Connected,
) -> None:
    async with connected() as asked:
        for tool, calls in EVERY.items():
            for given in calls:
                assert "canary" not in words(await asked.call(tool, **given)), tool
    async with connected(personal=True) as asked:
        shown = words(await asked.call("show", revision="#2"))
        assert "HOLDER-canary" in shown
        assert "PIN-canary" not in shown
        assert "HOLDER-canary" in words(await asked.call("state", state="Ticket", id="t-1"))


async def test_a_scope_holds_for_questions_as_for_answers(connected: Connected) -> None:
    scope = Scope(tags=("ticket:t-1",), hidden=("seat",))
    async with connected(scope=scope) as asked:
        listed = await asked.ask("log")
        assert [each["position"] for each in listed["commits"]] == [4, 2, 1]
        assert (await asked.ask("state", state="Ticket", id="t-1"))["fields"]["seat"] == "withheld"
        for tool, given in (
            ("state", {"state": "Ticket", "id": "t-2"}),
            ("state", {"state": "ticket:t-2"}),
            ("log", {"tags": ["ticket:t-2"]}),
            ("bisect", {"state": "Ticket", "id": "t-1", "where": "seat == 'A 1'"}),
            ("find", {"state": "Ticket", "where": "seat == 'A 1'"}),
        ):
            assert "outside of what this reader may see" in await asked.wrong(tool, **given)
        assert (await asked.ask("model", part="observed"))["observed"] == []
        for tool, calls in EVERY.items():
            for given in calls:
                found = words(await asked.call(tool, **given))
                assert "A 2" not in found, tool
                assert "bob" not in found or tool == "guide", tool


async def test_only_a_server_that_may_write_has_a_tool_that_does_and_its_author_says_so(
    connected: Connected, office: Office
) -> None:
    async with connected() as asked:
        with pytest.raises(Exception, match="there is no tool 'execute'"):
            await asked.call("execute", command="void", arguments={"ticket": "t-2"})
    async with connected(writes_as="assistant (mcp) for ann") as asked:
        [tool] = [each for each in (await asked.client.list_tools()).tools if each.name == "execute"]
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is False
        made = await asked.ask(
            "execute", command="void", arguments={"ticket": "t-2"}, message="asked", id="v-2"
        )
        assert (made["kind"], made["author"], made["message"]) == (
            "commit",
            "assistant (mcp) for ann",
            "asked",
        )
        again = await asked.ask(
            "execute", command="void", arguments={"ticket": "t-2"}, message="asked", id="v-2"
        )
        assert again["position"] == made["position"]
        refused = await asked.ask("execute", command="void", arguments={"ticket": "t-2"})
        assert (refused["kind"], refused["code"]) == ("refusal", "invalid")
        assert "did you mean ticket?" in await asked.wrong(
            "execute", command="void", arguments={"tikcet": "t-2"}
        )
        assert "has no command" in await asked.wrong("execute", command="os.system", arguments={})
    assert office.db.head().position == 5


def test_a_reader_of_a_part_may_not_write(office: Office) -> None:
    with pytest.raises(InputError, match="appends nothing"):
        Served(office.db, office.app, scope=Scope(types=("mcp.sold",)), writes_as="assistant")


async def test_resources_are_the_model_schemas_and_states(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected() as asked:
        listed = {str(each.uri) for each in (await asked.client.list_resources()).resources}
        assert {"backstory://model", "backstory://schema/mcp.sold"} <= listed
        monkeypatch.setattr(resources, "PAGE", 2)
        first = await asked.client.list_resources()
        assert len(first.resources) == 2
        assert len((await asked.client.list_resources(cursor=first.next_cursor)).resources) == 2
        templates = (await asked.client.list_resource_templates()).resource_templates
        assert {each.name for each in templates} == {"schema", "state"}

        async def read(uri: str) -> Any:
            [found] = (await asked.client.read_resource(uri)).contents
            return json.loads(found.text)  # type: ignore[union-attr]

        assert (await read("backstory://model"))["kind"] == "model"
        assert "seat" in (await read("backstory://schema/mcp.sold"))["properties"]
        ticket = await read("backstory://state/Ticket/t%2D1")
        assert (ticket["fields"]["seat"], ticket["fields"]["holder"]) == ("A 1", "***")
        for uri in ("backstory://nothing", "file:///etc/passwd", "backstory://state/Ticket/t-99"):
            with pytest.raises(Exception, match=r"nothing is at|no event concerns"):
                await read(uri)


async def test_prompts_are_the_tasks_of_the_guide(connected: Connected) -> None:
    async with connected() as asked:
        listed = (await asked.client.list_prompts()).prompts
        assert {"model_slice", "write_decision", "debug"} <= {each.name for each in listed}
        filled = await asked.client.get_prompt("debug", {"task": "t-1 is void, and nobody knows why"})
        [message] = filled.messages
        assert "t-1 is void" in message.content.text  # type: ignore[union-attr]
        with pytest.raises(Exception, match="needs the argument task"):
            await asked.client.get_prompt("debug", {})
