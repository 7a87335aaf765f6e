"""A database for Python that works like Git: every change is an immutable event, and history is yours to question."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.database import Database, connect
    from backstory.decide.commands import Command, command
    from backstory.decide.invariants import invariant
    from backstory.decide.latest import Latest
    from backstory.decide.state import State
    from backstory.errors import BackstoryError, ClearTextWarning, Conflict, Refused
    from backstory.history.merge.revert import reverts
    from backstory.store import Record
    from backstory.values.event import Event, Subject, Tag, Unknown, upcast
    from backstory.values.event_types import register
    from backstory.values.fields import Tagged
    from backstory.values.masking import personal_shown
    from backstory.values.privacy import Personal, Secret
    from backstory.values.query import Condition, Query

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
    "Command": "decide.commands",
    "Condition": "values.query",
    "Conflict": "errors",
    "Database": "database",
    "Event": "values.event",
    "Latest": "decide.latest",
    "Personal": "values.privacy",
    "Query": "values.query",
    "Record": "store",
    "Refused": "errors",
    "Secret": "values.privacy",
    "State": "decide.state",
    "Subject": "values.event",
    "Tag": "values.event",
    "Tagged": "values.fields",
    "Unknown": "values.event",
    "command": "decide.commands",
    "connect": "database",
    "invariant": "decide.invariants",
    "personal_shown": "values.masking",
    "register": "values.event_types",
    "reverts": "history.merge.revert",
    "upcast": "values.event",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: the command line must not wait for modules it does not use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
