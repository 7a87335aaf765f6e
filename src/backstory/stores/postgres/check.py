"""Looking for damage in a PostgreSQL schema that reading alone would not show: tags, and rows that no reader sees.

The database does the comparing. For pages and B-trees it has tools of its own: data checksums and `pg_amcheck`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from backstory.errors import StoreError
from backstory.stores.postgres.server import Server
from backstory.stores.rows import place

MOST = 20
"""How many problems of one kind are named."""


def problems(server: Server) -> Iterator[str]:
    """Name the faults, each with its place."""
    text = resources.files("backstory.stores.postgres").joinpath("check.sql").read_text(encoding="utf-8")
    for statement in text.replace("{schema}", server.address.schema).split(";\n"):
        if not statement.strip():
            continue
        try:
            for key, words in server.fetch(f"{statement} LIMIT {MOST}"):
                yield f"{server.address.shown}: {place(key)} {words}"
        except StoreError as error:
            yield str(error)
