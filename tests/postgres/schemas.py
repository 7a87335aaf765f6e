"""Schemas that are emptied and used again: making one takes longer than most of the tests that want one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from backstory.stores.postgres import PostgresStore
from tests.postgres.server import HASTY, PostgresServer, installations, started

EMPTY = """
BEGIN;
SET LOCAL session_replication_role = replica; -- or the triggers would refuse
DELETE FROM {schema}.tags;
DELETE FROM {schema}.events;
DELETE FROM {schema}.commits;
DELETE FROM {schema}.caches;
DELETE FROM {schema}.refs;
INSERT INTO {schema}.refs VALUES ('branch/main', '0');
DELETE FROM {schema}.logs WHERE number > 0;
UPDATE {schema}.meta SET made = 1;
COMMIT
"""


@cache
def hasty(version: int | None) -> PostgresServer:
    """A server that does not wait for the disk, of a version or the newest; one for each in this process."""
    return started(HASTY, installations()[version] if version else None)


class Schemas:
    """Gives each folder a store of its own, in a schema that nobody has open any more."""

    def __init__(self, kind: int | str = "s") -> None:
        self._server = hasty(kind if isinstance(kind, int) else None)
        self._name = kind if isinstance(kind, str) else "s"
        self._admin: psycopg.Connection[tuple[Any, ...]] = self._server.admin()
        self._open: dict[str, list[PostgresStore]] = {}
        self._of: dict[Path, str] = {}
        self._left: set[Path] = set()

    def open(self, folder: Path) -> PostgresStore:
        """The store of a folder: an empty one at first, and later the same one again."""
        assert folder not in self._left, "its schema was emptied for another folder"
        if folder not in self._of:
            self._of[folder] = self._emptied()
        schema = self._of[folder]
        store = PostgresStore(self._server.address(schema))
        self._open.setdefault(schema, []).append(store)
        return store

    def _emptied(self) -> str:
        self._admin.execute("DROP TABLE IF EXISTS counted")  # the suite's, which lies beside the schemas
        for schema, stores in self._open.items():
            if all(store.server.closed for store in stores):
                stores.clear()
                [folder] = [folder for folder, its in self._of.items() if its == schema]
                del self._of[folder]
                self._left.add(folder)
                self._admin.execute(EMPTY.format(schema=schema).encode())
                return schema
        return f"{self._name}{len(self._open)}"


schemas = cache(Schemas)
"""Those of this process's tests, for each version of the server or kind of schemas."""
