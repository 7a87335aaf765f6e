"""The right to react: the store that was made new has it, and no copy of its history."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backstory.database import connect
from backstory.errors import NeverBoth, StoreRefused
from backstory.refs import MAIN_MOVES
from backstory.right import give_up, guard, has_right, take, why_not
from backstory.store import Store, set_ref
from backstory.stores import open_store
from backstory.stores.memory import MemoryStore
from backstory.stores.postgres import PostgresStore
from backstory.stores.sqlite import SqliteStore
from backstory.transfer import clone
from backstory.values.event_data import EventData
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    if request.param == "postgres":
        return hasty(None).address(schema_of(tmp_path))
    return "memory:" if request.param == "memory" else str(tmp_path / "a.db")


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """A store that was just made."""
    with closing(open_store(address, create=True)) as made:
        yield made


def test_a_store_that_was_made_new_has_it_and_keeps_it(address: str) -> None:
    with closing(open_store(address)) as store:
        assert has_right(store)
        assert why_not(store) == ""
        assert guard(store).is_guard
    if address != "memory:":
        with closing(open_store(address)) as again:
            assert has_right(again)


def test_a_clone_gives_it_up_and_its_source_keeps_it(store: Store, tmp_path: Path) -> None:
    with closing(connect("memory:")) as db:
        db.append(EventData("A", 1, (), b"{}"))
        clone(db.store, store)
        assert not has_right(store)
        assert "a clone" in why_not(store)
        assert has_right(db.store)
        db.append(EventData("A", 1, (), b"{}"))
        take(store)
        clone(db.store, store)
        assert has_right(store)  # what comes later is new to it, too


def test_a_copy_of_a_file_does_not_have_it(tmp_path: Path) -> None:
    path, copy, moved = (str(tmp_path / name) for name in ("a.db", "copy.db", "moved.db"))
    open_store(path).close()
    shutil.copy(path, copy)
    for other in (copy, moved):
        with closing(open_store(other)) as store:
            assert not has_right(store)
            assert "moved, copied or restored" in why_not(store)
            with pytest.raises(StoreRefused, match="does not react: it lies in another place"):
                guard(store)
        if other == copy:
            Path(path).rename(moved)
    shutil.copy(copy, path)
    with closing(open_store(path)) as restored:
        assert not has_right(restored)
        take(restored)
        assert has_right(restored)


def test_a_database_that_is_a_copy_of_another_does_not_have_it(tmp_path: Path) -> None:
    name = schema_of(tmp_path)
    with closing(PostgresStore(hasty(None).address(name))) as store:
        take(store)
        assert has_right(store)
        with hasty(None).admin() as admin:
            admin.execute(f'ALTER SCHEMA "{name}" RENAME TO "{name}_copy"'.encode())
    with closing(PostgresStore(hasty(None).address(f"{name}_copy"))) as copy:
        assert not has_right(copy)


def test_a_store_with_a_history_does_not_get_it_by_being_opened(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with closing(connect(path)) as db:
        db.append(EventData("A", 1, (), b"{}"))
        give_up(db.store)
    with closing(open_store(path)) as store:
        assert not has_right(store)
        take(store)
        assert has_right(store)


def test_a_store_whose_main_can_be_moved_cannot_have_it(store: Store) -> None:
    with pytest.raises(NeverBoth, match="setting/main-moves is not set, because setting/reacts is"):
        set_ref(store, MAIN_MOVES, "yes", old=None)
    give_up(store)
    give_up(store)
    set_ref(store, MAIN_MOVES, "yes", old=None)
    with pytest.raises(NeverBoth):
        take(store)
    assert not has_right(store)


def test_a_store_that_nobody_made_with_open_store_takes_it() -> None:
    store = MemoryStore()
    assert not has_right(store)
    take(store)
    assert has_right(store)
    assert store.seat != MemoryStore().seat


def test_the_seat_of_a_file_is_the_same_by_every_name_of_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with (
        closing(SqliteStore(tmp_path / "a.db")) as one,
        closing(SqliteStore(tmp_path / "link/a.db")) as other,
    ):
        assert one.seat == other.seat
