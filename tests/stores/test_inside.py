"""A thread that is inside a transaction of a store: what it writes beside that is refused, and breaks nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backstory import Database
from backstory.conformance.sample import decided, ids, one
from backstory.errors import StoreRefused
from backstory.stores.sqlite import SqliteStore
from backstory.unit import Addition
from backstory.values.commit import Head
from tests.patience import until
from tests.state.bank import Account, deposit


def test_it_is_refused_too_while_another_thread_waits_for_the_transaction(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    with ThreadPoolExecutor(1) as pool:
        with store.tables.transaction() as transaction:
            other = pool.submit(one, store.log(0))
            until(lambda: store._group._leader is not None)
            with pytest.raises(StoreRefused):
                one(store.log(0))
            one(store.joined(transaction).log(0))
        assert other.result(60).position == 2


def test_a_hook_cannot_undo_its_transaction_through_caches_or_another_store_of_the_file(
    tmp_path: Path,
) -> None:
    store, other = (SqliteStore(tmp_path / "store.db") for _ in range(2))
    thread = threading.get_ident()

    def hook(_transaction: object, _found: Head, _added: Addition) -> None:
        assert threading.get_ident() == thread
        with pytest.raises(StoreRefused):
            store.caches.set("snapshot/x", b"1")
        with pytest.raises(StoreRefused):
            one(other.log(0))

    store.log(0).append([[decided(id="a")]], within=hook)
    assert ids(other.log(0).commits()) == ["a"]
    assert store.caches.names() == []


def test_a_database_inside_of_a_transaction_forgets_what_a_savepoint_takes_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    with store.tables.transaction() as transaction:
        db = Database(store.joined(transaction))
        db.execute(deposit(Account("a"), 1))
        transaction.execute("SAVEPOINT here")
        db.execute(deposit(Account("a"), 2))
        transaction.execute("ROLLBACK TO here")
        assert db.load(Account("a")).balance == 1
        db.execute(deposit(Account("a"), 4))
    assert Database(store).load(Account("a")).balance == 5
