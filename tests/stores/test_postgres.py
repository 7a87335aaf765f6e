"""The PostgreSQL store: alone, and as one of two that have the same schema open."""

from __future__ import annotations

from pathlib import Path

from backstory.conformance import StoreConformance
from backstory.stores.postgres import PostgresStore
from tests.postgres.schemas import schemas
from tests.stores.shared import SharedStore


class TestPostgresStore(StoreConformance):
    def open_store(self, tmp_path: Path) -> PostgresStore:
        return schemas().open(tmp_path)


class TestPostgresStoreThatTwoHaveOpen(StoreConformance):
    def open_store(self, tmp_path: Path) -> SharedStore:
        return SharedStore(schemas().open(tmp_path), schemas().open(tmp_path))
