"""Events and tags that come from outside."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory.errors import InvalidEvent, InvalidTag
from backstory.values.event_data import DEPTH, check_tag, encoded


@pytest.mark.parametrize(
    "tag", ["a:b", "a: ", "a:b:c", "a::", "é:日本", "a b:c d", "a:\t\n", 'a:"', "a:,", "a:\uffff"]
)
def test_any_key_and_value_make_a_tag(tag: str) -> None:
    assert check_tag(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "a", ":", "a:", ":b", "a:\0", "a:\ud800", ",a:b", '"a:b', '"\n:b', 7, None, b"a:b"]
)
def test_what_is_no_tag_is_refused(tag: Any) -> None:
    with pytest.raises(InvalidTag):
        check_tag(tag)


def test_a_tag_without_a_value_says_that_it_is_empty() -> None:
    with pytest.raises(InvalidTag, match="the value of the tag 'customer:' is empty"):
        check_tag("customer:")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b'"x"',
        b"{} x",
        b"{",
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":01}',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'{"a":[{"b":"\xc3"}]}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00 "}',
        b'{"a":"\\q"}',
        b'{"a":"\x01"}',
        b'{"a":"\x00"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
    ],
    ids=lambda data: repr(data[:20]),
)
def test_data_that_is_not_a_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidEvent, match="A: the data is not a JSON object"):
        encoded("A", data)


def nested(depth: int) -> bytes:
    """A JSON object in which so many objects and arrays lie one in the other."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize("depth", [DEPTH + 1, 100_000])
def test_data_that_is_nested_too_deeply_to_be_read_again_is_refused(depth: int) -> None:
    with pytest.raises(InvalidEvent, match=f"A: the data is nested deeper than {DEPTH}"):
        encoded("A", nested(depth))


@pytest.mark.parametrize("data", [nested(DEPTH), b'{"a":["' + b"[{" * DEPTH + b'"' + b",[]" * DEPTH + b"]}"])
def test_data_may_have_many_brackets_side_by_side_and_in_texts(data: bytes) -> None:
    assert encoded("A", data).data == data


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b' { "a" : 1 } ',
        b'{"a":123456789012345678901234567890}',
        b'{"a":"\\u0000"}',
        '{"é":"𝄞"}'.encode(),
    ],
)
def test_data_is_kept_as_it_is(data: bytes) -> None:
    assert encoded("A", data).data == data


@pytest.mark.parametrize(
    ("type", "version"), [("", 1), ("a\0", 1), ("\ud800", 1), ("A", 0), ("A", -1), ("A", 2**63)]
)
def test_a_type_or_version_that_no_log_may_hold_is_refused(type: str, version: int) -> None:
    with pytest.raises(InvalidEvent):
        encoded(type, b"{}", version=version)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)))
def test_tags_are_sorted_by_code_point_and_each_once(values: list[str]) -> None:
    tags = encoded("A", b"{}", tuple(f"k:{value}" for value in values)).tags
    assert list(tags) == sorted({f"k:{value}" for value in values})
    assert [tag.encode() for tag in tags] == sorted(tag.encode() for tag in tags)
