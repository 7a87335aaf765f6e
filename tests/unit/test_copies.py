"""Commands, records and results can be copied and pickled, and equal their copies; none of them needs a store then."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from backstory import Latest, Personal, State, Tag, connect
from backstory import errors as error_classes
from backstory.errors import BackstoryError, Conflict, RevertError
from backstory.values.query import Condition, Query
from tests.state.bank import Account, Book, Deposited, deposit, transfer, withdraw

WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


class Owner(State):
    """Has a marked field."""

    account: Tag[str]
    name: Personal[str] = ""

    def apply(self, event: Deposited) -> None:
        self.name = f"owner of {event.account}"


THINGS: dict[str, Callable[[Any], Any]] = {
    "an event": lambda db: Deposited("a", 1),
    "a state": lambda db: db.load(Account("a")),
    "a state with lists": lambda db: db.load(Book("a")),
    "the latest values": lambda db: db.load(Latest("account:a")),
    "a command": lambda db: withdraw(Account("a"), 5),
    "a command of two states": lambda db: transfer(Account("a"), Account("b"), 5),
    "a kind of command": lambda db: withdraw,
    "a commit": lambda db: next(iter(db.commits())),
    "a record": lambda db: next(iter(db.read())),
    "a stored event": lambda db: next(iter(db.read())).stored,
    "a point": lambda db: db.point("HEAD"),
    "a head": lambda db: db.head(),
    "a preview": lambda db: db.preview(withdraw(Account("a"), 5)),
    "a difference": lambda db: db.diff(0, 1, Account("a")),
    "a difference with marks": lambda db: db.diff(0, 1, Owner("a")),
    "a change with marks": lambda db: db.diff(0, 1, Owner("a")).changes[0],
    "blame": lambda db: db.blame(Account("a")),
    "a part of blame": lambda db: db.blame(Account("a"))["balance"],
    "a part that no event gave": lambda db: db.blame(Account("a"), at=0)["balance"],
    "blame with marks": lambda db: db.blame(Owner("a"))["name"],
    "the result of bisect": lambda db: db.bisect(Account("a"), "balance > 0"),
    "a mark": lambda db: db.mark("here"),
    "a report of a merge": lambda db: (db.branch("other"), db.merge("other"))[1],
    "a query": lambda db: Query.of(["a"], ["b:c"]),
    "a condition": lambda db: Condition(Query.all(), 3),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("thing", THINGS)
def test_a_copy_equals_the_original_and_says_the_same(thing: str, way: str) -> None:
    db = connect()
    db.execute(deposit(Account("a"), 5), author="ann")
    one = THINGS[thing](db)
    other = WAYS[way](one)
    assert other == one
    assert repr(other) == repr(one)
    assert type(other) is type(one)


@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_a_copy_has_its_commit_with_it(way: str) -> None:
    db = connect()
    db.execute(deposit(Account("a"), 5), author="ann")
    record, part = next(iter(db.read())), db.blame(Account("a"))
    copies = WAYS[way]((record, part, part["balance"]))
    db.close()
    assert copies[0].author == "ann"
    assert copies[1]["balance"].commit.author == copies[2].commit.author == "ann"


def test_a_command_that_was_pickled_is_executed_as_the_original_would_be() -> None:
    db = connect()
    db.execute(pickle.loads(pickle.dumps(deposit(Account("a"), 5))))
    assert db.load(Account("a")).balance == 5


def test_a_copy_of_a_command_shares_no_argument_with_it() -> None:
    one = deposit(Account("a"), 5)
    other = copy.deepcopy(one)
    other.arguments["account"].balance = 7
    assert one.arguments["account"].balance == 0
    assert other.states["account"] is other.arguments["account"]


def test_records_and_blamed_parts_of_other_values_are_not_equal() -> None:
    with connect() as db:
        commits = [db.execute(deposit(Account(name), cents=5)) for name in ("a-7", "b-1", "a-7")]
        assert len(commits) == len(set(db.read())) == 3
        one, other = (db.blame(Account("a-7"), at=at)["balance"] for at in (1, 3))
        assert one != other
        assert one == db.blame(Account("a-7"), at=2)["balance"]
        assert hash(one) == hash(db.blame(Account("a-7"), at=2)["balance"])


def test_each_error_comes_back_from_a_pickle_as_it_was() -> None:
    made: list[BackstoryError] = [
        Conflict(0, Condition(Query.all(), 1), []),
        RevertError("why"),
        error_classes.Refused("no", code="c", balance=3),
        error_classes.IdReused("id", "is used"),
        error_classes.AheadOfLog(3, 2),
        error_classes.UnknownRevision("x", "why").hinted("a hint"),
        error_classes.AmbiguousRevision("x", []),
        error_classes.HeadMoved(3),
        error_classes.RefMoved("r", "v"),
        error_classes.BranchMoved("b", "r", None),
        error_classes.HistoryMoved(3, "why", "3-0f3a9c1b", 2),
        error_classes.NotThere("log 3"),
        error_classes.StillNeeded(3, "main"),
        error_classes.SourceError("file", 3, "why"),
    ]
    for error in made:
        for way in WAYS.values():
            other = way(error)
            assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))
