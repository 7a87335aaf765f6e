"""Rows of a table are found by their fields, in a table that is kept of them, and by folding."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from backstory import Database, Table
from backstory.errors import DefinitionError, ExpressionError, FoldedWarning
from tests.projections.conftest import Opener

Rows = Table[Any]
INDEX = ["city", ("age", "city"), "concept:name"]


@pytest.fixture
def db(connect: Opener) -> Database:
    return connect()


@pytest.fixture
def people(db: Database) -> Rows:
    table = db.table("people", key="id")
    for n, city in enumerate(["Basel", "Bern", "Basel", None, "Chur"]):
        table.insert({"id": f"p-{n}", "city": city, "age": 20 + n})
    table.insert({"id": "p-5", "age": 90, "concept:name": "x"})
    table.insert({"id": "p-6", "city": "Basel", "age": 1})
    table.delete("p-6")
    return table


@pytest.fixture(params=["indexed", "kept", "folded"], autouse=True)
def kept(request: pytest.FixtureRequest, db: Database, people: Rows) -> Iterator[None]:
    """Rows are found in a table, and without one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        if request.param != "folded":
            db.materialize(people.state, index=INDEX if request.param == "indexed" else ())
        yield
        db.close()


@pytest.mark.parametrize(
    ("where", "order_by", "found"),
    [
        ("city == 'Basel'", (), ["p-0", "p-2"]),
        ("", "-age", ["p-5", "p-4", "p-3", "p-2", "p-1", "p-0"]),
        ("city is None", (), ["p-3", "p-5"]),
        ("age > 21 and city != 'Basel'", ["city", "-age"], ["p-4", "p-5", "p-3"]),
        ("field('concept:name') == 'x' or key == 'p-1'", (), ["p-1", "p-5"]),
        ("city is not None and len(city) > 4", (), ["p-0", "p-2"]),
        ("not (age >= 22) or city == 'Chur'", "-city", ["p-4", "p-1", "p-0"]),
        ("not (city == 'Basel')", "age", ["p-1", "p-3", "p-4", "p-5"]),
        ("age == True or age == 24.0", (), ["p-4"]),
        ("", ["-field('concept:name')", "age"], ["p-5", "p-0", "p-1", "p-2", "p-3", "p-4"]),
    ],
)
def test_rows_are_found_by_their_fields(people: Rows, where: str, order_by: Any, found: list[str]) -> None:
    assert [row["id"] for row in people.find(where, order_by=order_by, timeout=60)] == found


def test_they_come_in_pieces_and_are_counted(people: Rows) -> None:
    page = people.find("age < 90", order_by="-age", limit=2, count=True, timeout=60)
    assert ([row["id"] for row in page], page.total) == (["p-4", "p-3"], 5)
    more = people.find("age < 90", order_by="-age", limit=2, after=page.cursor, timeout=60)
    assert [row["id"] for row in more] == ["p-2", "p-1"]


def test_they_are_found_as_they_were(people: Rows) -> None:
    people.update("p-0", city="Genf")
    assert [row["id"] for row in people.find("city == 'Basel'", at="main~1")] == ["p-0", "p-2"]
    assert [row["id"] for row in people.find("city == 'Basel'", at="main")] == ["p-2"]


def test_a_row_that_is_gone_is_not_found(db: Database, people: Rows) -> None:
    head = db.head().position
    keys = [row.key for row in db.find(people.state, commit=head, timeout=60)]
    assert keys == ["p-0", "p-1", "p-2", "p-3", "p-4", "p-5"]
    assert db.find(people.state, "age > 0", count=True, timeout=60).total == 6


def test_a_wrong_condition_is_told_as_it_was_given(people: Rows) -> None:
    with pytest.raises(ExpressionError) as wrong:
        people.find("city =")
    assert "row is not None" not in str(wrong.value)


def test_bisect_takes_the_same_words(db: Database, people: Rows) -> None:
    people.update("p-0", city="Genf")
    first = db.bisect(people.row("p-0"), "city == 'Genf'").first
    assert first is not None
    assert first.position == db.head().position


@pytest.mark.parametrize("order_by", ["city", "-city"])
def test_values_of_all_types_are_sorted_and_found_alike(db: Database, people: Rows, order_by: str) -> None:
    values = [
        2**70,
        -(2**70),
        0.5,
        -0.5,
        0,
        -0.0,
        True,
        "",
        "a",
        "B",
        "ä",
        "x" * 1_500,
        [1],
        {"a": 1},
        None,
        "[1]",
        "a\0b",
    ]
    for number, value in enumerate(values):
        people.put({"id": f"v-{number:02}", "city": value, "age": 1_000 + number})
    head = db.head().position
    found = people.find("age >= 1000", order_by=order_by, limit=7, count=True, commit=head, timeout=60)
    keys = [row["id"] for row in found]
    assert found.total == len(values)
    while found.cursor is not None:
        found = people.find("age >= 1000", order_by=order_by, limit=7, after=found.cursor, timeout=60)
        keys += [row["id"] for row in found]
    rising = [1, 3, 4, 5, 2, 6, 0, 7, 9, 15, 8, 16, 11, 10, 12, 13]
    falling = [13, 12, 10, 11, 16, 8, 15, 9, 7, 0, 6, 2, 4, 5, 3, 1]
    assert keys == [f"v-{n:02}" for n in [*(rising if order_by == "city" else falling), 14]]
    for value in ("x" * 1_500, "[1]", "a\0b", "ä", 0, 0.5):
        where = f"city == {value!r} and age >= 1000"
        assert [row["age"] - 1000 for row in people.find(where, timeout=60)] == [
            n for n, one in enumerate(values) if one == value and type(one) is not bool
        ]


def test_a_name_that_no_column_can_have_is_refused(db: Database, people: Rows) -> None:
    for name in ("key", "State", 'a"b', "a,b", "x" * 100):
        with pytest.raises(DefinitionError, match="cannot have a column"):
            db.materialize(people.state, index=[(name,)])
    with pytest.raises(DefinitionError, match="cannot have a column 'City'"):
        db.materialize(people.state, index=["city", "City"])
