"""From one account to another, in one decision over both."""

from __future__ import annotations

from backstory import Refused, command
from examples.bank.account import Account
from examples.bank.events import Cents, Transferred


@command
def transfer(source: Account, target: Account, cents: Cents) -> Transferred:
    if source.account == target.account:
        raise Refused("same account")
    if source.balance < cents:
        raise Refused("insufficient funds", balance=source.balance)
    return Transferred(source.account, target.account, cents)
