"""SQL answers a condition on a field of a row as Python does, whatever the values and the condition are."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import pytest

from tests.projections.conftest import Opener

LAST = "\U0010ffff"
LONG = "é" * 200
TEXTS = [
    "",
    "a",
    "a\x01",
    "a\0b",
    "ab",
    LAST,
    LAST + "\0",
    LAST + "\x01{}",
    LAST + "z",
    LONG,
    LONG + "x",
    LONG + "y",
]
NUMBERS = [0, True, -0.0, 1.5, 2**53 - 1, 2**53, 2**53 + 1, float(2**53), 2**64, 1e300, -(2**60)]
OPERATORS = ["==", "!=", "<", "<=", ">", ">="]


@pytest.mark.parametrize("values", [TEXTS, NUMBERS], ids=["texts", "numbers"])
def test_a_table_finds_what_folding_finds(connect: Opener, values: list[Any]) -> None:
    db = connect()
    notes = db.table("hostile_notes")
    notes.upsert_many((f"n-{at}", {"x": value}) for at, value in enumerate([*values, None]))
    db.materialize(notes.state, index=["x"])
    head = db.head().position
    with warnings.catch_warnings(action="ignore"):
        every = {row.key: row["x"] for row in notes.find(at="HEAD")}
        for operator, constant in product(OPERATORS, values):
            where = f"x {operator} {constant!r}"
            meant = [
                key
                for key, value in every.items()
                if (eval(where, {"x": value}) if value is not None else operator == "!=")
            ]
            assert [row.key for row in notes.find(where, commit=head)] == sorted(meant), where
            inverted = sorted(set(every) - set(meant))
            assert [row.key for row in notes.find(f"not ({where})")] == inverted, where


def test_pages_go_on_behind_texts_that_sort_like_lists(connect: Opener) -> None:
    db = connect()
    notes = db.table("hostile_pages")
    values: list[Any] = [*TEXTS[:9], [1], {"a": 1}, [], None, 7]
    notes.upsert_many((f"n-{at:02}", {"x": value}) for at, value in enumerate(values))
    db.materialize(notes.state, index=["x"])
    whole = [row.key for row in notes.find(order_by="x", commit=db.head().position)]
    found: list[str] = []
    cursor = None
    while len(found) < len(values):
        page = notes.find(order_by="x", limit=2, after=cursor)
        found += [row.key for row in page]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == whole
    assert whole[-1] == "n-12"
    assert [notes[key]["x"] for key in whole[-4:-1]] == [[1], [], {"a": 1}]
