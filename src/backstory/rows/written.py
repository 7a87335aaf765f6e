"""Which tables there are: those of which a log has an event."""

from __future__ import annotations

from collections.abc import Iterable

from backstory.decide.state import State
from backstory.rows.kinds import NAME, Row, kind, types_of
from backstory.store import Log
from backstory.values.query import Query


def rows_of(log: Log, name: str, states: Iterable[type[State]] = ()) -> type[Row] | None:
    """The rows of the table that has this name; None if none was ever written, or if a state has the name."""
    if not NAME.fullmatch(name) or any(cls.__name__ == name for cls in states):
        return None
    written = log.read(Query.of(types=types_of(name)), limit=1)
    return kind(name).row if any(True for _ in written) else None
