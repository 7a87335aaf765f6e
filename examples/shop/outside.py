"""The services outside of the shop: a bank and a mail service. Each does a thing once for each key that it is given.

Both only pretend. A real shop puts its clients in their place: `outside.bank = ...`.
"""

from __future__ import annotations

from typing import Protocol


class CardRefused(Exception):
    """The bank's answer is no. It is an answer: to ask again would not change it."""


class Bank(Protocol):
    def charge(self, card: str, cents: int, key: str) -> str:
        """Take money, once for each key, and return the receipt. Raises `CardRefused`, and any error if it fails."""
        ...


class FakeBank:
    """Refuses the card `empty`. The first `failures` requests fail, as if the line were down."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.taken: dict[str, int] = {}

    def charge(self, card: str, cents: int, key: str) -> str:
        if self.failures > 0:
            self.failures -= 1
            raise ConnectionError("the bank does not answer")
        if card == "empty":
            raise CardRefused("insufficient funds")
        self.taken[key] = cents
        return f"receipt-{len(self.taken)}"


class MailBox:
    """Stands for a mail service: keeps recipient and subject of each mail, by its key."""

    def __init__(self) -> None:
        self.mails: dict[str, tuple[str, str]] = {}

    def send(self, to: str, subject: str, key: str) -> None:
        self.mails.setdefault(key, (to, subject))


bank: Bank = FakeBank()
mail_service = MailBox()
