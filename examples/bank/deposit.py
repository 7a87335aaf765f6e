"""Paying in."""

from __future__ import annotations

from backstory import command
from examples.bank.account import Account
from examples.bank.events import Cents, Deposited


@command
def deposit(account: Account, cents: Cents) -> Deposited:
    return Deposited(account.account, cents)
