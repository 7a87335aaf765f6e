"""Expressions say what Python says of data, and can do nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backstory import Event, State, Tag
from backstory.decide.latest import Latest
from backstory.errors import ExpressionError
from backstory.history.ask.expression import predicate
from backstory.rows.kinds import kind


class Status(Enum):
    OPEN = "open"
    SHUT = "shut"


class Part(msgspec.Struct):
    sku: str = "p"
    count: int = 3
    _secret: int = 1


class Made(Event, name="expression.made"):
    thing: Tag[str]


class Thing(State):
    thing: Tag[str]
    balance: int = -5
    price: float = 1.5
    exact: Decimal = Decimal("2.50")
    name: str = "kettle"
    status: Status = Status.OPEN
    day: date = date(2026, 1, 2)
    time: datetime = datetime(2026, 1, 2, 3, tzinfo=UTC)
    key: UUID = UUID(int=7)
    owner: str | None = None
    part: Part = msgspec.field(default_factory=Part)
    parts: list[Part] = msgspec.field(default_factory=lambda: [Part(), Part("q", 0)])
    by_sku: dict[str, Part] = msgspec.field(default_factory=lambda: {"p": Part()})
    years: dict[int, str] = msgspec.field(default_factory=lambda: {2026: "now"})
    marks: set[str] = msgspec.field(default_factory=lambda: {"a"})
    many: list[int] = msgspec.field(default_factory=lambda: list(range(2_000)))

    def apply(self, event: Made) -> None:
        pass


def holds(text: str) -> bool:
    return predicate(text, Thing)(Thing("t"))


@pytest.mark.parametrize(
    "text",
    [
        "balance < 0 and len(parts) > 1 or status == 'shut'",
        "-10 <= balance < 0",
        "status == 'open' and status != 'shut' and status in ['open', 'x']",
        "day == '2026-01-02' and day < '2026-02-01' and '2026-01-01' < day",
        "time > '2026-01-02T01:00' and time < '2026-01-02T04:00+00:00'",
        "key == '00000000-0000-0000-0000-000000000007'",
        "owner is None and not owner == 'x' and not owner and not owner > 3",
        "part.count == 3 and parts[1].sku == 'q' and parts[-1].count == 0 and parts[7] is None",
        "by_sku.p.count == 3 and by_sku['p'].count == 3 and by_sku['x'] is None and by_sku.x.y is None",
        "years[2026] == 'now' and 2026 in years and 'p' in by_sku and 'a' in marks and 'ttl' in name",
        "any(part.count == 0 for part in parts) and not all(part.count == 0 for part in parts)",
        "sum(part.count for part in parts if part.sku == 'p') == 3 and sum([1, 2]) == 3",
        "'straße' in lower('HauptStraße') and lower('ÉTÉ') == 'été' and lower(None) is None",
        "max(part.count for part in by_sku.values()) == 3 and min(1, 2) == 1 and max([]) is None",
        "abs(balance) == 5 and round(price) == 2 and round(1.25, 1) == 1.2 and exact == 2.5",
        "balance + 10 == 5 and balance * 2 == -10 and 7 // 2 == 3 and 7 % 2 == 1 and 7 / 2 == 3.5 and 3 - 1 == 2",
        "  balance < 0  ",
        "exact + 1 == 3.5 and 'x' not in marks and (1, 2) == [1, 2]",
        "0 == sum(part.count for part in parts if part.count < 0) == len(owner)",
    ],
)
def test_it_says_what_python_says(text: str) -> None:
    assert holds(text) is True


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("balanc < 0", 0, "Thing has no field 'balanc'; did you mean balance?"),
        ("not many or name == null", 20, 'it is written None; a field of this name is field("null")'),
        ("true", 0, "it is written True"),
        ("balance == false", 11, "it is written False"),
        ("zzz < 0", 0, "Thing has no field 'zzz'; it has balance, by_sku,"),
        ("balance < 0 and __import__('os')", 16, "only these can be called"),
        ("part.__class__ == 1", 0, "begins with an underscore"),
        ("part._secret == 1", 0, "begins with an underscore"),
        ("[p for p in parts]", 0, "a list comprehension cannot be used here"),
        ("(lambda: 1)()", 0, "only these can be called"),
        ("balance ** 9", 0, "** cannot be used here; + - * / // % can"),
        ("balance << 9", 0, "<< cannot be used here"),
        ("(balance > 1) & (balance < 9)", 0, "& cannot be used here; and, or can"),
        ("f'{balance}' == ''", 0, "a formatted text cannot be used here"),
        ("name.upper() == ''", 0, "only these can be called"),
        ("name.format(1) == ''", 0, "only these can be called"),
        ("name is 'x'", 0, "only None"),
        ("balance <", 9, "not an expression"),
        ("balance = 1", 8, "not an expression"),
        ("import os", 0, "not an expression"),
        ("", 0, "not an expression"),
        ("b'' == 1", 0, "cannot be used here"),
        ("len(parts, key=1)", 0, "no named arguments"),
        ("any(1 for a in parts for b in parts)", 3, "one `for`"),
        ("any(1 for a in parts if any(1 for a in parts))", 27, "cannot be the name"),
        ("parts[0:1] == 1", 6, "a slice"),
        ("name if 1 else 2", 0, "if ... else"),
        ("(yield 1)", 1, "cannot be used"),
        ("~balance", 0, "~ cannot be used here; - and not can"),
        ("'é' == nme", 7, "no field 'nme'"),
        ("-" * 60 + "1", 41, "nested deeper"),
        ("(" * 1_500 + "1" + ")" * 400, 0, "not an expression"),
        ("1" * 2_001, 0, "at most 2000"),
        ("1" * 1_990 + " > 0", 0, "too large"),
    ],
)
def test_what_is_not_understood_is_named_with_its_place(text: str, column: int, why: str) -> None:
    with pytest.raises(ExpressionError) as wrong:
        predicate(text, Thing)
    assert why in wrong.value.why
    if len(text) < 100:
        assert wrong.value.column == column
        assert str(wrong.value).splitlines()[-1] == "  " + " " * column + "^"


def test_a_constant_of_json_is_no_field_of_rows_and_tags_unless_it_is_said() -> None:
    for cls in (Latest, kind("constants").row):
        with pytest.raises(ExpressionError, match="it is written True"):
            predicate("open == true", cls)
        predicate('field("true") == 1', cls)
    assert holds("any(true > 2 for true in many)")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name * 9 == 1", "a str is not a number"),
        ("name + name == 1", "a str is not a number"),
        ("parts * 9 == 1", "a list is not a number"),
        ("balance / 0 > 1", "division by zero"),
        ("name < 3", "a str and a int have no order: compare text with text"),
        ("part.what == 1", "has no field 'what'; it has"),
        ("name % (1, 2) == 1", "a str is not a number"),
        ("balance in 7", "no elements"),
        ("3 in name", "cannot be in a text"),
        ("len(balance) > 1", "no length"),
        ("round(1.5, 9999999) > 1", "rounded"),
        (" * ".join(["99999999999999999999"] * 20) + " > 0", "too large"),
        ("any(any(sum(many) < 0 for y in many) for x in many)", "too many elements"),
        ("name.x == 1", "has no field 'x'"),
        ("any(1)", "no elements"),
        ("lower(1) == '1'", "has no lower case"),
        ("sum(name) == 1", "no elements"),
        ("sum() == 1", "argument"),
    ],
)
def test_what_makes_no_sense_for_the_data_is_said_when_it_is_met(text: str, why: str) -> None:
    with pytest.raises(ExpressionError) as wrong:
        holds(text)
    assert why in wrong.value.why


PIECES = (
    "balance name parts part.count by_sku many owner exact 1 0 9e99 -1 'a' None True [1] (1,2) + - * / // % < <= == !="
    " in not is and or ( ) [ ] , . len( sum( min( max( any( all( abs( round( for x in parts ) .values() ** __class__"
    " lambda : {} if else := @ ~ >> ... f'{name}' 1j b'' \\ \n # é \0"
)
pieces = st.sampled_from(PIECES.split(" "))


@given(st.lists(pieces, max_size=12).map(" ".join) | st.text(max_size=30))
@settings(max_examples=500)
@example("9e999 // 1 > 0")
@example("round(9e999) > 0")
@example("exact % 0 == 1")
def test_any_text_gives_an_answer_or_an_expression_error(text: str) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert holds(text) in (True, False)
        except ExpressionError as wrong:
            said = str(wrong)
        else:
            said = "an answer"
    assert said


numbers = st.integers(-5, 5)


@given(
    st.recursive(
        numbers.map(str) | st.just("balance"),
        lambda inner: st.tuples(
            inner, st.sampled_from(["+", "-", "*", "<", "<=", "==", "!=", "and", "or"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        max_leaves=8,
    )
)
def test_it_is_what_python_would_evaluate(text: str) -> None:
    expected: Any = eval(text, {"balance": -5})
    assert holds(text) == bool(expected)
