"""A ticket office with a history, served to the SDK's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

import backstory
from backstory import Database
from backstory.application import Application, load
from backstory.errors import ClearTextWarning
from backstory.mcp import Served, server
from tests import programs

APP = '''\
from backstory import Event, Materialized, Personal, Refused, Secret, State, Tag, command


class TicketSold(Event, name="mcp.sold"):
    """A ticket is sold."""

    ticket: Tag[str]
    seat: str
    cents: int


class TicketNamed(Event, name="mcp.named"):
    ticket: Tag[str]
    holder: Personal[str]
    pin: Secret[str] = "0000"


class TicketVoided(Event, name="mcp.voided"):
    ticket: Tag[str]


class Ticket(State):
    """A ticket, from the counter to the door."""

    snapshot_every = 1
    ticket: Tag[str]
    seat: str = ""
    cents: int = 0
    holder: Personal[str] = ""
    is_valid: bool = False

    def apply(self, event: TicketSold | TicketNamed | TicketVoided) -> None:
        match event:
            case TicketSold():
                self.seat, self.cents, self.is_valid = event.seat, event.cents, True
            case TicketNamed():
                self.holder = event.holder
            case TicketVoided():
                self.is_valid, self.cents = False, 0


tickets = Materialized(Ticket)


@command
def sell(ticket: Ticket, seat: str, cents: int) -> TicketSold:
    """Sell a ticket."""
    if ticket.is_valid:
        raise Refused("this ticket is sold", code="sold")
    return TicketSold(ticket.ticket, seat, cents)


@command
def name_holder(ticket: Ticket, holder: Personal[str], pin: Secret[str] = "0000") -> TicketNamed:
    return TicketNamed(ticket.ticket, holder, pin)


@command
def void(ticket: Ticket) -> TicketVoided:
    if not ticket.is_valid:
        raise Refused("this ticket is not valid", code="invalid")
    return TicketVoided(ticket.ticket)
'''


class Office(NamedTuple):
    """A store in a file, its application, and the folder of both."""

    db: Database
    app: Application
    folder: Path

    @property
    def path(self) -> Path:
        """The store."""
        return self.folder / "office.db"

    def do(self, name: str, *given: Any, author: str = "ann", **more: Any) -> None:
        """Execute a command about a ticket."""
        ticket, *rest = given
        state: Any = self.app.state("Ticket")
        self.db.execute(self.app.command(name)(state(ticket), *rest, **more), author=author)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office that sold two tickets and voided one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "office.py").write_text(APP, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.backstory]\napp = "office"\nstore = "office.db"\n', encoding="utf-8"
    )
    with programs.forgotten(), backstory.connect(tmp_path / "office.db") as db:
        made = Office(db, load("office", tmp_path), tmp_path)
        made.do("sell", "t-1", "A 1", 500)
        with pytest.warns(ClearTextWarning):
            made.do("name_holder", "t-1", "HOLDER-canary", "PIN-canary")
        made.do("sell", "t-2", "A 2", 700, author="bob")
        made.do("void", "t-1")
        yield made


class Asked:
    """A client of a server."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, /, **given: Any) -> CallToolResult:
        """The result of a call."""
        found = await self.client.call_tool(tool, given)
        assert isinstance(found, CallToolResult)
        return found

    async def ask(self, tool: str, /, **given: Any) -> Any:
        """The document of an answer."""
        found = await self.call(tool, **given)
        assert not found.is_error, words(found)
        return found.structured_content

    async def wrong(self, tool: str, /, **given: Any) -> str:
        """The words of an answer that is an error."""
        found = await self.call(tool, **given)
        assert found.is_error
        return words(found)


def words(found: CallToolResult) -> str:
    """The text form of an answer."""
    [content] = found.content
    assert isinstance(content, TextContent)
    return content.text


Connected = Callable[..., AbstractAsyncContextManager[Asked]]


@pytest.fixture
def anyio_backend() -> str:
    """The protocol is served by asyncio."""
    return "asyncio"


@pytest.fixture
def connected(office: Office) -> Connected:
    """Connect a client to a server of the office, with these rules."""

    @asynccontextmanager
    async def connect(**rules: Any) -> AsyncIterator[Asked]:
        known: Mapping[str, Any] = {"folder": office.folder, **rules}
        async with Client(server(Served(office.db, office.app, **known))) as client:
            yield Asked(client)

    return connect
