"""The SQLite store: alone, and as one of two that have the same file open."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from backstory.conformance import StoreConformance
from backstory.conformance.sample import fact, one
from backstory.errors import StoreRefused
from backstory.stores.sqlite import SqliteStore
from tests.stores.shared import SharedStore


class TestSqliteStore(StoreConformance):
    def open_store(self, tmp_path: Path) -> SqliteStore:
        return SqliteStore(tmp_path / "history.db")


def test_what_is_more_than_a_row_can_hold_is_refused_to_who_gave_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "history.db")
    store.file.write(lambda writer, _: writer.limit(apsw.SQLITE_LIMIT_LENGTH, 10_000))
    with pytest.raises(StoreRefused, match="more than a row can hold"):
        one(store.log(), fact(data=b'{"text":"' + b"x" * 10_000 + b'"}'))
    assert one(store.log()).position == 1
    store.close()


class TestSqliteStoreThatTwoHaveOpen(StoreConformance):
    def open_store(self, tmp_path: Path) -> SharedStore:
        path = tmp_path / "history.db"
        return SharedStore(SqliteStore(path), SqliteStore(path))
