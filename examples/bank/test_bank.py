"""A bank."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as some

from backstory import Command
from backstory.testing import every_order, given, in_order
from examples.bank.account import Account
from examples.bank.deposit import deposit
from examples.bank.events import Deposited, Transferred, Withdrawn
from examples.bank.transfer import transfer
from examples.bank.withdraw import withdraw

ANN, BOB = Account("ann"), Account("bob")


def test_money_can_be_paid_in() -> None:
    given().when(deposit(ANN, cents=500)).then(Deposited("ann", 500)).then_state(Account("ann", balance=500))


def test_what_is_there_can_be_taken_out() -> None:
    given(Deposited("ann", 500)).when(withdraw(ANN, cents=500)).then(Withdrawn("ann", 500))


def test_more_than_is_there_cannot() -> None:
    given(Deposited("ann", 500)).when(withdraw(ANN, cents=501)).then_refused(
        "insufficient funds", balance=500
    )


def test_a_transfer_is_one_event_of_both_accounts() -> None:
    (
        given(Deposited("ann", 500))
        .when(transfer(ANN, BOB, cents=200))
        .then(Transferred("ann", "bob", 200))
        .then_state(Account("ann", balance=300), Account("bob", balance=200))
    )


def test_what_came_by_transfer_can_be_taken_out() -> None:
    given(Transferred("bob", "ann", 70)).when(withdraw(ANN, cents=70)).then(Withdrawn("ann", 70))


def test_more_than_is_there_cannot_be_transferred() -> None:
    given(Deposited("ann", 5)).when(transfer(ANN, BOB, cents=6)).then_refused("insufficient funds", balance=5)


def test_a_transfer_needs_two_accounts() -> None:
    given().when(transfer(ANN, ANN, cents=1)).then_refused("same account")


def test_nothing_is_no_amount() -> None:
    with pytest.raises(TypeError, match=r"deposit: .* >= 1"):
        deposit(ANN, cents=0)


def test_of_two_who_want_the_same_money_one_gets_it() -> None:
    rivals = [withdraw(ANN, cents=400), transfer(ANN, BOB, cents=300)]
    for order in every_order(rivals, given=[Deposited("ann", 500)]):
        assert len(order.accepted) == 1


accounts = some.builds(Account, some.sampled_from(["ann", "bob", "eve"]))
amounts = some.integers(1, 900)
moves = some.one_of(
    some.builds(deposit, accounts, cents=amounts),
    some.builds(withdraw, accounts, cents=amounts),
    some.builds(transfer, accounts, accounts, cents=amounts),
)


@for_all(some.lists(moves))
def test_no_account_is_ever_overdrawn(commands: list[Command]) -> None:
    in_order(commands)
