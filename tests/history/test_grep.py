"""Grep finds commits by what they say, and events by what is in them, however it was written."""

from __future__ import annotations

import re

import pytest

from backstory.history.ask.grep import grep_events, grep_messages
from backstory.history.ask.search import MISSING, look, wanted
from backstory.values.event_data import EventData
from backstory.values.query import Query
from tests.history.shop import Added, Cart, extend, filled, log_of


def test_messages_and_data_are_searched() -> None:
    log = log_of([Added("a", "kettle", 1)], [Added("b", "pot", 2), Added("b", "kettle", 3)])
    extend(log, [EventData("Noted", 1, (), b'{ "text" : "caf\\u00e9" }')])
    assert [commit.position for commit in grep_messages(log, "number [1]")] == [3]
    assert [commit.position for commit in grep_messages(log, "^number", backwards=True)] == [4, 3, 1]
    assert [event.position for event in grep_events(log, "kettle")] == [1, 3]
    assert [event.position for event in grep_events(log, "kettle", Query.of(tags=["cart:b"]))] == [3]
    assert [event.position for event in grep_events(log, re.compile('"text":"CAFÉ"', re.IGNORECASE))] == [4]


@pytest.mark.parametrize(
    ("text", "value", "is_meant"),
    [
        ("5", 5, True),
        ("5", 5.0, True),
        ("5", "5", True),
        ("05", "05", True),
        ("1", True, False),
        ("true", True, True),
        ("null", None, True),
        ("open", "open", True),
        ('"open"', "open", True),
        ("[1]", [1], True),
        ("x", MISSING, False),
        ("null", MISSING, False),
    ],
)
def test_a_value_is_meant_by_its_json_or_by_its_text(text: str, value: object, is_meant: bool) -> None:
    assert wanted(text)(value) is is_meant


def test_paths_lead_into_everything() -> None:
    log = log_of([Added("a", "x", 2)])
    cart = filled(log, Cart("a"))
    assert look(cart, ("by_sku", "x", "count")) == 2
    assert look(cart, ("lines", "0", "sku")) == "x"
    assert look(cart, ("numbers", "2", "0")) == 2
    assert look(cart, ("skus", "0")) == "x"
    assert look(cart, ("total", "pieces")) == [2]
    for path in (("no",), ("lines", "7"), ("lines", "x"), ("status", "x"), ("numbers", "9")):
        assert look(cart, path) is MISSING
