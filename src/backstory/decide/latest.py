"""The state that needs no code: for one tag, the last value of every data field, and the event that gave it."""

from __future__ import annotations

from typing import Any

import msgspec

from backstory.decide.state import State
from backstory.values.codec import fields
from backstory.values.event_data import RecordedEvent, Shown
from backstory.values.masking import MASK, event_veil
from backstory.values.query import Query


class Field(Shown, frozen=True):
    """A field's last value, and the position and type of the event that gave it."""

    value: Any
    position: int
    type: str

    def masks(self) -> dict[str, Any]:
        """The value, masked if anything is marked in events of this type: its own name is not known here."""
        return {} if event_veil(self.type) is None else {"value": MASK}


class Latest(State):
    """The built-in fold over all events that have one tag: `db.load(Latest("account:a-7")).fields["cents"].value`.

    `events` counts them; `position` is the last one's; 0 if there is none.
    """

    tag: str
    fields: dict[str, Field] = msgspec.field(default_factory=dict)
    events: int = 0
    position: int = 0

    def query(self) -> Query:
        """Every event with the tag. Raises `InvalidTag`."""
        return Query.of(tags=[self.tag])

    def apply(self, event: RecordedEvent) -> None:
        """Take the fields of one more event."""
        for name, value in fields(event.data).items():
            self.fields[name] = Field(value, event.position, event.type)
        self.events += 1
        self.position = event.position
