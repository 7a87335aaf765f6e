"""The server on a store in PostgreSQL: each tool answers as it does on a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client

from backstory import connect
from backstory.errors import ClearTextWarning
from backstory.mcp import Served, server
from tests.mcp.conftest import Asked, Office, words
from tests.mcp.test_safe import EVERY
from tests.postgres.server import running, schema_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def beside(office: Office, tmp_path: Path) -> Iterator[Office]:
    """The same office, whose history lies in PostgreSQL."""
    with connect(running().address(schema_of(tmp_path))) as db:
        made = Office(db, office.app, office.folder)
        made.do("sell", "t-1", "A 1", 500)
        with pytest.warns(ClearTextWarning):
            made.do("name_holder", "t-1", "HOLDER-canary", "PIN-canary")
        made.do("sell", "t-2", "A 2", 700, author="bob")
        made.do("void", "t-1")
        yield made


OWN = re.compile(r"\b[0-9a-f]{8,64}\b(-[0-9a-f]{4,12})*|\d{4}-\d\d-\d\dT[0-9:.]+")
"""Hashes, ids and times, which are others in each store."""


def told(text: str) -> str:
    """An answer, without its fence and without these."""
    return OWN.sub("…", text.split("\n")[2])


async def test_each_tool_that_reads_gives_the_answer_that_it_gives_of_a_file(
    office: Office, beside: Office
) -> None:
    before = beside.db.head()
    async with (
        Client(server(Served(office.db, office.app, folder=office.folder))) as file,
        Client(server(Served(beside.db, beside.app, folder=beside.folder))) as postgres,
    ):
        for tool, calls in EVERY.items():
            for given in calls:
                wanted = await Asked(file).call(tool, **given)
                found = await Asked(postgres).call(tool, **given)
                assert not found.is_error, (tool, words(found))
                assert "canary" not in words(found), tool
                assert tool == "projections" or told(words(found)) == told(words(wanted)), tool
    assert beside.db.head() == before
    assert not beside.db.store.caches.names()


async def test_a_server_that_may_write_executes_a_command_once_for_an_id(beside: Office) -> None:
    served = Served(beside.db, beside.app, folder=beside.folder, writes_as="assistant (mcp) for ann")
    async with Client(server(served)) as client:
        asked = Asked(client)
        for _ in range(2):
            made = await asked.ask("execute", command="void", arguments={"ticket": "t-2"}, id="v-2")
            assert (made["position"], made["author"]) == (5, "assistant (mcp) for ann")
        refused = await asked.ask("execute", command="void", arguments={"ticket": "t-2"})
        assert refused["code"] == "invalid"
        state = await asked.ask("state", state="Ticket", id="t-2")
        assert state["fields"]["is_valid"] is False
    assert beside.db.head().position == 5
