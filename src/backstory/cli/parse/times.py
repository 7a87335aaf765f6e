"""Times as people write them."""

from __future__ import annotations

from datetime import datetime

from backstory.cli.exits import UsageError


def parsed(text: str, now: datetime | None = None) -> datetime:
    """The time that a person means; see `backstory.history.refs.parse_time`. Raises `UsageError`."""
    from backstory.errors import UnknownRevision
    from backstory.history.refs.parse_time import parse_time

    try:
        return parse_time(text, now or datetime.now().astimezone())
    except UnknownRevision as wrong:
        raise UsageError(f"{text!r} is not understood: {wrong.why}") from None
