"""Values of the library can be copied and pickled, and are equal to their copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from backstory import Database, connect
from tests.state.bank import Account, Deposited, deposit, withdraw


def values(db: Database) -> dict[str, Any]:
    """One of each kind, from a small history."""
    commit = db.execute(deposit(Account("a-7"), cents=500), author="ann")
    return {
        "event": Deposited("a-7", 5),
        "state": db.load(Account("a-7")),
        "command": withdraw(Account("a-7"), cents=5),
        "a kind of commands": withdraw,
        "commit": commit,
        "record": next(iter(db.read())),
        "stored event": next(iter(db.read())).stored,
        "point": db.point("HEAD"),
        "query": Account("a-7").query(),
        "blamed part": db.blame(Account("a-7"))["balance"],
        "difference": db.diff(0, 1, Account("a-7")),
        "preview": db.preview(withdraw(Account("a-7"), cents=5)),
    }


WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda value: pickle.loads(pickle.dumps(value)),
]


@pytest.mark.parametrize("way", WAYS, ids=["copy", "deepcopy", "pickle"])
def test_a_copy_is_equal(way: Callable[[Any], Any]) -> None:
    with connect() as db:
        for kind, value in values(db).items():
            assert way(value) == value, kind


@pytest.mark.parametrize("way", WAYS[1:], ids=["deepcopy", "pickle"])
def test_the_copy_of_a_record_or_a_blamed_part_has_its_commit_when_the_store_is_closed(
    way: Callable[[Any], Any],
) -> None:
    with connect() as db:
        record, part = values(db)["record"], values(db)["blamed part"]
        records = way(record), way(part)
    assert [copied.commit.author for copied in records] == ["ann", "ann"]
    assert records[0].time == record.commit.time


def test_records_and_blamed_parts_of_other_values_are_not_equal() -> None:
    with connect() as db:
        commits = [db.execute(deposit(Account(name), cents=5)) for name in ("a-7", "b-1", "a-7")]
        assert len(commits) == len(set(db.read())) == 3
        one, other = (db.blame(Account("a-7"), at=at)["balance"] for at in (1, 3))
        assert one != other
        assert one == db.blame(Account("a-7"), at=2)["balance"]
        assert hash(one) == hash(db.blame(Account("a-7"), at=2)["balance"])
