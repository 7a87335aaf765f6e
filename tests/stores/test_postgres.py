"""The PostgreSQL store: alone, as one of two that have the same schema open, and on each older server that is here."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings

from backstory.conformance import StoreConformance
from backstory.conformance.sample import fact, one
from backstory.stores.postgres import PostgresStore, append_call, check, keys, lone_call, read_plan, rows
from backstory.stores.postgres.session import Arguments
from backstory.stores.rows import Row
from backstory.values.query import Clause, Query
from tests.postgres.schemas import schemas
from tests.postgres.server import installations
from tests.stores.shared import SharedStore


class TestPostgresStore(StoreConformance):
    def open_store(self, tmp_path: Path) -> PostgresStore:
        return schemas().open(tmp_path)


@pytest.mark.usefixtures("few")
class TestPostgresStoreThatTwoHaveOpen(StoreConformance):
    def open_store(self, tmp_path: Path) -> SharedStore:
        return SharedStore(schemas().open(tmp_path), schemas().open(tmp_path))


@pytest.mark.parametrize("clauses", [1, 1_000])
def test_a_read_is_one_statement_whatever_the_number_of_its_clauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clauses: int
) -> None:
    query = Query(tuple(Clause.of(["A"], [f"x:{number}"]) for number in range(clauses)))
    with closing(schemas().open(tmp_path)) as store:
        log = store.log()
        one(log, *[fact("A", f"x:{number}") for number in range(clauses)])
        head, asked = log.head().position, list[str]()
        fetch = store.server.fetch

        def counting(sql: str, arguments: Arguments = ()) -> list[Row]:
            asked.append(sql)
            return fetch(sql, arguments)

        monkeypatch.setattr(store.server, "fetch", counting)
        assert len(list(log.read(query, upto=head))) == clauses
        assert len(asked) <= 2  # the second finds that there is no more


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 7, 50])
def test_a_read_of_many_clauses_takes_the_log_stretch_by_stretch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backwards: bool, limit: int | None
) -> None:
    for name, value in {"CHUNK_OF_MANY": 20, "STRETCH": 16, "LEAST_STRETCH": 2, "LONGER": 3}.items():
        monkeypatch.setattr(rows, name, value)
    chance = Random(1)
    with closing(schemas().open(tmp_path)) as store:
        log = store.log()
        for tags in (5, 400, 1, 60, 400):  # dense, and nearly nothing, and dense again
            one(log, *[fact("A", f"x:{chance.randrange(tags)}") for _ in range(90)])
        for clauses in (31, 32, 200):
            query = Query(tuple(Clause.of(["A"], [f"x:{number}"]) for number in range(3, clauses + 3)))
            for after, upto in ((0, 450), (91, 270), (449, 450), (450, 450)):
                wanted = [event for event in log.read(after=after, upto=upto) if query.matches(event)]
                wanted = wanted[::-1] if backwards else wanted
                found = log.read(query, after=after, upto=upto, backwards=backwards, limit=limit)
                assert list(found) == wanted[:limit]


COLLIDING = """
CREATE OR REPLACE FUNCTION {schema}.tag_key(_tag text) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT length(_tag)::bigint % 2';
CREATE OR REPLACE FUNCTION {schema}.type_key(_type text) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT 7';
"""


@pytest.mark.usefixtures("few")
class TestPostgresStoreWhoseKeysCollide(StoreConformance):
    """Keys only propose: where half of all tags and all types share one, rows still decide."""

    @pytest.fixture(autouse=True)
    def colliding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (append_call, check, keys, lone_call, read_plan, rows):
            monkeypatch.setattr(module, "tag_key", lambda tag: len(tag) % 2)
        for module in (append_call, lone_call, read_plan):
            monkeypatch.setattr(module, "type_key", lambda _: 7)

    def open_store(self, tmp_path: Path) -> PostgresStore:
        store = schemas("keys").open(tmp_path)
        store.server.run(
            lambda connection: connection.execute(
                COLLIDING.format(schema=store.server.address.schema).encode()
            )
        )
        return store


class AnyHistory:
    """Of the suite, what says most of a server that is neither the newest nor the oldest; a long run has it in full."""

    persistent = StoreConformance.persistent
    test_it_does_what_the_model_does_whatever_the_history = (
        StoreConformance.test_it_does_what_the_model_does_whatever_the_history
    )


def on(version: int, suite: type) -> type:
    """The suite on another server."""

    def open_store(_: StoreConformance, tmp_path: Path) -> PostgresStore:
        return schemas(version).open(tmp_path)

    made = type(f"TestPostgresStoreOn{version}", (suite,), {"open_store": open_store})
    return pytest.mark.usefixtures("few")(made)


_older = list(installations())[1:]
for _version in _older:
    _in_full = _version == _older[-1] or settings.get_current_profile_name() == "long"
    globals()[f"TestPostgresStoreOn{_version}"] = on(_version, StoreConformance if _in_full else AnyHistory)
