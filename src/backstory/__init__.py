"""A database for Python that works like Git: every change is an immutable event, and history is yours to question."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.commands import Command, command
    from backstory.database import Database, connect
    from backstory.errors import BackstoryError, ClearTextWarning, Conflict, Refused
    from backstory.event import Event, Subject, Tag, Unknown, upcast
    from backstory.event_types import register
    from backstory.fields import Tagged
    from backstory.history.merge.revert import reverts
    from backstory.invariants import invariant
    from backstory.latest import Latest
    from backstory.masking import personal_shown
    from backstory.privacy import Personal, Secret
    from backstory.query import Condition, Query
    from backstory.state import State
    from backstory.store import Record

__all__ = [
    "BackstoryError",
    "ClearTextWarning",
    "Command",
    "Condition",
    "Conflict",
    "Database",
    "Event",
    "Latest",
    "Personal",
    "Query",
    "Record",
    "Refused",
    "Secret",
    "State",
    "Subject",
    "Tag",
    "Tagged",
    "Unknown",
    "command",
    "connect",
    "invariant",
    "personal_shown",
    "register",
    "reverts",
    "upcast",
]

_HOMES = {
    "BackstoryError": "errors",
    "ClearTextWarning": "errors",
    "Command": "commands",
    "Condition": "query",
    "Conflict": "errors",
    "Database": "database",
    "Event": "event",
    "Latest": "latest",
    "Personal": "privacy",
    "Query": "query",
    "Record": "store",
    "Refused": "errors",
    "Secret": "privacy",
    "State": "state",
    "Subject": "event",
    "Tag": "event",
    "Tagged": "fields",
    "Unknown": "event",
    "command": "commands",
    "connect": "database",
    "invariant": "invariants",
    "personal_shown": "masking",
    "register": "event_types",
    "reverts": "history.merge.revert",
    "upcast": "event",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: the command line must not wait for modules it does not use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
