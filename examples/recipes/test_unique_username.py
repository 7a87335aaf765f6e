"""Unique usernames."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backstory.testing import committed, every_order, given
from examples.recipes.unique_username import (
    RETENTION,
    AccountClosed,
    AccountRegistered,
    Username,
    UsernameChanged,
    change_username,
    close_account,
    register,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ANN, ANNA = Username("ann"), Username("anna")


def test_a_free_username_can_be_had() -> None:
    given().when(register(ANN, "a-1", NOON)).then(AccountRegistered("a-1", "ann"))


def test_a_username_that_somebody_has_cannot() -> None:
    given(AccountRegistered("a-1", "ann")).when(register(ANN, "a-2", NOON)).then_refused("username taken")


def test_a_changed_username_is_taken_too() -> None:
    given(UsernameChanged("a-1", "ann", "anna")).when(register(ANNA, "a-2", NOON)).then_refused(
        "username taken"
    )


def test_who_gives_up_a_username_leaves_it_reserved_for_a_while() -> None:
    closed = given(AccountRegistered("a-1", "ann"), committed(AccountClosed("a-1", "ann"), time=NOON))
    free = NOON + RETENTION
    closed.when(register(ANN, "a-2", free - timedelta(seconds=1))).then_refused("username taken")
    closed.when(register(ANN, "a-2", free)).then(AccountRegistered("a-2", "ann"))


def test_the_owner_can_change_it() -> None:
    change = change_username(ANN, ANNA, "a-1", NOON)
    given(AccountRegistered("a-1", "ann")).when(change).then(UsernameChanged("a-1", "ann", "anna"))


def test_it_cannot_be_changed_to_one_that_is_taken() -> None:
    both = given(AccountRegistered("a-1", "ann"), AccountRegistered("a-2", "anna"))
    both.when(change_username(ANN, ANNA, "a-1", NOON)).then_refused("username taken")


def test_nobody_else_can_change_it_or_close_the_account() -> None:
    registered = given(AccountRegistered("a-1", "ann"))
    registered.when(change_username(ANN, ANNA, "a-2", NOON)).then_refused("not your username")
    registered.when(close_account(ANN, "a-2")).then_refused("not your username")


def test_of_two_who_want_it_one_gets_it() -> None:
    for order in every_order([register(ANN, "a-1", NOON), register(ANN, "a-2", NOON)]):
        assert len(order.accepted) == 1
