"""Tables of rows: plain rows have a history, are merged field by field, and are reverted, with no event class."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import apsw
import pytest

from backstory import Database, Options, RowChanged, RowDeleted, RowInserted
from backstory.errors import (
    DefinitionError,
    DuplicateRow,
    IdReused,
    InvalidEvent,
    InvalidTag,
    MergeConflict,
    MissingRow,
    Refused,
    RevertError,
    StaleRow,
)
from backstory.rows.change import change
from backstory.store import Store
from backstory.table import Table

Rows = Table[Any]
ANN: dict[str, Any] = {"name": "Ann", "city": "Basel", "email": "ann@x.ch"}


@pytest.fixture
def db(store: Store) -> Database:
    return Database(store)


@pytest.fixture
def customers(db: Database) -> Rows:
    """A table with one row."""
    table = db.table("customers", unique=["email"])
    table["c-1"] = ANN
    return table


def test_a_row_is_written_read_and_deleted_like_the_value_of_a_dict(customers: Rows) -> None:
    assert customers["c-1"] == ANN
    customers["c-1"] = {"name": "Ann", "city": "Bern"}
    assert customers["c-1"] == {"name": "Ann", "city": "Bern"}
    assert "c-1" in customers
    del customers["c-1"]
    assert "c-1" not in customers
    assert customers.get("c-1") is None
    for wrong in (lambda: customers["c-1"], lambda: customers.__delitem__("c-1")):
        with pytest.raises(KeyError):
            wrong()


def test_a_row_is_what_it_was_at_each_revision(db: Database, customers: Rows) -> None:
    customers.update("c-1", city="Bern")
    customers.delete("c-1")
    assert [customers.get("c-1", at=at) for at in (0, 1, "main~1", "main")] == [
        None,
        ANN,
        {**ANN, "city": "Bern"},
        None,
    ]
    kinds = [type(record.event).__mro__[1] for record in customers.history("c-1")]
    assert kinds == [RowInserted, RowChanged, RowDeleted]
    assert [record.type for record in customers.history("c-1", at=1)] == ["customers.RowInserted"]
    assert db.blame(customers.row("c-1"), at=2)["row.city"].position == 2
    assert [change.pointer for change in db.diff(1, 2, customers.row("c-1")).changes] == ["/row/city"]


def test_a_change_records_the_fields_that_differ_and_what_they_were(customers: Rows) -> None:
    commit = customers.patch(
        "c-1", {"name": "Ann", "city": None}, ["email", "none"], author="bea", message="why"
    )
    assert commit is not None
    assert (commit.author, commit.message) == ("bea", "why")
    [event] = [record.event for record in customers.history("c-1") if record.position == commit.position]
    assert (event.set, event.unset) == ({"city": None}, ("email",))
    assert commit.command is not None
    assert commit.command["arguments"]["was"] == {"city": "Basel", "email": "ann@x.ch"}
    assert customers["c-1"] == {"name": "Ann", "city": None}


def test_what_changes_nothing_is_no_commit(db: Database, customers: Rows) -> None:
    assert customers.update("c-1", city="Basel") is None
    assert customers.put("c-1", ANN) is None
    assert customers.patch("c-1", {}, ["none"]) is None
    assert db.head().position == 1
    assert customers.update("c-1", city=1) is not None
    assert customers.update("c-1", city=True) is not None


def test_who_writes_a_row_that_is_not_there_or_inserts_one_that_is_is_refused(customers: Rows) -> None:
    with pytest.raises(DuplicateRow, match="customers has a row c-1 already") as there:
        customers.insert("c-1", {})
    assert (there.value.code, there.value.table, there.value.key) == ("duplicate-row", "customers", "c-1")
    for write in (
        lambda: customers.update("c-2", city="Bern"),
        lambda: customers.delete("c-2"),
        lambda: customers.edit("c-2").__enter__(),
    ):
        with pytest.raises(MissingRow, match="customers has no row c-2"):
            write()


def test_who_goes_through_a_table_is_told_of_find(customers: Rows) -> None:
    with pytest.raises(TypeError, match=r"for row in table.find\(\)"):
        list(cast("Any", customers))


def test_a_write_with_an_id_is_done_once(db: Database, customers: Rows) -> None:
    one = customers.patch("c-1", {"city": "Bern"}, id="move")
    customers.update("c-1", name="Bea")
    assert customers.patch("c-1", {"city": "Bern"}, id="move") == one
    assert customers["c-1"]["name"] == "Bea"
    writes: list[Callable[[], object]] = [
        lambda: customers.patch("c-2", {"city": "Bern"}, id="move"),
        lambda: customers.patch("c-1", {"city": "Genf"}, id="move"),
        lambda: customers.delete("c-1", id="move"),
        lambda: db.table("others").patch("c-1", {"city": "Bern"}, id="move"),
    ]
    for write in writes:
        with pytest.raises(IdReused):
            write()


def test_an_id_whose_command_is_withheld_is_said_to_be_of_nobody_knows_what(
    db: Database, customers: Rows
) -> None:
    customers.patch("c-1", {"city": "Bern"}, id="move")
    db.forget(customers.row("c-1"), message="request 17")
    again = change(table="customers", key="c-1", was={}, set={"city": "Bern"})

    def together() -> None:
        with db.atomic() as tx:
            tx.execute(again, id="move")

    writes: list[Callable[[], object]] = [
        lambda: customers.patch("c-1", {"city": "Bern"}, id="move"),
        lambda: db.execute(again, id="move"),
        together,
    ]
    for write in writes:
        with pytest.raises(IdReused, match=r"whose command is withheld, so nobody can say .*, at #"):
            write()


def test_an_edit_is_refused_if_anybody_has_changed_the_row_meanwhile(db: Database, customers: Rows) -> None:
    with customers.edit("c-1", author="ann") as row:
        row["tags"] = ["new"]
    assert customers["c-1"] == {**ANN, "tags": ["new"]}
    with customers.edit("c-1") as row:
        row["tags"].append("kept")
        row["city"] = "Bern"
    assert customers["c-1"]["tags"] == ["new", "kept"]

    def edited() -> None:
        with customers.edit("c-1") as row:
            customers.update("c-1", name="Bea")
            row["city"] = "Genf"

    with pytest.raises(StaleRow, match='customers: c-1 was changed meanwhile: name is "Bea"') as stale:
        edited()
    assert stale.value.fields == ("name",)

    def added() -> None:
        with customers.edit("c-1") as row:
            customers.update("c-1", phone="1")
            row["city"] = "Genf"

    with pytest.raises(StaleRow, match='phone is "1"'):
        added()
    head = db.head().position
    with customers.edit("c-1"):
        pass

    def broken() -> None:
        with customers.edit("c-1") as row:
            row["city"] = "Genf"
            raise LookupError

    with pytest.raises(LookupError):
        broken()
    assert db.head().position == head


def test_of_two_edits_that_count_on_from_one_number_the_second_is_refused(customers: Rows) -> None:
    customers["c-1"] = {"visits": 5}

    def counted() -> None:
        with customers.edit("c-1") as row:
            customers.update("c-1", visits=6)
            row["visits"] += 1

    with pytest.raises(StaleRow, match="visits is 6"):
        counted()


def test_a_row_that_is_nested_as_deep_as_may_be_is_read_edited_and_compared(
    db: Database, customers: Rows
) -> None:
    deep: Any = []
    for number in range(97):
        deep = {"in": deep} if number % 2 else [deep]
    customers["c-1"] = {"deep": deep}
    assert customers["c-1"] == {"deep": deep}
    with customers.edit("c-1") as row:
        row["more"] = 1
    assert list(customers["c-1"]) == ["deep", "more"]
    assert db.blame(customers.row("c-1"))["row.more"].position == 3
    db.revert("HEAD")
    assert list(customers["c-1"]) == ["deep"]
    with pytest.raises(InvalidEvent, match="nested deeper than 100"):
        customers.update("c-1", deep=[[deep, deep]])


@pytest.mark.parametrize(
    "key", ["a:b", "/", "~", "__class__", "row", "#1", " ", "-", "\u202e", "k" * 100_000]
)
def test_a_key_is_any_text(db: Database, customers: Rows, key: str) -> None:
    customers[key] = {"key": 1, "a/b~": 2, "": 3, "\0": 4}
    customers.patch(key, {"a/b~": None})
    assert customers[key] == {"key": 1, "a/b~": None, "": 3, "\0": 4}
    assert [change.pointer for change in db.diff("main~1", "main", customers.row(key)).changes] == [
        "/row/a~1b~0"
    ]
    db.revert("HEAD")
    assert customers[key]["a/b~"] == 2


@pytest.mark.parametrize("key", ["", "a\0b", "\ud800", 1.5, True, b"x", None])
def test_what_is_no_key_is_refused(db: Database, customers: Rows, key: Any) -> None:
    head = db.head()
    with pytest.raises((InvalidEvent, InvalidTag, ValueError)):
        customers.insert(key, {"a": 1})
    assert db.head() == head


def test_a_write_that_cannot_be_meant_is_refused(db: Database, customers: Rows) -> None:
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: customers.patch("c-1", {"city": "Bern"}, ["city"]), "city cannot be given a value"),
        (lambda: customers.patch("c-1", {}, [5]), "5 is none"),  # type: ignore[list-item]
        (lambda: customers.put("c-1"), "where is the row of 'c-1'"),
        (lambda: customers.upsert_many([("c-1", {}, 3)]), "not 3 things"),
        (lambda: customers.sync([], allow_deletes=-1), "a number of rows"),
        (lambda: db.table(5), "named by a text"),  # type: ignore[call-overload]
    ]
    for write, why in wrong:
        with pytest.raises((ValueError, TypeError, InvalidEvent, DefinitionError), match=why):
            write()
    assert customers["c-1"] == ANN


def test_one_name_of_a_field_is_one_field(db: Database, customers: Rows) -> None:
    customers.patch("c-1", {}, "city")
    assert list(customers["c-1"]) == ["name", "email"]
    table = db.table("people", unique="email")
    table["a"] = {"email": 1}
    with pytest.raises(DuplicateRow):
        table["b"] = {"email": 1}


@pytest.mark.parametrize(
    "row", [{"at": datetime(2026, 1, 1, tzinfo=UTC)}, {1: 2}, {"x": float("nan")}, {"x": (1, 2)}, [1], "text"]
)
def test_a_row_without_a_class_has_json_values(customers: Rows, row: object) -> None:
    with pytest.raises(InvalidEvent, match="customers"):
        customers.put("c-2", row)


@pytest.mark.parametrize("name", ["", "a" * 41, "a.b", "a-b", "1a", "a:b", "a b"])
def test_a_table_has_the_name_of_a_word(db: Database, name: str) -> None:
    with pytest.raises(DefinitionError):
        db.table(name)


def test_a_key_in_the_row_is_kept_once(db: Database) -> None:
    table = db.table("orders", key="id")
    table.insert({"id": 7, "total": 3})
    assert table["7"] == table[7] == {"id": "7", "total": 3}
    assert [record.event.row for record in table.history(7)] == [{"total": 3}]
    with pytest.raises(ValueError, match="which row is it"):
        table.insert({"total": 3})
    with pytest.raises(ValueError, match="cannot be written as 8"):
        table[8] = {"id": 7}


class TestMerge:
    """The one rule: the command is decided again, and refuses where a field of `was` has another value."""

    @pytest.fixture
    def both(self, db: Database, customers: Rows) -> Callable[..., Rows]:
        def both(here: Callable[[Rows], object], there: Callable[[Rows], object]) -> Rows:
            there(db.branch("theirs").table("customers", unique=["email"]))
            here(customers)
            return customers

        return both

    def test_changes_of_two_fields_are_both_kept(self, db: Database, both: Callable[..., Rows]) -> None:
        customers = both(lambda t: t.update("c-1", city="Bern"), lambda t: t.update("c-1", name="Bea"))
        report = db.merge("theirs")
        assert [step.outcome for step in report.steps] == ["same"]
        assert customers["c-1"] == {**ANN, "city": "Bern", "name": "Bea"}

    def test_the_same_change_on_both_sides_is_in_nobodys_way(
        self, db: Database, both: Callable[..., Rows]
    ) -> None:
        customers = both(lambda t: t.update("c-1", city="Bern"), lambda t: t.update("c-1", city="Bern"))
        db.merge("theirs")
        assert customers["c-1"]["city"] == "Bern"

    @pytest.mark.parametrize(
        ("here", "there", "why"),
        [
            ({"city": "Bern"}, {"city": "Genf"}, 'city is "Bern"'),
            ({"new": 1}, {"new": 2}, "new is 1"),
            (None, {"city": "Genf"}, "customers has no row c-1"),
            ({"city": "Bern"}, None, 'city is "Bern"'),
            ({"new": 1}, None, "new is 1"),
            ({"city": None}, {"city": "Genf"}, "city is null"),
        ],
    )
    def test_two_values_of_one_field_are_a_conflict_with_its_reason(
        self,
        db: Database,
        both: Callable[..., Rows],
        here: dict[str, Any] | None,
        there: dict[str, Any] | None,
        why: str,
    ) -> None:
        def written(fields: dict[str, Any] | None) -> Callable[[Rows], object]:
            return lambda t: t.delete("c-1") if fields is None else t.patch("c-1", fields)

        customers = both(written(here), written(there))
        before = customers.get("c-1")
        with pytest.raises(MergeConflict) as conflict:
            db.merge("theirs")
        [step] = conflict.value.report.conflicts
        assert why in step.reason
        assert customers.get("c-1") == before
        db.merge("theirs", Options("skip"))
        assert customers.get("c-1") == before

    def test_two_rows_of_one_key_are_a_conflict(self, db: Database, both: Callable[..., Rows]) -> None:
        both(lambda t: t.insert("c-2", {"a": 1}), lambda t: t.insert("c-2", {"a": 2}))
        with pytest.raises(MergeConflict):
            db.merge("theirs")

    def test_two_rows_with_one_unique_value_are_a_conflict(
        self, db: Database, both: Callable[..., Rows]
    ) -> None:
        both(lambda t: t.insert("c-2", {"email": "b@x"}), lambda t: t.insert("c-3", {"email": "b@x"}))
        with pytest.raises(MergeConflict) as conflict:
            db.merge("theirs")
        assert "c-2 has this email already" in conflict.value.report.conflicts[0].reason

    def test_an_edit_relied_on_the_whole_row(self, db: Database, both: Callable[..., Rows]) -> None:
        def edited(table: Rows) -> None:
            with table.edit("c-1") as row:
                row["city"] = "Genf"

        both(lambda t: t.update("c-1", new=1), edited)
        with pytest.raises(MergeConflict) as conflict:
            db.merge("theirs")
        assert "new is 1" in conflict.value.report.conflicts[0].reason

    def test_a_later_change_of_a_conflict_is_one_too(self, db: Database, both: Callable[..., Rows]) -> None:
        def there(table: Rows) -> None:
            table.update("c-1", city="Genf")
            table.update("c-1", city="Lyon")
            table.update("c-1", name="Bea")

        both(lambda t: t.update("c-1", city="Bern"), there)
        outcomes = [step.outcome for step in db.merge("theirs", Options(dry_run=True)).steps]
        assert outcomes == ["conflict", "conflict", "same"]

    def test_a_rebase_and_a_cherry_pick_decide_again_too(
        self, db: Database, both: Callable[..., Rows]
    ) -> None:
        customers = both(lambda t: t.update("c-1", city="Bern"), lambda t: t.update("c-1", name="Bea"))
        theirs = db.switch("theirs")
        theirs.rebase("main")
        assert theirs.table("customers")["c-1"] == {**ANN, "city": "Bern", "name": "Bea"}
        db.cherry_pick("theirs")
        assert customers["c-1"]["name"] == "Bea"


class TestUnique:
    def test_no_two_rows_have_one_value(self, customers: Rows) -> None:
        writes: list[Callable[[], object]] = [
            lambda: customers.insert("c-2", {"email": "ann@x.ch"}),
            lambda: customers.put("c-2", {"email": "ann@x.ch"}),
        ]
        for write in writes:
            with pytest.raises(DuplicateRow, match="customers: c-1 has this email already") as there:
                write()
            assert there.value.fields == ("email",)

    def test_a_value_is_free_once_its_row_has_another_or_is_gone(self, customers: Rows) -> None:
        customers.update("c-1", email="new@x.ch")
        customers.insert("c-2", {"email": "ann@x.ch"})
        customers.delete("c-2")
        customers.insert("c-3", {"email": "ann@x.ch"})
        customers.patch("c-3", {}, ["email"])
        customers.update("c-1", email="ann@x.ch")
        with pytest.raises(DuplicateRow):
            customers.update("c-3", email="ann@x.ch")

    def test_a_value_that_main_has_taken_meanwhile_is_refused_in_a_rebase_and_may_come_back_once_it_is_free(
        self, db: Database, customers: Rows
    ) -> None:
        theirs = db.branch("theirs")
        theirs.table("customers", unique=["email"]).insert("c-2", {"email": "b@x"})
        customers.insert("c-3", {"email": "b@x"})
        with pytest.raises(MergeConflict, match="c-3 has this email already"):
            theirs.rebase("main")
        customers.delete("c-3")
        theirs.rebase("main")
        db.merge("theirs")
        assert customers["c-2"] == {"email": "b@x"}

    def test_null_and_nothing_are_no_values(self, customers: Rows) -> None:
        for key, row in (("a", {"email": None}), ("b", {"email": None}), ("c", {}), ("d", {})):
            customers.insert(key, row)

    def test_of_many_who_take_one_value_at_once_one_has_it(self, db: Database, customers: Rows) -> None:
        got: list[str] = []
        start = threading.Barrier(8)

        def take(key: str) -> None:
            start.wait()
            try:
                customers.insert(key, {"email": "one@x.ch"})
                got.append(key)
            except DuplicateRow:
                pass

        threads = [threading.Thread(target=take, args=(f"t-{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1
        assert [row.key for row in db.identities(customers.state)] == ["c-1", *got]


class TestRevert:
    def test_each_write_of_a_row_is_undone(self, db: Database, customers: Rows) -> None:
        customers.patch("c-1", {"city": "Bern", "new": 1}, ["name"])
        db.revert("HEAD")
        assert customers["c-1"] == ANN
        customers.delete("c-1")
        db.revert("HEAD")
        assert customers["c-1"] == ANN
        customers.insert("c-2", {"email": "b@x"})
        db.revert("HEAD")
        assert customers.get("c-2") is None
        customers.insert("c-3", {"email": "b@x"})

    def test_a_field_that_somebody_has_changed_since_is_not_taken_back(
        self, db: Database, customers: Rows
    ) -> None:
        customers.update("c-1", city="Bern")
        customers.update("c-1", name="Bea")
        db.revert("main~1")
        assert customers["c-1"] == {**ANN, "name": "Bea"}
        customers.update("c-1", city="Chur")
        customers.update("c-1", city="Genf")
        with pytest.raises(RevertError, match="city"):
            db.revert("main~1")

    def test_a_unique_value_that_another_row_has_by_now_is_not_taken_back(
        self, db: Database, customers: Rows
    ) -> None:
        customers.update("c-1", email="new@x.ch")
        customers.insert("c-2", {"email": "ann@x.ch"})
        with pytest.raises(RevertError):
            db.revert("main~1")


class TestManyRows:
    def test_many_rows_are_written_a_batch_at_a_time_and_only_what_differs(self, db: Database) -> None:
        table = db.table("people", key="id")
        people = [{"id": f"p-{n}", "age": n} for n in range(25)]
        written = table.upsert_many((row for row in people), batch=10, author="ann", message="all")
        assert (written.inserted, written.changed, written.same, written.commits) == (25, 0, 0, 3)
        assert [commit.size for commit in db.commits()] == [10, 10, 5]
        assert {(commit.author, commit.message) for commit in db.commits()} == {("ann", "all")}
        people[3] = {"id": "p-3", "age": 30}
        written = table.upsert_many(people, batch=10)
        assert (written.inserted, written.changed, written.same, written.commits) == (0, 1, 24, 1)
        assert table["p-3"] == {"id": "p-3", "age": 30}
        assert [record.event.set for record in table.history("p-3") if record.position > 25] == [{"age": 30}]

    def test_a_key_and_a_row_may_be_a_pair_and_the_later_of_two_counts(self, db: Database) -> None:
        table = db.table("people")
        table.upsert_many([("a", {"n": 1}), (7, {"n": 2}), ("a", {"n": 3})])
        assert (table["a"], table["7"]) == ({"n": 3}, {"n": 2})

    def test_a_sync_deletes_what_is_not_there_and_no_more_than_it_may(self, db: Database) -> None:
        table = db.table("people")
        rows = {f"p-{n}": {"n": n, "tags": {"b": 1, "a": [n]}} for n in range(10)}
        table.sync(rows.items())
        table.update("p-1", n=100)
        del rows["p-0"]
        written = table.sync(rows.items())
        assert (written.inserted, written.changed, written.deleted, written.same) == (0, 1, 1, 8)
        assert (table.get("p-0"), table["p-1"]["n"]) == (None, 1)
        head = db.head()
        for some in (list(rows.items())[1:], []):
            with pytest.raises(Refused, match="of 9 rows are not among those"):
                table.sync(some)
        with pytest.raises(Refused, match="two rows have the key p-1"):
            table.sync([*rows.items(), ("p-1", {})])
        assert db.head() == head
        assert table.sync([], allow_deletes=9).deleted == 9
        assert table.sync([]).deleted == 0

    def test_a_sync_gives_the_unique_value_of_a_row_that_is_gone_to_a_new_one(self, db: Database) -> None:
        table = db.table("members", unique=["email"])
        rows: dict[str, Any] = {f"m-{n}": {"email": f"{n}@example.org"} for n in range(20)}
        table.sync(rows.items())
        rows["m-20"] = rows.pop("m-7")
        written = table.sync(rows.items())
        assert (written.inserted, written.deleted) == (1, 1)
        for commits in reversed(written.ranges):
            db.revert(commits)
        assert ("m-7" in table, "m-20" in table) == (True, False)

    def test_rows_of_one_commit_hand_unique_values_on_and_two_do_not_exchange_theirs(
        self, db: Database
    ) -> None:
        table = db.table("runners", unique=["rank"])
        table.sync((f"r-{n}", {"rank": n, "name": "x"}) for n in range(5))
        written = table.sync((f"r-{n}", {"rank": n + 1, "name": "x"}) for n in range(5))
        assert (written.changed, written.commits) == (5, 1)
        assert [table[f"r-{n}"]["rank"] for n in range(5)] == [1, 2, 3, 4, 5]
        with pytest.raises(DuplicateRow, match="r-1 has this rank already"):
            table.upsert_many([("r-0", {"rank": 2}), ("r-1", {"rank": 1})])
        table.insert("r-5", {"rank": 0})
        with pytest.raises(DuplicateRow):
            table.insert("r-6", {"rank": 5})

    def test_a_sync_compares_with_what_rows_are_after_all_that_happened_to_them(self, db: Database) -> None:
        table = db.table("people")
        table.upsert_many([(f"p-{n}", {"n": n, "own": 1}) for n in range(40)])
        table.patch("p-1", {"n": 5, "x": None}, ["own"])
        table.delete("p-2")
        table.insert("p-2", {"n": 2})
        table.delete("p-3")
        rows = [(f"p-{n}", {"n": n}) for n in (*range(39, 2, -1), 2, 1, 0, 50)]
        head = db.head().position
        written = table.sync(rows, columns=["n"], batch=1)
        assert (written.inserted, written.changed, written.deleted, written.same) == (2, 1, 0, 38)
        keys = [record.stored.tags[0] for record in db.read(after=head)]
        assert keys == ["people:p-3", "people:p-1", "people:p-50"]
        assert (table["p-1"], table["p-4"]) == ({"n": 1, "x": None}, {"n": 4, "own": 1})

    def test_a_sync_into_a_full_temporary_folder_writes_nothing(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def small() -> apsw.Connection:
            database = apsw.Connection("")
            database.execute("PRAGMA max_page_count = 20")
            return database

        table = db.table("people")
        table.insert("p-1", {"n": 1})
        monkeypatch.setattr("backstory.sifting.temporary", small)
        with pytest.raises(OSError, match="no room left; SQLITE_TMPDIR names another one"):
            table.sync((f"p-{n}", {"n": "x" * 3_000}) for n in range(100))
        assert db.head().position == 1

    def test_unique_values_may_be_exchanged_in_one_batch_only_where_each_is_free(self, db: Database) -> None:
        table = db.table("people", unique=["mail"])
        table.upsert_many([("a", {"mail": 1}), ("b", {"mail": 2})])
        table.upsert_many([("a", {"mail": 3}), ("b", {"mail": 1}), ("c", {"mail": 2})])
        head = db.head()
        for rows in ([("d", {"mail": 3})], [("d", {"mail": 4}), ("e", {"mail": 4})]):
            with pytest.raises(DuplicateRow, match="this mail already"):
                table.upsert_many(rows)
        assert db.head() == head

    def test_a_batch_is_merged_like_its_rows(self, db: Database) -> None:
        table = db.table("people")
        table.upsert_many([("a", {"n": 1, "m": 1}), ("b", {"n": 1})])
        theirs = db.branch("theirs").table("people")
        theirs.upsert_many([("a", {"n": 2, "m": 1}), ("b", {"n": 2})])
        table.update("a", m=3)
        db.merge("theirs")
        assert (table["a"], table["b"]) == ({"n": 2, "m": 3}, {"n": 2})
        theirs.upsert_many([("a", {"n": 5, "m": 1}), ("b", {"n": 5})])
        table.update("b", n=7)
        with pytest.raises(MergeConflict):
            db.merge("theirs")

    def test_a_batch_is_reverted_whole(self, db: Database) -> None:
        table = db.table("people")
        table.upsert_many([("a", {"n": 1}), ("b", {"n": 1})])
        table.upsert_many([("a", {"n": 2}), ("c", {"n": 2})])
        db.revert("HEAD")
        assert (table["a"], table.get("c")) == ({"n": 1}, None)

    def test_many_rows_have_no_one_id(self, db: Database) -> None:
        with pytest.raises(TypeError, match="an id is of one"):
            db.table("people").upsert_many([], id="x")
        with pytest.raises(ValueError, match="at least one row"):
            db.table("people").upsert_many([], batch=0)
