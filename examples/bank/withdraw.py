"""Taking out what is there."""

from __future__ import annotations

from backstory import Refused, command
from examples.bank.account import Account
from examples.bank.events import Cents, Withdrawn


@command
def withdraw(account: Account, cents: Cents) -> Withdrawn:
    if account.balance < cents:
        raise Refused("insufficient funds", balance=account.balance)
    return Withdrawn(account.account, cents)
