"""Looking for damage in a PostgreSQL schema that reading alone would not show: tags, and rows that no reader sees.

The database does the comparing. For pages and B-trees it has tools of its own: data checksums and `pg_amcheck`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from itertools import islice

import msgspec

from backstory.errors import StoreError
from backstory.stores.postgres.keys import tag_key
from backstory.stores.postgres.server import Server
from backstory.stores.rows import decode_tags, place
from backstory.values.links import words_of

MOST = 20
"""How many problems of one kind are named."""

LINKED = """
SELECT c.key, convert_to(c.metadata, 'UTF8'), e.tags, coalesce(t.tags, '{{}}')
FROM {schema}.commits c
JOIN {schema}.events e ON e.key = c.key
LEFT JOIN (SELECT key, array_agg(tag) AS tags FROM {schema}.tags GROUP BY key) t ON t.key = c.key
WHERE c.metadata ~ '"(causation|correlation|reverts)"'
ORDER BY c.key
"""
"""The commits that may have links, with the tags of their last events, and all that the table of tags has there."""


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
    yield from islice(_link_problems(server), MOST)


def _link_problems(server: Server) -> Iterator[str]:
    """Compare the links of commits with the table of tags: the server cannot read every JSON that we can."""
    try:
        for key, metadata, tags, there in server.fetch(LINKED.format(schema=server.address.schema)):
            own = set(map(tag_key, decode_tags(tags)))
            expected = own.union(map(tag_key, words_of(metadata)))
            for tag in expected.difference(there) - own:
                yield f"{server.address.shown}: {place(key)} is missing in the table of tags, under the link {tag}"
            for tag in set(there) - expected:
                yield (
                    f"{server.address.shown}: {place(key)} stands in the table of tags under {tag}, where it does not"
                    " belong"
                )
    except StoreError as error:
        yield str(error)
    except (msgspec.MsgspecError, TypeError) as error:
        yield f"{server.address.shown}: the tags of an event are damaged ({error})"
