"""An account: what there is, and what must always be true of it."""

from __future__ import annotations

from backstory import State, Tag, invariant
from examples.bank.events import Deposited, Transferred, Withdrawn


class Account(State):
    account: Tag[str]
    balance: int = 0

    def apply(self, event: Deposited | Withdrawn | Transferred) -> None:
        match event:
            case Deposited(cents=cents) | Transferred(target=self.account, cents=cents):
                self.balance += cents
            case Withdrawn(cents=cents) | Transferred(source=self.account, cents=cents):
                self.balance -= cents

    @invariant
    def never_overdrawn(self) -> bool:
        return self.balance >= 0
