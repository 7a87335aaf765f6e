"""What is a store's own: its id, and the key under which its imports derive ids."""

from __future__ import annotations

import threading
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from backstory.database import Database, connect
from backstory.errors import StoreCorrupt
from backstory.local import begin, import_key, store_id
from backstory.refs import IMPORT_KEY, NAMESPACES, STORE, travels
from backstory.store import set_ref
from backstory.stores import open_store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore


@pytest.mark.parametrize("create", [True, None])
def test_a_store_has_both_from_the_moment_it_is_made(tmp_path: Path, create: bool | None) -> None:
    path = str(tmp_path / "a.db")
    with closing(open_store(path, create=create)) as store:
        made = dict(store.refs.list(STORE))
        assert len(made) == 2
        assert (store_id(store), import_key(store)) == (
            made["store/id"],
            bytes.fromhex(made["store/import-key"]),
        )
    with closing(open_store(path)) as again:
        assert dict(again.refs.list(STORE)) == made


def test_the_id_is_a_random_uuid_and_the_key_has_32_bytes() -> None:
    ids, keys = zip(
        *((store_id(store), import_key(store)) for store in (MemoryStore(), MemoryStore())), strict=True
    )
    assert [uuid.UUID(id).version for id in ids] == [4, 4]
    assert [len(key) for key in keys] == [32, 32]
    assert len({*ids, *keys}) == 4


def test_a_store_that_was_made_without_them_gets_them_when_they_are_needed(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db")) as store:
        assert store.refs.list(STORE) == {}
        id = Database(store).store_id()
        assert Database(store).branch("b").store_id() == id == store_id(store)


def test_many_who_make_them_at_once_agree(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "a.db") for _ in range(2)]
    found: list[tuple[str, bytes]] = []
    ready = threading.Barrier(8)

    def look(turn: int) -> None:
        ready.wait()
        found.append((store_id(stores[turn % 2]), import_key(stores[turn % 2])))

    threads = [threading.Thread(target=look, args=[turn]) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    for store in stores:
        store.close()


def test_a_store_that_cannot_be_written_is_opened_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(SqliteStore(path)):
        pass
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with closing(connect(str(path))) as db:
            assert db.head().position == 0
    finally:
        tmp_path.chmod(0o755)


def test_a_key_that_is_damaged_is_named_and_not_used() -> None:
    store = MemoryStore()
    for value in ("", "no hex", "00" * 31):
        set_ref(store, IMPORT_KEY, value, old=store.refs.get(IMPORT_KEY))
        with pytest.raises(StoreCorrupt, match="the ref store/import-key is damaged"):
            import_key(store)
    begin(store)
    assert store.refs.get(IMPORT_KEY) == value


def test_only_what_the_list_names_travels() -> None:
    assert {namespace.prefix for namespace in NAMESPACES if namespace.travels} == {
        "branch/",
        "mark/",
        "settled/",
    }
    for name in ("branch/a", "mark/q3", "settled/main"):
        assert travels(name)
    for name in (
        "store/id",
        "store/import-key",
        "snapshot/0/A/[1]",
        "checkpoint/mail",
        "reflog",
        "setting/main-moves",
        "setting/reacts",
        "parked/mail/7",
        "branch",
        "",
    ):
        assert not travels(name)


def test_every_ref_that_the_library_sets_stands_in_a_namespace() -> None:
    db = connect()
    db.branch("trial")
    db.mark("q3")
    assert all(any(each.has(name) for each in NAMESPACES) for name in db.store.refs.list())
    assert {name.partition("/")[0] for name in db.store.refs.list()} == {
        "branch",
        "mark",
        "reflog",
        "setting",
        "store",
    }
