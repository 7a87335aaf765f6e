"""Rows of which data were withheld are told apart from all others, which stay readable."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from backstory import Database, RowChanged, RowInserted, Table
from backstory.errors import DuplicateRow, FoldedWarning, RevertError, UnreadableEvent, WithheldWarning
from backstory.history.forget.withholding import withhold
from backstory.values.commit import Commit
from backstory.values.event import Unknown
from tests.projections.conftest import Opener

Guests = Table[Any]
Withheld = Callable[..., Guests]

ANN = {"name": "Ann", "city": "Basel", "mail": "ann@x.ch"}
BOB = {"name": "Bob", "city": "Bern", "mail": "bob@x.ch"}


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """The stores that somebody can open anew: in the memory of those who had it open a row stays as it was."""
    return str(request.param)


def guests_of(db: Database) -> Guests:
    return db.table("guests", unique=["mail"])


@pytest.fixture
def written(connect: Opener) -> dict[str, Commit | None]:
    """The commits of two rows, of which one was changed twice."""
    guests = guests_of(connect())
    return {
        "insert": guests.insert("g-1", ANN),
        "other": guests.insert("g-2", BOB),
        "change": guests.update("g-1", city="Zug", mail="ann@y.ch"),
        "last": guests.update("g-1", name="Anna"),
    }


@pytest.fixture
def without(connect: Opener, written: dict[str, Commit | None]) -> Withheld:
    """Withholds the data of some of these commits, and gives the table to somebody who had not read it before."""

    def withheld(*names: str) -> Guests:
        for name in names:
            commit = written[name]
            assert commit is not None
            withhold(connect().branches, commit, ["data", "command"])
        return guests_of(connect())

    return withheld


def test_other_rows_are_found_and_the_withheld_one_is_named(without: Withheld) -> None:
    guests = without("change")
    with (
        pytest.warns(FoldedWarning),
        pytest.warns(WithheldWarning, match="leaves out rows of guests, .* withheld: g-1"),
    ):
        found = guests.find(count=True)
    assert ([row.key for row in found], found.total, found.withheld) == (["g-2"], 1, ["g-1"])


@pytest.mark.parametrize("index", [(), ("city",)])
def test_a_table_of_the_rows_tells_the_same_and_is_not_stopped(without: Withheld, index: Any) -> None:
    guests = without("change")
    guests._db.materialize(guests.state, index=index)
    with warnings.catch_warnings(action="ignore", category=WithheldWarning):
        found = guests.find(order_by="city", count=True, commit=guests._db.head().position)
    assert ([row.key for row in found], found.total, found.withheld) == (["g-2"], 1, ["g-1"])


def test_a_row_is_read_up_to_the_withheld_event_and_not_from_there_on(without: Withheld) -> None:
    guests = without("change")
    assert guests.get("g-1", at="main~2") == ANN
    assert guests.get("g-2") == BOB
    assert "g-1" in guests
    words = (
        "guests: the data of an event of g-1 are withheld, .*known by later events: name.* --tag guests:g-1"
    )
    for ask in (lambda: guests.get("g-1"), lambda: guests.update("g-1", name="A")):
        with pytest.raises(UnreadableEvent, match=words):
            ask()
    with pytest.raises(UnreadableEvent), guests.edit("g-1"):
        pass


def test_history_has_the_withheld_event_as_an_unknown_one(without: Withheld) -> None:
    first, second, third = (record.event for record in without("change").history("g-1"))
    assert isinstance(first, RowInserted)
    assert isinstance(third, RowChanged)
    assert isinstance(second, Unknown)
    assert (second.data, second.why) == (None, "its data is withheld")


def test_blame_and_diff_say_since_when_the_row_is_not_known(without: Withheld) -> None:
    guests = without("change")
    db, row = guests._db, guests.row("g-1")
    assert {".".join(map(str, each.path)): each.position for each in db.blame(row).leaves} == {
        "key": 0,
        "withheld": 3,
        "row.name": 4,
    }
    assert "/withheld" in [each.pointer for each in db.diff("main~2", "main", row).changes]
    assert "withheld" not in [each.path[0] for each in db.blame(guests.row("g-2"))]
    assert repr(db.load(guests.row("g-2"))) == f"guests(key='g-2', row={BOB!r})"


def test_a_row_whose_deletion_alone_is_withheld_is_gone(without: Withheld, connect: Opener) -> None:
    deleted = guests_of(connect()).delete("g-1")
    without("insert", "change", "last")
    withhold(connect().branches, deleted, ["data", "command"])
    guests = guests_of(connect())
    assert guests.get("g-1") is None
    with warnings.catch_warnings(action="ignore", category=FoldedWarning):
        assert [row.key for row in guests.find()] == ["g-2"]
    assert guests.sync([("g-2", BOB)]).same == 1
    guests.insert("g-1", ANN)
    assert guests["g-1"] == ANN


@pytest.mark.parametrize("name", ["insert", "change"])
def test_a_withheld_row_is_known_again_once_it_was_written_whole(without: Withheld, name: str) -> None:
    guests = without(name)
    guests["g-1"] = ANN
    assert guests["g-1"] == ANN
    with warnings.catch_warnings(action="ignore", category=FoldedWarning):
        assert guests.find().withheld == []


def test_a_sync_writes_a_withheld_row_whole_once(without: Withheld) -> None:
    guests = without("change")
    rows = [("g-1", ANN), ("g-2", BOB)]
    written = guests.sync(rows)
    assert (written.inserted, written.changed, written.deleted, written.same) == (1, 0, 0, 1)
    assert guests.sync(rows).same == 2
    assert guests["g-1"] == ANN


def test_a_sync_of_some_columns_gives_a_withheld_row_these_alone(without: Withheld) -> None:
    guests = without("change")
    rows = [("g-1", {"city": "Uri"}), ("g-2", {"city": "Bern"})]
    assert guests.sync(rows, columns=["city"]).changed == 1
    assert guests._db.load(guests.row("g-1")).row == {"city": "Uri", "name": "Anna"}
    assert guests.sync(rows, columns=["city"]).same == 2


def test_a_sync_deletes_a_withheld_row_that_is_not_given(without: Withheld) -> None:
    guests = without("insert", "last")
    assert guests.sync([("g-2", BOB)], allow_deletes=1).deleted == 1
    assert guests.get("g-1") is None


def test_unique_values_of_a_withheld_change_stay_those_of_its_row(without: Withheld) -> None:
    guests = without("change")
    with pytest.raises(DuplicateRow):
        guests.insert("g-3", {"mail": "ann@y.ch"})
    guests.insert("g-4", {"mail": "ann@x.ch"})


def test_nothing_is_reverted_to_a_value_that_nobody_knows(without: Withheld) -> None:
    db = without("change")._db
    with pytest.raises(RevertError, match="what name of g-1 was before is withheld"):
        db.revert("main")
    with pytest.raises(RevertError, match=r"#3 guests.RowChanged cannot be undone: its data is withheld"):
        db.revert("main~1")
