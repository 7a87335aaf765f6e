"""Inline projections: brought up to date within the append."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backstory import Conflict, Database, Event, Projection, Query, Record, Tag, Tx
from backstory.errors import Behind, DefinitionError, IdReused, ProjectionError, ProjectionFailed
from backstory.history.forget.withholding import withhold
from backstory.projections import inline, operate
from backstory.values.query import Condition
from tests.projections.conftest import Opener
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders, StockCounted


def test_the_rows_are_there_when_the_append_returns(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500), OrderPlaced("o-2", 700))
    db.append(OrderPaid("o-1"))
    assert db.rows(Orders, ALL) == [("o-1", 500, "paid"), ("o-2", 700, "placed")]
    assert db.rows(Orders, "SELECT cents FROM orders WHERE status = ?", ("paid",)) == [(500,)]


def test_rows_become_what_into_makes_of_them(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500))
    assert db.rows(Orders, "SELECT id, cents FROM orders", into=lambda id, cents: {id: cents}) == [
        {"o-1": 500}
    ]


def test_an_event_that_cannot_be_applied_takes_the_append_back(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500))
    with pytest.raises(
        ProjectionFailed, match=r"orders failed at #3: .*an order of -1 cent.*shop\.py:"
    ) as failed:
        db.append(OrderPlaced("o-2", 700), OrderPlaced("o-3", -1))
    assert (failed.value.name, failed.value.position) == ("orders", 3)
    assert db.head().position == 1
    assert db.rows(Orders, ALL) == [("o-1", 500, "placed")]
    db.append(OrderPlaced("o-2", 700))
    assert len(db.rows(Orders, ALL)) == 2


def test_what_was_appended_without_it_is_applied_by_the_next_append(connect: Opener, kind: str) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500))
    without = connect()
    without.append(OrderPlaced("o-2", 700))
    without.append(OrderPaid("o-2"))
    db.append(StockCounted("apple"))
    db.append(OrderPaid("o-1"))
    assert db.rows(Orders, ALL) == [("o-1", 500, "paid"), ("o-2", 700, "paid")]


def test_a_merge_brings_it_up_to_date(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500))
    side = db.branch("side")
    side.append(OrderPaid("o-1"))
    assert db.rows(Orders, ALL) == [("o-1", 500, "placed")]
    db.append(OrderPlaced("o-2", 1))
    db.merge("side")
    assert db.rows(Orders, ALL) == [("o-1", 500, "paid"), ("o-2", 1, "placed")]


@pytest.mark.parametrize("names_the_commit", [True, False])
def test_a_read_brings_it_up_to_date_with_what_others_appended_without_it(
    connect: Opener, *, names_the_commit: bool
) -> None:
    db = connect(inline=[Orders])
    commit = connect().append(OrderPlaced("o-1", 500))
    assert db.rows(Orders, ALL, after=commit if names_the_commit else None) == [("o-1", 500, "placed")]


def test_a_store_with_tables_of_its_own_is_sound(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500))
    assert list(db.store.problems()) == []


def test_no_append_waits_for_more_than_a_batch_of_missing_events(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline, "MOST_INLINE", 3)
    db, without = connect(inline=[Orders]), connect()
    for number in range(5):
        without.append(OrderPlaced(f"o-{number}", 1))
    db.append(OrderPlaced("o-5", 1))
    assert without.rows(Orders, ALL) == []
    assert len(db.rows(Orders, ALL)) == 6
    db.append(OrderPlaced("o-6", 1))
    assert len(db.rows(Orders, ALL)) == 7


def test_a_projection_that_is_new_is_filled_as_the_database_is_opened(connect: Opener) -> None:
    connect().append(*(OrderPlaced(f"o-{number}", number) for number in range(30)))
    assert len(connect(inline=[Orders]).rows(Orders, ALL)) == 30


def test_of_many_threads_only_the_one_at_fault_is_told(connect: Opener) -> None:
    db = connect(inline=[Orders])
    told: list[Exception] = []
    begin = threading.Barrier(16)

    def place(number: int) -> None:
        begin.wait(60)
        try:
            db.append(OrderPlaced(f"o-{number}", -1 if number == 7 else number))
        except ProjectionFailed as failed:
            told.append(failed)

    threads = [threading.Thread(target=place, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert {id for id, *_ in db.rows(Orders, ALL)} == {f"o-{number}" for number in range(16) if number != 7}


def test_a_conflict_and_a_reused_id_apply_nothing(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500), id="a")
    with pytest.raises(Conflict):
        db.append(OrderPlaced("o-2", 1), condition=Condition(Query.all(), 0))
    with pytest.raises(IdReused):
        db.append(OrderPlaced("o-2", 1), id="a")
    db.append(OrderPlaced("o-1", 500), id="a")  # a retry
    assert db.rows(Orders, ALL) == [("o-1", 500, "placed")]


class Counted(Projection):
    """Counts orders, and refuses the one of 13 cents."""

    tables = "CREATE TABLE counted (number BIGINT NOT NULL)"

    def apply(self, event: OrderPlaced, tx: Tx) -> None:
        tx.execute("INSERT INTO counted VALUES (?)", (event.cents,))
        if event.cents == 13:
            raise LookupError("thirteen")


def test_if_the_second_of_two_fails_the_first_is_taken_back_too(connect: Opener) -> None:
    db = connect(inline=[Orders, Counted])
    for cents in (13, -1):
        with pytest.raises(ProjectionFailed):
            db.append(OrderPlaced("o-1", cents))
    db.append(OrderPlaced("o-1", 1))
    assert (
        db.rows(Orders, "SELECT cents FROM orders")
        == db.rows(Counted, "SELECT number FROM counted")
        == [(1,)]
    )


def test_an_error_of_the_database_names_the_event(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 1))
    with pytest.raises(ProjectionFailed, match="orders failed at #2"):
        db.append(OrderPlaced("o-1", 2))
    db.append(OrderPlaced("o-2", 2))
    assert len(db.rows(Orders, ALL)) == 2


def test_values_of_python_are_taken(connect: Opener) -> None:
    class Typed(Event, name="shop.typed"):
        key: Tag[str]
        moment: datetime
        price: Decimal

    made = "CREATE TABLE kept (moment TIMESTAMPTZ, price NUMERIC, data {json}, whole BOOLEAN)"

    class Kept(Projection):
        tables = {"sqlite": made.format(json="TEXT"), "postgresql": made.format(json="JSONB")}

        def apply(self, event: Typed, tx: Tx) -> None:
            data = {"at": event.moment, "key": [event.key]}
            tx.execute("INSERT INTO kept VALUES (?, ?, ?, ?)", (event.moment, event.price, data, True))

    db = connect(inline=[Kept])
    db.append(Typed("a", datetime(2026, 1, 2, 3, tzinfo=UTC), Decimal("1.50")))
    [(moment, price, data, whole)] = db.rows(Kept, "SELECT * FROM kept")
    assert str(moment).startswith("2026-01-02 03:00:00")
    assert (float(price), bool(whole)) == (1.5, True)
    assert '"key"' in str(data).replace("'", '"')


def test_a_branch_has_live_rows_only(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500))
    db.mark("begun")
    with db.what_if() as trial:
        trial.append(OrderPaid("o-1"))
        with pytest.raises(ProjectionError, match="live=True"):
            trial.rows(Orders, ALL)
        assert trial.rows(Orders, ALL, live=True) == [("o-1", 500, "paid")]
    db.append(OrderPaid("o-1"))
    assert db.rows(Orders, ALL, at="begun") == [("o-1", 500, "placed")]


def test_tables_that_were_made_by_other_sql_are_refused_with_the_difference(connect: Opener) -> None:
    connect(inline=[Orders]).append(OrderPlaced("o-1", 1))

    class Changed(Orders, name="orders"):
        tables = str(Orders.tables).replace("cents BIGINT NOT NULL", "cents BIGINT")

    with pytest.raises(
        ProjectionError, match=r"new version(?s:.*)-CREATE TABLE.*NOT NULL(?s:.*)\+CREATE TABLE"
    ):
        connect(inline=[Changed])


def test_two_versions_have_tables_of_their_own(connect: Opener) -> None:
    class Doubled(Projection, name="orders", version=2):
        tables = Orders.tables

        def apply(self, event: OrderPlaced, tx: Tx, record: Record) -> None:
            tx.execute("INSERT INTO orders VALUES (?, ?, 'placed', 0)", (event.order, 2 * event.cents))

    old, new = connect(inline=[Orders]), connect(inline=[Doubled])
    old.append(OrderPlaced("o-1", 1))
    new.append(OrderPlaced("o-2", 2))
    old.append(OrderPlaced("o-3", 3))
    new.append(OrderPlaced("o-4", 4))
    assert [cents for _, cents, _ in new.rows(Doubled, ALL, after=4)] == [2, 4, 6, 8]
    assert [cents for _, cents, _ in old.rows(Orders, ALL, after=4)] == [1, 2, 3, 4]
    again = connect(inline=[Orders])  # back to version 1
    again.append(OrderPlaced("o-5", 5))
    assert len(again.rows(Orders, ALL)) == 5


def test_a_rebuild_makes_the_same_rows_beside_the_old_ones(connect: Opener) -> None:
    db = connect(inline=[Orders])
    db.append(*(OrderPlaced(f"o-{number}", number) for number in range(10)))
    before = db.rows(Orders, ALL)
    db.rebuild(Orders)
    assert db.rows(Orders, ALL) == before
    db.append(OrderPaid("o-1"))
    assert ("o-1", 1, "paid") in db.rows(Orders, ALL)


def test_a_projection_that_nobody_runs_says_so(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    with pytest.raises(Behind, match=r"orders is at #0, not yet at #1 of #1: nobody has ever run it"):
        db.rows(Orders, ALL, timeout=0)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "needs one of apply, apply_many and sql"),
        ({"apply": lambda self, event, tx: None}, "needs an annotation"),
        ({"apply": lambda self: None}, r"apply\(self, event, tx\)"),
        ({"sql": {"sqlite": "SELECT 1"}}, "names its events"),
    ],
)
def test_a_class_that_cannot_work_is_refused_as_it_is_defined(body: dict[str, object], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        type("Wrong", (Projection,), body)


def test_a_record_before_the_transaction_is_refused_as_the_class_is_defined() -> None:
    with pytest.raises(DefinitionError, match="tx comes before the record"):

        class Swapped(Projection):
            def apply(self, event: OrderPlaced, record: Record, tx: Tx) -> None: ...


def test_a_column_has_not_the_name_of_a_table(tmp_path: object) -> None:
    class Wrong(Projection):
        tables = "CREATE TABLE a (b TEXT); CREATE TABLE b (c TEXT)"

        def apply(self, event: OrderPlaced, tx: Tx) -> None: ...

    with pytest.raises(DefinitionError, match="the column 'b' of 'a' has the name of a table"):
        Database(__import__("backstory.stores.memory").stores.memory.MemoryStore(), inline=[Wrong])


def test_data_that_are_withheld_after_they_were_applied_hold_up_no_append(connect: Opener) -> None:
    db = connect(inline=[Orders])
    commit = db.append(OrderPlaced("o-1", 500))
    withhold(db.branches, commit, ["data"])
    db.append(OrderPlaced("o-2", 700))
    assert [row[0] for row in db.rows(Orders, ALL)] == ["o-1", "o-2"]


def test_data_that_are_withheld_before_they_are_applied_are_named_until_they_are_left_out(
    connect: Opener,
) -> None:
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 500))
    other = connect()
    withhold(other.branches, other.append(OrderPlaced("o-2", 700)), ["data"])
    with pytest.raises(ProjectionFailed, match=r"orders failed at #2: .*its data is withheld"):
        db.append(OrderPlaced("o-3", 900))
    with pytest.raises(ProjectionError, match=r"stopped: #2 .*its data is withheld"):
        db.rows(Orders, ALL)
    group = db.views.group_of(Orders)
    operate.skip(db.views, group, 2, "withheld")
    operate.resume(db.views, group)
    db.append(OrderPlaced("o-3", 900))
    assert [row[0] for row in db.rows(Orders, ALL)] == ["o-1", "o-3"]
