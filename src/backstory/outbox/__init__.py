"""Outboxes: events of the log that go to other systems, at least once, and in order for each key.

    crm = Webhook("crm", "https://crm.example/hooks", secret=secret, events=[OrderPaid], partition="customer")
    bus = Nats("bus", "nats://localhost", subject="shop.{type}")
    archive = Jsonl("archive", "out/{date}.jsonl")

    with db.run(crm, bus, archive): ...          # or: backstory run

There is no table of messages: the log is the outbox, and each of these is a subscription to it. Each event goes out as
a CloudEvent, its personal and secret values masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.outbox.jsonl import Jsonl
from backstory.outbox.message import Later, Message, Outbox, StopSending
from backstory.outbox.signatures import WrongSignature, sign, verify

if TYPE_CHECKING:
    from backstory.outbox.nats import Nats
    from backstory.outbox.webhook import Webhook

__all__ = [
    "Jsonl",
    "Later",
    "Message",
    "Nats",
    "Outbox",
    "StopSending",
    "Webhook",
    "WrongSignature",
    "sign",
    "verify",
]

_HOMES = {"Nats": "nats", "Webhook": "webhook"}


def __getattr__(name: str) -> object:
    """Import what sends when it is first asked for: each application asks for `Outbox`, and few have HTTP or NATS."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
