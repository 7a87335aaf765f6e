"""How events, states and queries are told to people: `Deposited(a-7, cents=500)`, as a command tells of itself."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from backstory.decide.state import State, identity
from backstory.values.event import Unknown, definitions
from backstory.values.event_data import EventData
from backstory.values.event_types import event_type
from backstory.values.fields import TEXTLIKE, tag_value
from backstory.values.masking import masked_repr, plainly
from backstory.values.query import Clause, Query
from backstory.values.veil import OPEN, members, veil_of


def event(value: Any) -> str:
    """An event: its tags by value, all other fields by name."""
    if isinstance(value, (EventData, Unknown)):
        return f"{value.type}({', '.join(value.tags)})"
    return _call(value, {field.name for field in event_type(type(value)).tag_fields})


def state(value: State) -> str:
    """A state: its identity by value, everything else by name."""
    return _call(value, identity(value))


def query(value: Query) -> str:
    """The events that a query reads, in words: `Deposited or Withdrawn with account:a-7`."""
    return "; ".join(map(_clause, value.clauses)) or "nothing"


def time(value: datetime) -> str:
    """A time, in UTC, without the seconds if they are zero."""
    return value.replace(tzinfo=None).isoformat(
        " ", "auto" if value.second or value.microsecond else "minutes"
    )


def _call(value: Any, bare: Container[str]) -> str:
    veil = veil_of(type(value)) or OPEN
    parts = [
        tag_value(part)
        if name in bare and isinstance(part, TEXTLIKE)
        else f"{name}={masked_repr(part, veil.at(step), plainly)}"
        for name, step, part in members(value) or ()
    ]
    return f"{type(value).__name__}({', '.join(parts)})"


def _clause(clause: Clause) -> str:
    classes = [definitions[name].__name__ if name in definitions else name for name in clause.types]
    types = " or ".join(classes) or "every event"
    return f"{types} with {' and '.join(clause.tags)}" if clause.tags else types
