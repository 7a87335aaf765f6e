"""The events of a bank."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from backstory import Event, Tag, Tagged

Cents = Annotated[int, Meta(gt=0)]
"""An amount of money that moves. Commands and events refuse any other."""


class Deposited(Event, name="bank.deposited"):
    account: Tag[str]
    cents: Cents


class Withdrawn(Event, name="bank.withdrawn"):
    account: Tag[str]
    cents: Cents


class Transferred(Event, name="bank.transferred"):
    """One event of two accounts: it cannot happen to one and not to the other."""

    source: Annotated[str, Tagged("account")]
    target: Annotated[str, Tagged("account")]
    cents: Cents
