"""States of an application, and the latest values of a tag, for which no code is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backstory.decide.latest import Latest
from backstory.decide.state import State, identity
from backstory.history.compare.jsonable import part_veil, plain_value, shown, words_of
from backstory.rows.kinds import Row
from backstory.values.masking import masked

if TYPE_CHECKING:
    from backstory.decide.latest import Field
    from backstory.store import Record
    from backstory.values.commit import Commit


def reference_document(reference: State) -> dict[str, Any]:
    """Which state is meant: a tag, or a class and an identity."""
    if isinstance(reference, Latest):
        return {"tag": reference.tag}
    return {"state": type(reference).__name__, "identity": plain_value(identity(reference))}


def noun_of(cls: type[State]) -> str:
    """The name of one state of a class where they are counted: `2 rows`, `1 tag`, `3 Accounts`."""
    return "tag" if cls is Latest else "row" if issubclass(cls, Row) else cls.__name__


def name_of(reference: State) -> str:
    """The same in words: `account:a-7`, or `Account a-7`."""
    return " ".join(words_of(reference))


def state_document(state: State, last: Record) -> dict[str, Any]:
    """A state of an application, and the last event that concerns it."""
    return {
        **reference_document(state),
        "position": last.position,
        "time": last.time,
        "authored": last.authored,
        "fields": shown(state),
    }


def found_document(state: State) -> dict[str, Any]:
    """A state that was found among others of its kind."""
    return {"identity": plain_value(identity(state)), "fields": shown(state)}


def latest_document(latest: Latest, givers: Mapping[int, Commit]) -> dict[str, Any]:
    """The document of a tag. `givers` are the commits at the positions of its fields."""
    return {
        "tag": latest.tag,
        "events": latest.events,
        "position": latest.position,
        "fields": {
            name: {
                "value": value_of(name, field),
                "position": field.position,
                "type": field.type,
                "time": givers[field.position].time,
                "authored": givers[field.position].authored,
                "author": givers[field.position].author,
                "commit": givers[field.position].hash.hex(),
            }
            for name, field in latest.fields.items()
        },
    }


def value_of(name: str, field: Field) -> Any:
    """The value of a field, masked as the event that gave it says."""
    return masked(field.value, part_veil(field.type, name))
