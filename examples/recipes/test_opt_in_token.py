"""Opt-in tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backstory.testing import committed, given
from examples.recipes.opt_in_token import (
    VALID,
    SignUp,
    SignUpConfirmed,
    SignUpRequested,
    confirm,
    request_sign_up,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SIGN_UP = SignUp("ann@example.org", "t-1")

requested = given(committed(SignUpRequested("ann@example.org", "t-1"), time=NOON))


def test_a_token_is_sent() -> None:
    given().when(request_sign_up(SIGN_UP)).then(SignUpRequested("ann@example.org", "t-1"))


def test_a_token_is_never_sent_twice() -> None:
    requested.when(request_sign_up(SIGN_UP)).then_refused("token used before")


def test_the_token_confirms_the_address_it_was_sent_to() -> None:
    requested.when(confirm(SIGN_UP, NOON + VALID)).then(SignUpConfirmed("ann@example.org", "t-1"))


def test_a_token_for_another_address_is_unknown() -> None:
    given().when(confirm(SignUp("eve@example.org", "t-1"), NOON)).then_refused("no such token")


def test_after_an_hour_it_is_worth_nothing() -> None:
    late = NOON + VALID + timedelta(microseconds=1)
    requested.when(confirm(SIGN_UP, late)).then_refused("token expired", expired=NOON + VALID)


def test_a_second_click_changes_nothing() -> None:
    confirmed = requested.when(confirm(SIGN_UP, NOON)).then(SignUpConfirmed("ann@example.org", "t-1"))
    confirmed.when(confirm(SIGN_UP, NOON)).then_nothing()
