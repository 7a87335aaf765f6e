"""Commits, hashes and drafts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backstory.errors import InvalidEvent
from backstory.values.commit import (
    EARLIEST,
    EPOCH,
    LATEST,
    MICROSECOND,
    ORIGIN,
    Draft,
    Head,
    chained,
    content_hash,
    draft,
    drafted,
    from_micros,
    micros,
)
from backstory.values.event_data import EventData, encoded
from backstory.values.hashes import leaf_hash, merkle_root
from backstory.values.query import Condition, Query

START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = bytes(range(16))
DIGEST = sha256(b"what is said").digest()
EVENT = encoded("A", b'{"n":1}', ("x:1", "y:2"))


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = max(2**power for power in range(10) if 2**power < len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def said(**parts: Any) -> Draft:
    """A draft, with some of its parts replaced."""
    given_parts: dict[str, Any] = {
        "id": "a",
        "time": START,
        "author": "ann",
        "message": "why",
        "secret": SECRET,
        **parts,
    }
    return draft(given_parts.pop("events", [EVENT]), **given_parts)


@pytest.mark.parametrize("size", range(71))
def test_the_root_is_that_of_rfc_6962(size: int) -> None:
    leaves = [sha256(bytes([number])).digest() for number in range(size)]
    assert merkle_root(leaves) == naive_root(leaves)


def test_roots_of_different_lists_differ() -> None:
    leaves = [sha256(bytes([number])).digest() for number in range(9)]
    lists = [leaves[:size] for size in range(10)]
    lists += [
        [*leaves[:3], leaves[2]],
        leaves[1:4],
        [leaves[1], leaves[0]],
        [merkle_root(leaves[:2]), leaves[2]],
    ]
    assert (
        len({merkle_root(own) for own in lists}) == len(lists) - 1
    )  # an inner node may pass for a leaf's hash ...
    assert merkle_root([merkle_root(leaves[:2]), leaves[2]]) == merkle_root(
        leaves[:3]
    )  # ... but nothing hashes to it


@pytest.mark.parametrize(
    "other",
    [
        encoded("B", EVENT.data, EVENT.tags),
        encoded("A", EVENT.data, ("x:1",)),
        encoded("A", EVENT.data, ("x:1y:2",)),
        encoded("A", EVENT.data, ("x:1", "y:2", "z:3")),
        encoded("A", EVENT.data, EVENT.tags, 2),
        encoded("Ax:1", EVENT.data, ("y:2",)),
    ],
)
def test_a_leaf_covers_every_part_of_an_event(other: EventData) -> None:
    assert leaf_hash(other, DIGEST) != leaf_hash(EVENT, DIGEST)


def test_a_leaf_covers_the_digest_of_the_data_alone() -> None:
    assert leaf_hash(replace(EVENT, data=b""), DIGEST) == leaf_hash(EVENT, DIGEST)
    assert leaf_hash(EVENT, bytes(32)) != leaf_hash(EVENT, DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"time": START + timedelta(microseconds=1)},
        {"author": "amy"},
        {"author": "annwhy", "message": ""},
        {"message": "Why"},
        {"command": {}},
        {"command": {"a": 1}},
        {"metadata": {"a": 1}},
        {"secret": bytes(16)},
        {"condition": Condition(Query.none())},
        {"condition": Condition(Query.all())},
        {"condition": Condition(Query.of(["A"]))},
        {"events": [EVENT, EVENT]},
        {"events": [encoded("A", b"{}")]},
    ],
    ids=str,
)
def test_the_content_hash_covers_every_part_of_what_a_commit_says(change: dict[str, Any]) -> None:
    assert chained(said(**change), ORIGIN).content != chained(said(), ORIGIN).content


def test_the_content_hash_does_not_say_where_a_commit_stands() -> None:
    condition = Condition(Query.all(), 3)
    here = chained(said(condition=condition), Head(7, bytes(32), START))
    there = chained(said(condition=Condition(Query.all(), 9)), Head(40, bytes([1] * 32), START))
    assert here.content == there.content
    assert here.hash != there.hash


def test_the_commit_hash_covers_the_parent_and_the_position_that_was_decided_on() -> None:
    hashes = {
        chained(said(condition=condition), Head(9, parent, START)).hash
        for condition in (
            None,
            Condition(Query.all(), 0),
            Condition(Query.all(), 1),
            Condition(Query.all(), 256),
        )
        for parent in (bytes(32), bytes([1] * 32))
    }
    assert len(hashes) == 8


def test_positions_and_times_follow_from_the_parent() -> None:
    commit = chained(said(events=[EVENT] * 3), Head(7, bytes(32), START + timedelta(hours=1)))
    assert (commit.first, commit.position, commit.size) == (8, 10, 3)
    assert (commit.authored, commit.time) == (START, START + timedelta(hours=1))


def test_a_commit_can_be_drafted_again() -> None:
    made = said(condition=Condition(Query.of(["A"]), 2), command={"n": 1}, metadata={"b": 1, "a": 2})
    commit = chained(made, Head(5, bytes(32), START))
    assert drafted(commit, made.events) == made
    assert content_hash(commit, made.events) == content_hash(made, made.events) == commit.content


def test_json_of_a_commit_keeps_the_order_of_keys_and_sorts_sets() -> None:
    assert said(metadata={"b": 1, "a": {"d": 1, "c": 2}}).metadata_json == b'{"b":1,"a":{"d":1,"c":2}}'
    assert said(metadata={"n": ({9, 10, 8},)}).metadata_json == b'{"n":[[10,8,9]]}'


def test_times_of_other_zones_are_the_same_times() -> None:
    abroad = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert said(time=abroad) == said(time=START)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_come_back_from_microseconds(time: datetime) -> None:
    assert from_micros(micros(time)) == time
    assert micros(EPOCH) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": []}, "at least one event"),
        ({"id": ""}, "1 to 200 characters"),
        ({"id": "x" * 201}, "1 to 200 characters"),
        ({"id": 7}, "1 to 200 characters"),
        ({"id": "a\0b"}, "NUL"),
        ({"id": "\ud800"}, "surrogate"),
        ({"author": "\ud800"}, "surrogate"),
        ({"message": "a\0"}, "NUL"),
        ({"time": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 - that is the point
        ({"time": EARLIEST - MICROSECOND}, "lies between 0001-01-02 and 9999-12-30 in UTC"),
        (
            {"time": (LATEST + MICROSECOND).astimezone(timezone(-timedelta(hours=12)))},
            "lies between 0001-01-02",
        ),
        ({"condition": Condition(Query.all(), -1)}, "counts from 0"),
        ({"command": {"a": object()}}, "command cannot be written as JSON"),
        ({"metadata": {"a": {1, object()}}}, "metadata cannot be written as JSON"),
        ({"metadata": {"a": "\ud800"}}, "metadata cannot be written as JSON"),
    ],
)
def test_a_draft_that_no_log_may_hold_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEvent, match=message):
        said(**change)


def test_a_number_that_json_does_not_have_is_refused_in_metadata() -> None:
    for number in (float("nan"), float("inf")):
        with pytest.raises(InvalidEvent, match="metadata"):
            said(metadata={"deep": [{"n": number}]})
        with pytest.raises(InvalidEvent, match="command"):
            said(command={"n": number})


def test_a_commit_shows_its_command_and_metadata_as_plain_data() -> None:
    commit = chained(said(command={"name": "pay"}, metadata={"ip": "::1"}), ORIGIN)
    assert (commit.command, commit.metadata) == ({"name": "pay"}, {"ip": "::1"})
    assert chained(said(), ORIGIN).command is None
    assert replace(commit, metadata_json=b"{}").metadata == {}
