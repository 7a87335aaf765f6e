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
from backstory.errors import BlockingWarning, StoreError, UnknownOption
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


@pytest.mark.parametrize(
    ("address", "options", "words"),
    [
        ("test.db", {"timout": 5}, "'timout'; did you mean timeout?"),
        ("sqlite:///test.db", {"cache_byte": 5}, "did you mean cache_bytes?"),
        ("test.db", {"journal": "off"}, "; there are cache_bytes, clock, codec, create, guard, ids, inline, secrets"),
        ("memory:", {"creates": True}, "did you mean create or"),
        ("postgresql://localhost/shop", {"timout": 5}, "did you mean timeout?"),
        ("postgresql://localhost/shop", {"pools": 5}, "did you mean pool?"),
    ],
)  # fmt: skip
def test_an_option_that_nobody_has_is_an_error_with_the_one_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, options: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)

    async def opened() -> None:
        async with aio.connect(address, **options):
            pass

    for use in (lambda: connect(address, **options), lambda: asyncio.run(opened())):
        with pytest.raises(UnknownOption, match="no option of this store") as caught:
            use()
        assert isinstance(caught.value, StoreError | TypeError)
        assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_options_of_async_code_are_known_there() -> None:
    async def opened() -> None:
        async with aio.connect(thread=5):
            pass

    with pytest.raises(UnknownOption, match=r"did you mean threads\?"):
        asyncio.run(opened())


def test_a_misspelled_parameter_of_an_address_is_named_by_the_likely_one_and_not_shown() -> None:
    with pytest.raises(StoreError, match=r"a parameter of it; did you mean timeout\?$"):
        connect("postgresql://localhost/shop?timout=5")
    with pytest.raises(StoreError, match=r"did you mean sslmode or "):
        connect("postgresql://localhost/shop?pool=3&sslmod=off")
