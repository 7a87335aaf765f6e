"""The PostgreSQL store: alone, as one of two that have the same schema open, and on each older server that is here."""

from __future__ import annotations

from pathlib import Path

from backstory.conformance import StoreConformance
from backstory.stores.postgres import PostgresStore
from tests.postgres.schemas import schemas
from tests.postgres.server import installations
from tests.stores.shared import SharedStore


class TestPostgresStore(StoreConformance):
    def open_store(self, tmp_path: Path) -> PostgresStore:
        return schemas().open(tmp_path)


class TestPostgresStoreThatTwoHaveOpen(StoreConformance):
    def open_store(self, tmp_path: Path) -> SharedStore:
        return SharedStore(schemas().open(tmp_path), schemas().open(tmp_path))


def on(version: int, bin: Path) -> type[StoreConformance]:
    """The suite on another server."""

    def open_store(_: StoreConformance, tmp_path: Path) -> PostgresStore:
        return schemas(bin).open(tmp_path)

    return type(f"TestPostgresStoreOn{version}", (StoreConformance,), {"open_store": open_store})


for _version, _bin in list(installations().items())[1:]:
    globals()[f"TestPostgresStoreOn{_version}"] = on(_version, _bin)
