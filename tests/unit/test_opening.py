"""Databases that are opened, or left, in the wrong way."""

from __future__ import annotations

import asyncio
import gc
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backstory import Database, aio, connect
from backstory.errors import BlockingWarning
from tests.state.bank import Account, deposit


def test_a_database_that_is_left_to_the_garbage_collector_is_warned_of_and_leaves_no_lock(
    tmp_path: Path,
) -> None:
    path = tmp_path / "test.db"

    def left() -> None:
        db = connect(path)
        db.execute(deposit(Account("a"), 1))
        db.branch("other").load(Account("a"))

    def collected() -> None:
        left()
        gc.collect()

    with pytest.warns(ResourceWarning, match=r"test\.db was never closed: use `with connect"):
        collected()
    assert [file.name for file in tmp_path.iterdir()] == ["test.db"]
    with closing(connect(path, timeout=0.01)) as db:
        db.execute(deposit(Account("a"), 1))


def test_a_branch_keeps_the_database_that_it_was_opened_from_alive(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        branch = connect(tmp_path / "test.db").branch("other")
        gc.collect()
        branch.execute(deposit(Account("a"), 1))
        branch.store.close()
        del branch
        gc.collect()


def test_a_coroutine_that_opens_a_database_that_blocks_is_told_of_the_other_one(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.warns(BlockingWarning, match=r"async with backstory\.aio\.connect"):
            connect(tmp_path / "test.db").close()
        connect("memory:").close()
        (await asyncio.to_thread(connect, tmp_path / "test.db")).close()

        def opened() -> Database:  # a function that is no coroutine may know what it does
            return connect(tmp_path / "test.db")

        opened().close()

    asyncio.run(main())


def test_a_database_for_async_code_is_opened_by_async_with_and_every_other_way_says_so() -> None:
    opening: Any = aio.connect()
    words = r"opened by `async with backstory\.aio\.connect\(\.\.\.\) as db:`"

    async def awaited() -> None:
        await opening

    with pytest.raises(TypeError, match=words):
        asyncio.run(awaited())
    with pytest.raises(AttributeError, match="there is no execute yet"):
        opening.execute(deposit(Account("a"), 1))
    with pytest.raises(TypeError, match=words), opening:
        pass
