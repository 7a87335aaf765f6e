"""A store inside a transaction that somebody else began on a connection of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from backstory.conformance.sample import decided, fact, one
from backstory.errors import Conflict, StoreError, StoreRefused
from backstory.store import append, set_ref
from backstory.stores.postgres import PostgresStore
from backstory.stores.postgres.tables import placed
from backstory.values.query import Query
from tests.postgres.server import running, schema_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PostgresStore]:
    with closing(PostgresStore(running().address(schema_of(tmp_path)))) as store:
        yield store


@pytest.fixture
def theirs(store: PostgresStore) -> Iterator[psycopg.Connection[Any]]:
    """A connection that somebody has set up for themselves, with a table."""
    conninfo, schema = store.server.address.conninfo, store.server.address.schema
    connection: psycopg.Connection[Any] = psycopg.connect(conninfo)
    with connection:
        connection.row_factory = dict_row
        connection.execute(f"CREATE TABLE {schema}.orders (name text)".encode())
        connection.commit()
        yield connection


class Wrapper:
    """What SQLAlchemy and Django put around a connection of the driver's."""

    def __init__(self, name: str, inner: Any) -> None:
        setattr(self, name, inner)


def test_what_is_appended_is_kept_with_their_transaction(
    store: PostgresStore, theirs: psycopg.Connection[Any]
) -> None:
    insert = f"INSERT INTO {store.server.address.schema}.orders VALUES ('a')".encode()
    for end, kept in ((theirs.rollback, 0), (theirs.commit, 1)):
        joined = store.joined(store.join(theirs))
        theirs.execute(insert)
        one(joined.log(), fact("Ordered", "order:1"))
        assert set_ref(joined, "mark/a", "1", old=None)
        assert len(list(joined.log().read(Query.of(tags=["order:1"])))) == 1
        assert theirs.execute("SELECT 1 AS one").fetchall() == [{"one": 1}]
        end()
        assert store.log().head().position == kept
        assert store.refs.get("mark/a") == ("1" if kept else None)
        with pytest.raises(StoreRefused, match="is over"):
            one(joined.log())


def test_a_write_that_is_refused_leaves_their_transaction_as_it_was(
    store: PostgresStore, theirs: psycopg.Connection[Any]
) -> None:
    joined = store.joined(store.join(theirs))
    one(joined.log(), fact("A"))
    [verdict] = joined.log().append([[decided(query=Query.of(["A"]))]])
    assert isinstance(verdict, Conflict)
    with pytest.raises(StoreError):
        append(joined.log(), replace(decided(), author="\0"))

    def wrong(*_: object) -> None:
        raise LookupError("a projection that fails")

    with pytest.raises(LookupError):
        joined.log().append([[decided()]], within=wrong)
    one(joined.log(), fact("B"))
    theirs.commit()
    assert [event.type for event in store.log().read()] == ["A", "B"]


def test_an_error_of_the_database_in_a_hook_is_raised_as_it_is(store: PostgresStore) -> None:
    def wrong(transaction: Any, *_: object) -> None:
        transaction.execute("SELECT nothing FROM nowhere")

    with pytest.raises(psycopg.errors.UndefinedTable):
        store.log().append([[decided()]], within=wrong)
    assert store.log().head().position == 0


def test_a_connection_is_found_inside_of_what_libraries_put_around_it(
    store: PostgresStore, theirs: psycopg.Connection[Any]
) -> None:
    pooled = Wrapper("driver_connection", theirs)
    for around in (pooled, Wrapper("connection", pooled), Wrapper("connection", theirs)):
        one(store.joined(store.join(around)).log())
    theirs.commit()
    assert store.log().head().position == 3


def test_a_connection_that_cannot_be_joined_is_refused_with_the_reason(
    store: PostgresStore, theirs: psycopg.Connection[Any]
) -> None:
    address = store.server.address
    for other in (object(), Wrapper("connection", None), "postgresql://x"):
        with pytest.raises(StoreRefused, match="psycopg 3"):
            store.join(other)
    with psycopg.connect(address.conninfo, autocommit=True) as alone:
        with pytest.raises(StoreRefused, match="in no transaction"):
            store.join(alone)
        with alone.transaction():
            one(store.joined(store.join(alone)).log())
    with pytest.raises(psycopg.errors.UndefinedTable):
        theirs.execute("SELECT nothing FROM nowhere")
    with pytest.raises(StoreRefused, match="in no transaction"):
        store.join(theirs)
    latin = psycopg.connect(address.conninfo, client_encoding="latin1")
    with closing(latin), pytest.raises(StoreRefused, match="UTF8"):
        store.join(latin)
    with running().admin() as admin:
        admin.execute(f"CREATE DATABASE {address.schema}".encode())
    elsewhere = psycopg.connect(address.conninfo, dbname=address.schema)
    with closing(elsewhere), pytest.raises(StoreRefused, match="another database"):
        store.join(elsewhere)


def test_a_transaction_of_another_store_or_for_reading_is_refused(
    store: PostgresStore, tmp_path: Path
) -> None:
    other = PostgresStore(running().address(schema_of(tmp_path / "other")))
    with closing(other), other.tables.transaction() as transaction, pytest.raises(StoreRefused):
        store.joined(transaction)
    with store.tables.reading() as reading, pytest.raises(StoreRefused):
        store.joined(reading)
    with store.tables.transaction() as transaction:
        joined = store.joined(transaction)
        with pytest.raises(StoreRefused):
            joined.joined(transaction)
    with pytest.raises(StoreRefused, match="is over"):
        joined.log()


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT ? , ??", "SELECT %s , ?"),
        ("SELECT '?' || ?, \"a?\" -- ?\n", "SELECT '?' || %s, \"a?\" -- ?\n"),
        ("SELECT 10 % ?", "SELECT 10 %% %s"),
        ("SELECT 'it''s 5%?'", "SELECT 'it''s 5%%?'"),
        ("SELECT $a$?$a$, /* ? */ ?", "SELECT $a$?$a$, /* ? */ %s"),
    ],
)
def test_a_question_mark_is_an_argument_but_in_text_and_comments(sql: str, sent: str) -> None:
    assert placed(sql) == sent.encode()
