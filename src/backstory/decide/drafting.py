"""Drafts of commits to append: the time and a new id come from outside, author and metadata from the context."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from backstory.decide.call import Command
from backstory.decide.context import Context, current
from backstory.decide.inputs import Places
from backstory.decide.mistaken import no_event
from backstory.errors import ClearTextWarning, DefinitionError, InvalidEvent
from backstory.told import warn
from backstory.values.codec import Codec
from backstory.values.commit import Commit, Draft, checked_time, draft
from backstory.values.event_data import EventData
from backstory.values.event_types import marked_types
from backstory.values.query import Condition

Drafting = Callable[[list[EventData], Condition | None], Draft]
"""Makes the draft of a decision."""


class Said(msgspec.Struct, frozen=True):
    """The values that a caller gives a commit beside its events.

    None: a new id, the context's author and message, no metadata, and the clock's time. `own`: it is the library that
    gives them, so the id and the types of events may be reserved ones.
    """

    id: str | None = None
    author: str | None = None
    message: str | None = None
    metadata: Mapping[str, Any] | None = None
    time: datetime | None = None
    own: bool = False


NOTHING = Said()


class Drafter:
    """Makes drafts; values that a caller does not give come from the context."""

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
        self._places = Places(clock, ids, secrets)
        self._told = False

    def by(self, clock: Callable[[], datetime]) -> Drafter:
        """The same, by another clock."""
        return Drafter(clock, self._ids, self._secrets, self.codec)

    def draft(
        self,
        events: Sequence[EventData],
        condition: Condition | None,
        said: Said,
        command: bytes | None = None,
        around: Context | None = None,
    ) -> Draft:
        """A draft of these events, sealed, in a context or the current one. Raises `InvalidEvent`."""
        if marked_types and not self._told:
            self._tell(sorted(marked_types.intersection(event.type for event in events)))
        around = around or current()
        return draft(
            self.codec.seal(events),
            id=self._ids() if said.id is None else said.id,
            time=self._time(said.time),
            condition=condition,
            author=around.author if said.author is None else said.author,
            message=around.message if said.message is None else said.message,
            command=command,
            metadata=_together(around.metadata, said.metadata),
            secret=self._secrets(),
            reserved_id=said.own,
            reserved_types=said.own,
        )

    def _time(self, time: datetime | None) -> datetime:
        """The time of a draft: now, or an earlier one. Raises `InvalidEvent`."""
        now = self._clock()
        if time is None:
            return now
        if not isinstance(time, datetime):
            raise InvalidEvent(f"at={time!r} is no time: give a datetime that has a time zone")
        if time.tzinfo is not None and time > now:
            raise InvalidEvent(
                f"at={time.isoformat()} has not come yet: a log's time never goes back, so it would be the time of all"
                " later commits"
            )
        return checked_time(time)

    def _tell(self, what: Sequence[str]) -> None:
        """Warn, once, that a marked value lies in clear text; at the line outside of this library that gave it."""
        if not what or self._told:
            return
        self._told = True
        warn(
            f"{what[0]} has fields that are marked as personal or secret. They are masked where they are shown, but"
            " the store keeps them in clear text: nothing is encrypted yet",
            ClearTextWarning,
        )

    def for_facts(self, events: Sequence[Any], condition: Condition | None, said: Said) -> Draft:
        """A draft of events that need no decision. Raises `InvalidEvent`."""
        return self.draft([self._encoded(event) for event in events], condition, said)

    def _encoded(self, event: Any) -> EventData:
        try:
            return self.codec.encode(event)
        except DefinitionError as wrong:
            raise no_event(wrong, event) from None

    def drawn(self, command: Command, said: Said = NOTHING) -> Command:
        """The command with its inputs, drawn for one execution. Raises `MissingInput`."""
        if not command.kind.inputs:
            return command
        source = self._places
        if said.time is not None:
            source = msgspec.structs.replace(source, now=lambda: self._time(said.time))
        return command.drawn(source, current().author if said.author is None else said.author)

    def for_command(self, command: Command, said: Said = NOTHING) -> Drafting:
        """Drafts the decision of a command, whose inputs are drawn, at each try under one id and in this context."""
        if said.id is None:
            said = msgspec.structs.replace(said, id=self._ids())
        recorded, around = command.recorded_json(), current()
        if command.kind.keeps_marked:
            self._tell([command.name])
        return lambda events, condition: self.draft(events, condition, said, recorded, around)


def _together(around: Mapping[str, Any], said: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The metadata of the context, and those of the caller, which count. Raises `InvalidEvent`."""
    if said is None:
        return around
    if not isinstance(said, Mapping):
        raise InvalidEvent(f"the metadata is a dict, not {said!r}")
    return {**around, **said}


def appended(commit: Commit, draft: Draft) -> Commit:
    """The commit that an append of this draft gave; it is new if it was made of it, whose secret no other draft has."""
    if commit.secret != draft.secret:
        return commit
    mine = replace(commit)  # a store may give the same object to others
    vars(mine)["new"] = True
    return mine
