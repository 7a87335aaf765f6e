"""Rows of a table are found by their fields, in a table that is kept of them, and by folding."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from backstory import Database, Table
from backstory.errors import ExpressionError, FoldedWarning
from tests.projections.conftest import Opener

Rows = Table[Any]


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


@pytest.fixture(params=["kept", "folded"], autouse=True)
def kept(request: pytest.FixtureRequest, db: Database, people: Rows) -> Iterator[None]:
    """Rows are found in a table, and without one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        if request.param == "kept":
            db.materialize(people.state)
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


def test_a_wrong_condition_is_told_as_it_was_given(people: Rows) -> None:
    with pytest.raises(ExpressionError) as wrong:
        people.find("city =")
    assert "row is not None" not in str(wrong.value)


def test_bisect_takes_the_same_words(db: Database, people: Rows) -> None:
    people.update("p-0", city="Genf")
    first = db.bisect(people.row("p-0"), "city == 'Genf'").first
    assert first is not None
    assert first.position == db.head().position
