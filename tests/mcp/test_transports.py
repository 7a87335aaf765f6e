"""Both transports, by the SDK's own client: the process that `backstory mcp` is, and HTTP on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.mcp.conftest import Asked, Office
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio


def started(*words: str) -> list[str]:
    """The command line of a server."""
    return [sys.executable, "-m", "backstory", "mcp", *words]


@asynccontextmanager
async def by_stdio(office: Office, *words: str) -> AsyncIterator[Asked]:
    """A client of a process of its own."""
    command, *rest = started(*words)
    async with Client(StdioServerParameters(command=command, args=rest, cwd=office.folder)) as client:
        yield Asked(client)


async def test_over_standard_input_and_output_a_client_asks_a_process(office: Office) -> None:
    async with by_stdio(office) as asked:
        assert asked.client.server_info is not None
        assert asked.client.server_info.name == "backstory"
        assert "data, and no" in (asked.client.instructions or "")
        names = {tool.name for tool in (await asked.client.list_tools()).tools}
        assert {"model", "log", "state", "bisect"} <= names
        assert "execute" not in names
        assert (await asked.ask("state", state="Ticket", id="t-1"))["fields"]["holder"] == "***"
        await asked.ask("what_if", command="void", arguments={"ticket": "t-2"})
        await asked.ask("backtest")
        await asked.ask("write_spec", state="Ticket", id="t-2")
        assert not office.db.store.caches.names(), "a process that only reads keeps no snapshot"
        office.do("sell", "t-3", "A 3", 900)
        assert (await asked.ask("log", limit=1))["commits"][0]["position"] == 5


async def test_options_of_the_process_are_the_rules_of_the_server(office: Office) -> None:
    async with by_stdio(office, "--tag", "ticket:t-1", "--hide", "seat") as asked:
        assert (await asked.ask("state", state="Ticket", id="t-1"))["fields"]["seat"] == "withheld"
        assert "outside" in await asked.wrong("state", state="Ticket", id="t-2")
    async with by_stdio(office, "--allow-writes", "--author", "ann", "--personal") as asked:
        assert (await asked.ask("state", state="Ticket", id="t-1"))["fields"]["holder"] == "HOLDER-canary"
        made = await asked.ask("execute", command="void", arguments={"ticket": "t-2"})
        assert made["author"] == "assistant (mcp) for ann"


class Served(NamedTuple):
    """A server over HTTP: its address and its token."""

    address: str
    token: str

    def headers(self, **more: str) -> dict[str, str]:
        """The headers of a request that passes."""
        return {"Authorization": f"Bearer {self.token}", **more}


@contextmanager
def over_http(office: Office) -> Iterator[Served]:
    """A process that serves over HTTP."""
    with subprocess.Popen(
        started("--http", "--json"), stdout=subprocess.PIPE, text=True, cwd=office.folder
    ) as process:
        assert process.stdout is not None
        try:
            told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            yield Served(told["address"], told["token"])
        finally:
            process.terminate()


@asynccontextmanager
async def by_http(served: Served) -> AsyncIterator[Asked]:
    """A client over HTTP."""
    async with (
        httpx2.AsyncClient(headers=served.headers(), timeout=60) as http,
        Client(streamable_http_client(served.address, http_client=http)) as client,
    ):
        yield Asked(client)


async def test_over_http_two_clients_ask_at_once_and_a_request_that_may_not_ask_gets_nothing(
    office: Office,
) -> None:
    with over_http(office) as served:
        async with by_http(served) as one, by_http(served) as other:
            assert (await one.ask("state", state="Ticket", id="t-1"))["identity"] == {"ticket": "t-1"}
            assert (await other.ask("state", state="Ticket", id="t-2"))["identity"] == {"ticket": "t-2"}
        port = served.address.rpartition(":")[2].partition("/")[0]
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        wanted = {"accept": "application/json, text/event-stream"}
        async with httpx2.AsyncClient(timeout=60) as http:
            for headers, status in (
                ({}, 401),
                ({"Authorization": "Bearer wrong"}, 401),
                ({"Authorization": f"Basic {served.token}"}, 401),
                (served.headers(Host="evil.example"), 403),
                (served.headers(Host=f"evil.example:{port}"), 403),
                (served.headers(Origin="https://evil.example"), 403),
                (served.headers(Origin="null"), 403),
                (served.headers(Origin="http://localhost:1"), 403),
            ):
                answer = await http.post(served.address, json=said, headers={**wanted, **headers})
                assert answer.status_code == status, headers
                assert "tools" not in answer.text
            for method in ("GET", "DELETE", "OPTIONS"):
                assert (await http.request(method, served.address)).status_code == 401
            answer = await http.post(
                served.address, content=b"x" * 2_000_000, headers={**wanted, **served.headers()}
            )
            assert answer.status_code in (400, 413)
            assert (await http.get(served.address.replace("/mcp", "/"))).status_code == 401


async def test_a_store_that_goes_away_is_told_and_the_server_goes_on(office: Office) -> None:
    office.db.close()
    async with by_stdio(office) as asked:
        assert (await asked.ask("log", limit=1))["commits"]
        for path in office.folder.glob("office.db*"):
            path.write_bytes(b"gone")
        said = await asked.wrong("log", limit=1)
        assert "bug" not in said
        assert (await asked.ask("guide"))["topics"]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("ends", ["at its time", "at Ctrl-C"])
def test_a_server_ends_although_its_client_stays_and_says_nothing(office: Office, ends: str) -> None:
    command = started("--for", "0.1") if ends == "at its time" else started()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=office.folder
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if ends == "at Ctrl-C":
                process.stdin.write('{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
                process.stdin.flush()
                assert process.stdout.readline()
                process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
