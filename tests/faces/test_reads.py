"""What a read is given says which events are meant; a type that nothing has is warned of."""

from __future__ import annotations

import warnings

import pytest

from backstory import Condition, Database, Event, Query, Tag
from backstory.errors import UnknownTypeWarning
from backstory.values.event_data import encoded


class Opened(Event, name="reads.opened"):
    door: Tag[str]


def test_a_read_of_no_query_is_of_everything_and_a_read_of_the_empty_query_of_nothing(db: Database) -> None:
    db.append(Opened("front"))
    assert len(list(db.read())) == len(list(db.read(Query.all()))) == 1
    assert list(db.read(Query.none())) == []
    assert len(list(db.read(Query.none(), tags=["door:front"]))) == 1
    assert db.append(Opened("front"), condition=Condition(Query.none())).position == 2


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("reads.openned", r"; did you mean reads\.opened\b"),
        ("stored", "; did you mean .*Stored"),
        ("zzzzzz", "$"),
    ],
)
def test_a_type_that_no_event_and_no_class_has_is_warned_of_with_likely_names(
    db: Database, name: str, hint: str
) -> None:
    db.append(encoded("Stored", b"{}"))
    with pytest.warns(UnknownTypeWarning, match=f"no event of type '{name}' is in the log.*{hint}"):
        assert list(db.read(name)) == []


def test_a_type_that_an_event_or_a_class_has_is_read_without_a_warning(db: Database) -> None:
    db.append(encoded("Stored", b"{}"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(db.read("Stored", "reads.opened"))) == 1
        assert list(db.read(Opened)) == []
        assert list(db.read("Stored", tags=["door:front"])) == []
