"""Every field can be named in an expression and in a path, and a name that nothing has is an error with likely ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import Database, Latest, connect
from backstory.errors import ExpressionError
from backstory.history.ask.bisect import first, first_of_all
from backstory.history.ask.expression import predicate, spelled
from backstory.history.ask.search import commits_with, commits_with_any
from backstory.history.compare.pointer import assigned, parse, quoted
from backstory.values.event_data import encoded
from tests.state.bank import Account

NAMES = st.text(min_size=1, max_size=6, alphabet='ab.:=/"\\ ~é\n') | st.text(min_size=1)
ODD = ["concept:name", "price.eur", "x=y", "a/b", 'say "a"', "class", "two words", "~0", "\\", '"']


def row(name: str, value: Any) -> Database:
    """A store with two events of one item: another field, and then the one of this name."""
    db = connect()
    for number, data in enumerate(({"other": 1}, {name: value})):
        db.append(encoded("Row", msgspec.json.encode(data), ("item:1",)), id=f"row-{number}")
    return db


@pytest.mark.parametrize("name", ODD)
def test_every_field_can_be_named_in_an_expression_and_in_a_search(name: str) -> None:
    with row(name, "B") as db:
        asked = predicate(f'{spelled(name)} == "B"', Latest)
        found = first(db.log, Latest("item:1"), asked).first
        assert found is not None
        assert found.position == 2
        path = quoted(name)
        assert assigned(f"{path}=B=C") == (path, "B=C")
        assert [hit.commit for hit in commits_with(db.log, Latest("item:1"), path, "B")] == [2]
        assert [hit.commit for hit in commits_with_any(db.log, Latest, path, "B")] == [2]
        assert db.blame(Latest("item:1"))[path].position == 2


@given(st.lists(NAMES, min_size=1, max_size=4), st.text())
def test_a_path_of_any_names_is_read_as_it_was_written(names: list[str], value: str) -> None:
    path = ".".join(map(quoted, names))
    assert parse(path) == tuple(names)
    assert assigned(f"{path}={value}") == (path, value)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ()),
        ("a.0.b", ("a", "0", "b")),
        ("a..b", ("a", "", "b")),
        ('"a.b".c', ("a.b", "c")),
        ('a."b', ("a", '"b')),
        ('"a"b', ('"a"b',)),
        ('5"', ('5"',)),
        (r'"\x"', (r'"\x"',)),
        ("/a.b/c~1d", ("a.b", "c/d")),
    ],
)
def test_a_path_may_be_written_in_other_ways(text: str, steps: tuple[str, ...]) -> None:
    assert parse(text) == steps


@pytest.mark.parametrize("text", ["cents", "", "=5"])
def test_a_search_without_a_value_or_a_path_is_none(text: str) -> None:
    assert assigned(text) is None


SEARCHES: list[Callable[[Database, str], Any]] = [
    lambda db, name: first(db.log, Latest("item:1"), predicate(f"{spelled(name)} == 1", Latest)),
    lambda db, name: first_of_all(db.log, Latest, predicate(f"{spelled(name)} == 1", Latest)),
    lambda db, name: list(commits_with(db.log, Latest("item:1"), quoted(name), "1")),
    lambda db, name: list(commits_with_any(db.log, Latest, quoted(name), "1")),
]


@pytest.mark.parametrize("search", SEARCHES)
def test_a_field_that_no_event_has_is_an_error_that_names_likely_ones(
    search: Callable[[Database, str], Any],
) -> None:
    with row("resource:country", "SE") as db:
        with pytest.raises(
            ExpressionError, match=r"did you mean (field\(\"resource:country\"\)|resource:country)\?"
        ):
            search(db, "resource_country")
        with pytest.raises(ExpressionError, match=r"no event has had a field 'zzz'; they have had other"):
            search(db, "zzz")
        search(db, "resource:country")


def test_a_log_without_events_says_nothing_about_names() -> None:
    with connect() as db:
        for search in SEARCHES:
            assert not getattr(search(db, "zzz"), "turns", ())


def test_a_field_that_a_class_does_not_have_is_an_error_before_anything_is_read() -> None:
    with connect() as db:
        for found in (
            commits_with(db.log, Account("a-7"), "balnce", "1"),
            commits_with_any(db.log, Account, "balnce", "1"),
        ):
            with pytest.raises(ExpressionError, match="Account has no field 'balnce'; did you mean balance"):
                next(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "B"', "equal is written =="),
        ('concept:name == "B"', 'a name that is no word of Python is written field("concept:name")'),
        (
            '"concept:name" == "B"',
            'two texts are compared, and no field; a field is written field("concept:name")',
        ),
        ("field(name) == 1", 'field takes the name of a field as a text: field("concept:name")'),
        ("field() == 1", "field takes the name of a field as a text"),
        ("field(1) == 1", "field takes the name of a field as a text"),
        ('field("a", "b") == 1', "field takes the name of a field as a text"),
    ],
)
def test_words_that_cannot_name_a_field_are_told_how_to(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        predicate(text, Latest)
    assert said in str(caught.value)


def test_a_field_of_a_class_may_be_named_as_a_text_too() -> None:
    assert predicate('field("balance") == 5', Account)(Account("a-7", balance=5))
    with pytest.raises(ExpressionError, match="Account has no field 'balnce'; did you mean balance"):
        predicate('field("balnce") == 5', Account)
