"""The SQLite store: alone, and as one of two that have the same file open."""

from __future__ import annotations

from pathlib import Path

from backstory.conformance import StoreConformance
from backstory.stores.sqlite import SqliteStore
from tests.stores.shared import SharedStore


class TestSqliteStore(StoreConformance):
    def open_store(self, tmp_path: Path) -> SqliteStore:
        return SqliteStore(tmp_path / "history.db")


class TestSqliteStoreThatTwoHaveOpen(StoreConformance):
    def open_store(self, tmp_path: Path) -> SharedStore:
        path = tmp_path / "history.db"
        return SharedStore(SqliteStore(path), SqliteStore(path))
