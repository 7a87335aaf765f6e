"""What plain SQL writes into a table gets a history, by triggers and a drainer."""

from __future__ import annotations

import pytest

from backstory import Database, RowChanged, RowDeleted, RowInserted
from backstory.capture import Capture, Captured, Column
from tests.capture.databases import Site

TABLE = "CREATE TABLE customers (id integer PRIMARY KEY, name text, town text)"


@pytest.fixture
def capture(site: Site) -> Capture:
    capture = Capture([Captured("customers", ("id",), (Column("town", "city"),))], home=site.home)
    with site.begin() as tx:
        tx.execute(TABLE)
        capture.install(tx)
    return capture


def test_plain_statements_of_anybody_are_the_history_of_rows(
    site: Site, db: Database, capture: Capture
) -> None:
    site.run("INSERT INTO customers VALUES (1, 'Ann', 'Basel'), (2, 'Bea', NULL)")
    site.run("UPDATE customers SET town = 'Bern' WHERE id = 1", "DELETE FROM customers WHERE id = 2")
    drained = capture.drainer(db, site.begin).drain()
    assert drained.rows == 4
    assert drained.position == db.head().position == 4
    customers = db.table("customers")
    assert customers["1"] == {"name": "Ann", "city": "Bern"}
    assert "2" not in customers
    assert customers.get("1", at=1) == {"name": "Ann", "city": "Basel"}
    events = [record.event for record in db.read()]
    assert [type(event).__mro__[1] for event in events] == [RowInserted, RowInserted, RowChanged, RowDeleted]
    assert site.rows(f"SELECT count(*) FROM {site.outbox}") == [(0,)]


def test_what_is_rolled_back_never_happened(site: Site, db: Database, capture: Capture) -> None:
    connection = site.connect()
    connection.execute("INSERT INTO customers VALUES (1, 'Ann', 'Basel')")
    connection.rollback()
    connection.close()
    assert capture.drainer(db, site.begin).drain().rows == 0


def test_author_and_message_are_those_of_the_transaction_and_of_no_other(
    site: Site, db: Database, capture: Capture
) -> None:
    with site.begin() as tx:
        capture.say(tx, author="ann", message="new in town", metadata={"request": 7})
        tx.execute("INSERT INTO customers VALUES (1, 'Ann', 'Basel')")
        tx.execute("UPDATE customers SET town = 'Bern'")
        capture.hush(tx)
    site.run("UPDATE customers SET town = 'Chur'")
    capture.drainer(db, site.begin).drain()
    commits = list(db.commits())
    assert [(each.author, each.message, each.size) for each in commits] == [
        ("ann", "new in town", 2),
        ("", "", 1),
    ]
    assert commits[0].metadata["request"] == 7


def test_triggers_that_are_missing_or_do_not_know_a_column_are_found_and_mended(
    site: Site, db: Database, capture: Capture
) -> None:
    with site.begin() as tx:
        assert capture.check(tx) == []
    site.run("ALTER TABLE customers ADD COLUMN phone text")
    with site.begin() as tx:
        [fault] = capture.check(tx)
        assert (
            fault == "customers: its triggers do not fit: they do not know phone; install the capture again"
        )
        capture.install(tx)
        assert capture.check(tx) == []
    site.run("INSERT INTO customers VALUES (1, 'Ann', 'Basel', '061')")
    capture.drainer(db, site.begin).drain()
    assert db.table("customers")["1"]["phone"] == "061"
    with site.begin() as tx:
        capture.remove(tx)
        [fault] = capture.check(tx)
        assert "changes are lost" in fault


@pytest.mark.parametrize(
    "words", ["ticket 7", "[1, 2]", '{"a": NaN, "a": 1e999}', "[" * 3000, '{"' + "[" * 300]
)
def test_metadata_that_somebody_set_by_hand_and_is_none_stops_no_drainer(
    site: Site, db: Database, words: str
) -> None:
    capture = Capture([Captured("things", ("id",))], home=site.home)
    with site.begin() as tx:
        tx.execute("CREATE TABLE things (id integer PRIMARY KEY)")
        capture.install(tx)
    with site.begin() as tx:
        if site.dialect == "sqlite":
            tx.execute("INSERT INTO backstory_said VALUES (1, 'one', 'ann', '', ?)", (words,))
        else:
            tx.rows("SELECT set_config('backstory.metadata', ?, true)", (words,))
        tx.execute("INSERT INTO things VALUES (1)")
        capture.hush(tx)
    assert capture.drainer(db, site.begin).drain().rows == 1
    [commit] = db.commits()
    assert set(commit.metadata) - {"captured"} <= {"metadata", "text", "a"}
