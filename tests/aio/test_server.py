"""A Starlette application, served by a real uvicorn on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from backstory import Refused
from backstory.aio import AsyncDatabase, connect
from backstory.stores.sqlite.file import SqliteFile
from tests.patience import PATIENCE, until_async
from tests.state.bank import Account, Deposited, deposit, withdraw

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),  # uvicorn knows no other
]

THREADS = 8


class Bank:
    """The application, and what a test wants to know of it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.most_threads = 0
        self.loop = 0
        routes = [
            Route("/accounts/{account}/deposit", self.deposit, methods=["POST"]),
            Route("/accounts/{account}/withdraw", self.withdraw, methods=["POST"]),
            Route("/accounts/{account}", self.show),
            Route("/accounts/{account}/events", self.events),
        ]
        self.app = Starlette(routes=routes, lifespan=self.lifespan)
        self.following = 0

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[dict[str, AsyncDatabase]]:
        self.loop = threading.get_ident()
        ticker = asyncio.create_task(self.tick())
        async with connect(self.path, threads=THREADS) as db:
            yield {"db": db}
        ticker.cancel()
        with suppress(asyncio.CancelledError):
            await ticker

    async def tick(self) -> None:
        """Count our threads."""
        while True:
            await asyncio.sleep(0.005)
            ours = sum(one.name.startswith("backstory") for one in threading.enumerate())
            self.most_threads = max(self.most_threads, ours)

    async def deposit(self, request: Request) -> JSONResponse:
        db: AsyncDatabase = request.state.db
        with db.context(author=request.headers.get("user", "")):
            commit = await db.execute(deposit(Account(request.path_params["account"]), 5))
        assert commit is not None
        return JSONResponse({"position": commit.position}, status_code=201)

    async def withdraw(self, request: Request) -> JSONResponse:
        db: AsyncDatabase = request.state.db
        try:
            await db.execute(withdraw(Account(request.path_params["account"]), 1_000))
        except Refused as refused:
            return JSONResponse({"error": refused.reason}, status_code=409)
        return JSONResponse({})

    async def show(self, request: Request) -> JSONResponse:
        db: AsyncDatabase = request.state.db
        state = await db.load(Account(request.path_params["account"]))
        return JSONResponse({"balance": state.balance})

    async def events(self, request: Request) -> StreamingResponse:
        db: AsyncDatabase = request.state.db
        account = Account(request.path_params["account"])

        async def lines() -> AsyncIterator[str]:
            self.following += 1
            try:
                async with db.follow(account, after=0) as events:
                    async for record in events:
                        yield f"id: {record.position}\ndata: {json.dumps({'cents': record.event.cents})}\n\n"
            finally:
                self.following -= 1

        return StreamingResponse(lines(), media_type="text/event-stream")


def noting(method: Callable[..., Any], threads: set[int]) -> Callable[..., Any]:
    """A method that notes in which threads it is called."""

    def noted(*arguments: Any, **named: Any) -> Any:
        threads.add(threading.get_ident())
        return method(*arguments, **named)

    return noted


@asynccontextmanager
async def served(bank: Bank) -> AsyncIterator[str]:
    """The application, in an event loop and a thread of its own."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(bank.app, log_level="error", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        await until_async(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await anyio.to_thread.run_sync(thread.join)
        listening.close()


async def test_two_hundred_requests_at_once_neither_block_the_loop_nor_leak_threads(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = Bank(path)
    using: set[int] = set()
    for name in ("fetch", "lent", "write"):
        monkeypatch.setattr(SqliteFile, name, noting(getattr(SqliteFile, name), using))
    limits = httpx.Limits(max_connections=200)
    async with (
        served(bank) as address,
        httpx.AsyncClient(base_url=address, limits=limits, timeout=PATIENCE) as client,
    ):
        answers: list[int] = []

        async def caller(number: int) -> None:
            name = f"/accounts/a-{number % 20}"
            if number < 160:
                answer = await client.post(f"{name}/deposit", headers={"user": f"u-{number}"})
            elif number < 180:
                answer = await client.post(f"{name}/withdraw")
            else:
                answer = await client.get(name)
            answers.append(answer.status_code)

        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(caller, number)
        balances = [(await client.get(f"/accounts/a-{number}")).json()["balance"] for number in range(20)]
    assert sorted(answers) == [200] * 20 + [201] * 160 + [409] * 20
    assert balances == [40] * 20
    assert 1 <= bank.most_threads <= THREADS + 1, "the pace keeper is the one more"
    assert bank.loop
    assert using
    assert bank.loop not in using, "the file was used in the thread of the event loop"
    async with connect(path) as db:
        assert {record.author async for record in db.read()} == {f"u-{number}" for number in range(160)}


async def test_followers_over_http_come_and_go_and_those_who_stay_are_ended_with_the_server(
    path: str,
) -> None:
    bank = Bank(path)
    seen: list[list[str]] = []
    async with (
        served(bank) as address,
        httpx.AsyncClient(
            base_url=address, limits=httpx.Limits(max_connections=50), timeout=PATIENCE
        ) as client,
    ):
        async with anyio.create_task_group() as tasks:

            async def follower() -> None:
                mine: list[str] = []
                seen.append(mine)
                async with client.stream("GET", "/accounts/a/events") as response:
                    async for line in response.aiter_lines():
                        if line.startswith("id: "):
                            mine.append(line)
                            if len(mine) == 5:
                                return

            for _ in range(20):
                tasks.start_soon(follower)
            for _ in range(5):
                await client.post("/accounts/a/deposit")
        assert seen == [[f"id: {number}" for number in range(1, 6)]] * 20
        await until_async(lambda: not bank.following)
        assert bank.most_threads <= THREADS + 2, "and the one that waits for events"
    async with connect(path) as db:
        await db.append(Deposited("a", 1))
        assert (await db.head()).position == 6
