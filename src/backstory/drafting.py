"""Drafts of what is to be appended: the time and a new id from outside, author and metadata from the context."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from backstory.codec import Codec
from backstory.commands import Command
from backstory.commit import Draft, draft
from backstory.context import current
from backstory.errors import ClearTextWarning
from backstory.event_types import marked_types
from backstory.query import Condition
from backstory.record import Encoded

Drafting = Callable[[list[Encoded], Condition | None], Draft]
"""Makes the draft of what was decided."""


class Drafter:
    """Makes drafts; what a caller does not say, the context does."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        secrets: Callable[[], bytes],
        codec: Codec,
    ) -> None:
        self.codec = codec
        self._clock = clock
        self._ids = ids
        self._secrets = secrets
        self._told = False

    def draft(
        self,
        events: Sequence[Encoded],
        condition: Condition | None = None,
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
        command: bytes | None = None,
    ) -> Draft:
        """A draft of these events, sealed. Raises `InvalidEvent` that says which part is wrong."""
        if marked_types and not self._told:
            self._tell(sorted(marked_types.intersection(event.type for event in events)))
        around = current()
        return draft(
            self.codec.seal(events),
            id=self._ids() if id is None else id,
            time=self._clock(),
            condition=condition,
            author=around.author if author is None else author,
            message=around.message if message is None else message,
            command=command,
            metadata={**around.metadata, **meta} if meta else around.metadata,
            secret=self._secrets(),
        )

    def _tell(self, what: Sequence[str]) -> None:
        """Warn, once, that what is marked lies in clear text; at the line outside of this library that gave it."""
        if not what or self._told:
            return
        self._told = True
        frame, depth = sys._getframe(), 1
        while (
            frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "backstory"
        ):
            frame, depth = frame.f_back, depth + 1
        warnings.warn(
            f"{what[0]} has fields that are marked as personal or secret. They are masked where they are shown, but"
            " the store keeps them in clear text: nothing is encrypted yet",
            ClearTextWarning,
            stacklevel=depth,
        )

    def for_facts(
        self,
        events: Sequence[Any],
        condition: Condition | None = None,
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Draft:
        """A draft of events that need no decision. Raises `InvalidEvent`."""
        encode = self.codec.encode
        encoded = [encode(event) for event in events]
        return self.draft(encoded, condition, id=id, author=author, message=message, meta=meta)

    def for_command(
        self,
        command: Command,
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Drafting:
        """Drafts what a command decides, at each try under one id."""
        id = self._ids() if id is None else id
        recorded = command.recorded_json()
        if command.kind.keeps_marked:
            self._tell([command.name])

        def drafting(events: list[Encoded], condition: Condition | None) -> Draft:
            return self.draft(
                events, condition, id=id, author=author, message=message, meta=meta, command=recorded
            )

        return drafting
