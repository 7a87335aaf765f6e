"""The PostgreSQL store: alone, and as one of two that have the same schema open."""

from __future__ import annotations

from pathlib import Path

from backstory.conformance import StoreConformance
from backstory.stores.postgres import PostgresStore
from tests.postgres.server import running, schema_of
from tests.stores.shared import SharedStore


class TestPostgresStore(StoreConformance):
    def open_store(self, tmp_path: Path) -> PostgresStore:
        return PostgresStore(running().address(schema_of(tmp_path)))


class TestPostgresStoreThatTwoHaveOpen(StoreConformance):
    def open_store(self, tmp_path: Path) -> SharedStore:
        address = running().address(schema_of(tmp_path))
        return SharedStore(PostgresStore(address), PostgresStore(address))
