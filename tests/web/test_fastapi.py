"""Authors that a FastAPI dependency sets: in the endpoint, whether it is sync or async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header

from backstory import Database, connect
from tests.state.bank import Account, deposit


def named(user: Annotated[str, Header()]) -> str:
    """The user of a request."""
    return user


@pytest.fixture
def db() -> Database:
    """An empty database."""
    return connect()


@pytest.fixture
def app(db: Database) -> FastAPI:
    """Endpoints of both kinds, behind dependencies of both kinds."""
    app = FastAPI()

    async def in_the_task(user: Annotated[str, Header()]) -> AsyncIterator[None]:
        with db.context(author=user):
            yield

    def in_a_thread(user: Annotated[str, Header()]) -> Iterator[None]:
        with db.context(author=user):
            yield

    def pay(author: str | None = None) -> str:
        commit = db.execute(deposit(Account("a"), 1), author=author)
        assert commit is not None
        return commit.author

    @app.post("/sync", dependencies=[Depends(in_the_task)])
    def sync_endpoint() -> str:
        return pay()

    @app.post("/async", dependencies=[Depends(in_the_task)])
    async def async_endpoint() -> str:
        return pay()

    @app.post("/lost", dependencies=[Depends(in_a_thread)])
    def lost() -> str:
        return pay()

    @app.post("/given")
    def given(user: Annotated[str, Depends(named)]) -> str:
        return pay(user)

    return app


def posted(app: FastAPI, path: str, *users: str) -> list[Any]:
    """The answers to requests of these users, all at the same time."""

    async def ask() -> list[Any]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bank") as client:
            answers = await asyncio.gather(*(client.post(path, headers={"user": user}) for user in users))
            return [answer.json() for answer in answers]

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/sync", "/async", "/given"])
def test_each_request_has_its_own_author(app: FastAPI, db: Database, path: str) -> None:
    users = [f"user-{number}" for number in range(8)]
    assert posted(app, path, *users) == users
    assert {commit.author for commit in db.commits()} == set(users)


def test_a_dependency_in_a_thread_of_its_own_is_an_error_that_says_what_to_write(app: FastAPI) -> None:
    with pytest.raises(RuntimeError, match="A FastAPI dependency with such a block is to be `async def`"):
        posted(app, "/lost", "ann")
