"""Outboxes: events of the log that go to other systems, at least once, and in order for each key.

    crm = Webhook("crm", "https://crm.example/hooks", secret=secret, events=[OrderPaid], partition="customer")
    bus = Nats("bus", "nats://localhost", subject="shop.{type}")
    archive = Jsonl("archive", "out/{date}.jsonl")

    with db.run(crm, bus, archive): ...          # or: backstory run

There is no table of messages: the log is the outbox, and each of these is a subscription to it. Each event goes out as
a CloudEvent, its personal and secret values masked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.outbox.jsonl import Jsonl
    from backstory.outbox.message import Later, Message, Outbox, StopSending
    from backstory.outbox.nats import Nats
    from backstory.outbox.signatures import WrongSignature, sign, verify
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

_HOMES = {
    "Jsonl": "jsonl",
    "Later": "message",
    "Message": "message",
    "Nats": "nats",
    "Outbox": "message",
    "StopSending": "message",
    "Webhook": "webhook",
    "WrongSignature": "signatures",
    "sign": "signatures",
    "verify": "signatures",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: each application asks for `Outbox`, and few send anything."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
