"""What does an endpoint from a command cost, against a handler that is written by hand?

Both are routes of FastAPI, asked without a server by 16 tasks at once, each on an account of its own, and durable. Both
have the author from a dependency. The handler has a model of pydantic for its body and for its answer, and calls
`execute`, no more. The endpoint also has the id of the request in the commit, and looks for `If-Match` and
`Idempotency-Key`; `keyed` sends a key.

`flask` is the same endpoint under Flask, asked by as many threads, against a `view` with `get_json`, `execute` and
`jsonify`.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import anyio

from backstory import connect
from benchmarks import bank, wsgi
from benchmarks.asgi import post
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run, Skip


def endpoint(run: Run) -> float:
    """`Router.command`."""
    return anyio.run(_asked, _from_command(run), run)


def keyed(run: Run) -> float:
    """The same, and each request has a key of its own."""
    return anyio.run(_asked, _from_command(run), run, True)


def handler(run: Run) -> float:
    """A handler that is written by hand."""
    return anyio.run(_asked, _by_hand(run), run)


def flask(run: Run) -> float:
    """`history.command` of Flask."""
    app, request = _flask()

    from backstory.contrib.flask import Backstory

    history = Backstory(run.folder / "bank.db", author=lambda: request.headers.get("user"))
    history.init_app(app)
    app.post("/accounts/<account>/deposits")(history.command(bank.deposit))
    try:
        return _threads(app, run)
    finally:
        history.close()


def view(run: Run) -> float:
    """A view of Flask that is written by hand."""
    app, request = _flask()

    from flask import jsonify

    with connect(run.folder / "bank.db") as db:

        @app.post("/accounts/<account>/deposits")
        def deposit(account: str) -> Any:
            command = bank.deposit(bank.Account(account), cents=request.get_json()["cents"])
            commit = db.execute(command, author=request.headers.get("user"))
            assert commit is not None
            return jsonify(commit=commit.id, position=commit.position)

        return _threads(app, run)


def _flask() -> tuple[Any, Any]:
    if find_spec("flask") is None:
        raise Skip("flask is not installed")
    from flask import Flask, request

    return Flask("bank"), request


def _threads(app: Any, run: Run) -> float:
    tasks, each = run.sizes["tasks"], run.sizes["requests_each"]

    def client(number: int) -> None:
        for _ in range(each):
            assert wsgi.post(app, f"/accounts/a-{number}/deposits", b'{"cents":5}', {"user": "ann"}) == 200

    client(tasks)
    clock = bank.Stopwatch()
    with ThreadPoolExecutor(tasks) as threads:
        list(threads.map(client, range(tasks)))
    return clock.rate(tasks * each)


async def signed_in(request: Any) -> Any:
    """The author of a request."""
    return request.headers.get("user")


def _need() -> None:
    if find_spec("fastapi") is None:
        raise Skip("fastapi is not installed")
    from fastapi import Request

    signed_in.__annotations__["request"] = Request


def _from_command(run: Run) -> Any:
    _need()
    from fastapi import FastAPI

    from backstory.contrib.fastapi import Backstory, Router

    history = Backstory(run.folder / "bank.db", author=signed_in)
    router = Router(history)
    router.command("/accounts/{account}/deposits", bank.deposit)
    app = FastAPI()
    history.install(app)
    app.include_router(router)
    return app


def _by_hand(run: Run) -> Any:
    _need()
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    from fastapi import Depends, FastAPI, Request
    from pydantic import BaseModel

    from backstory import aio

    class Deposit(BaseModel):
        cents: int

    class Done(BaseModel):
        commit: str
        position: int

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aio.connect(run.folder / "bank.db") as app.state.db:
            yield

    app = FastAPI(lifespan=lifespan)

    async def deposit(account: str, body: Any, request: Request, author: Any = Depends(signed_in)) -> Any:  # noqa: B008
        command = bank.deposit(bank.Account(account), cents=body.cents)
        commit = await request.app.state.db.execute(command, author=author)
        return Done(commit=commit.id, position=commit.position)

    deposit.__annotations__ |= {"account": str, "body": Deposit, "request": Request}
    app.add_api_route("/accounts/{account}/deposits", deposit, methods=["POST"], response_model=Done)
    return app


async def _asked(app: Any, run: Run, keys: bool = False) -> float:
    tasks, each = run.sizes["tasks"], run.sizes["requests_each"]

    async def client(number: int) -> None:
        for count in range(each):
            headers = {"user": "ann"} | ({"idempotency-key": f"{number}-{count}"} if keys else {})
            status = await post(app, f"/accounts/a-{number}/deposits", b'{"cents":5}', headers)
            assert status == 200, status

    async with app.router.lifespan_context(app):
        await client(tasks)  # what is compiled at the first request
        clock = bank.Stopwatch()
        async with anyio.create_task_group() as group:
            for number in range(tasks):
                group.start_soon(client, number)
        return clock.rate(tasks * each)


QUESTION = Question(
    "endpoint",
    "requests to an endpoint that executes a command, against a handler written by hand",
    "requests/s",
    [
        Contestant("endpoint", endpoint),
        Contestant("handler", handler),
        Contestant("keyed", keyed),
        Contestant("flask", flask),
        Contestant("view", view),
    ],
    [Goal("endpoint", "handler", at_least=0.8), Goal("flask", "view", at_least=0.7)],
    {"tasks": 16, "requests_each": 200},
    {"tasks": 2, "requests_each": 5},
    rounds=7,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
