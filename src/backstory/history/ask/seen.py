"""Questions about parts of states: a part that is masked would be told by the answer.

The library refuses what a scope hides from the reader at hand; the command line refuses what the code marks, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from backstory.decide.latest import Field, Latest
from backstory.decide.state import State
from backstory.errors import OutOfScope
from backstory.history.compare.jsonable import part_veil
from backstory.values.codec import fields
from backstory.values.event import definitions
from backstory.values.event_data import RecordedEvent
from backstory.values.hidden import all_names, hidden_now
from backstory.values.masking import is_hidden, masked, masked_data, withholds
from backstory.values.privacy import Privacy
from backstory.values.veil import Named, Veil, field_names, veil_of


def veils(steps: Sequence[str], cls: type[State]) -> Iterator[Veil]:
    """The marks of a part of a state, by the names that its fields have in JSON; of a tag's field in each event."""
    owners: Iterable[type[Any]] = [cls]
    if cls is Latest:
        owners = [
            one for one in definitions.values() if set(steps[:1]) <= {*(field_names(one) or {}).values()}
        ]
    for one in owners:
        veil = veil_of(one)
        if veil is not None:
            yield _at(veil, steps)
    hidden = hidden_now()
    if cls is Latest and hidden:
        yield _at(Named(all_names(hidden)), steps)


def _at(veil: Veil, steps: Sequence[str]) -> Veil:
    for step in steps:
        if is_hidden(veil):
            break  # as a whole, with each part of it
        veil = veil.at(int(step) if step.isdecimal() and step not in veil.parts else step)
    return veil


def check_seen(steps: Sequence[str], cls: type[State]) -> None:
    """Raise `OutOfScope` for a part that the reader may not see, or may not see all of.

    The fields of `Latest` may hold anything; parts of theirs are masked before anything is asked of them.
    """
    whole = cls is not Latest or not steps
    if hidden_now() and any(
        veil.mark is Privacy.WITHHELD or (whole and withholds(veil)) for veil in veils(steps, cls)
    ):
        raise OutOfScope("field", ".".join(steps) or cls.__name__)


def check_name(name: object) -> None:
    """Raise `OutOfScope` for the name of a part of any value that is hidden of some class."""
    if name in all_names(hidden_now()):
        raise OutOfScope("field", str(name))


def seen_value(field: Field, name: str) -> Any:
    """A field of `Latest`, for an answer: without what the reader may not see."""
    return masked(field.value, part_veil(field.type, name)) if hidden_now() else field.value


def seen_data(record: RecordedEvent) -> dict[str, Any]:
    """The fields of an event's data, for an answer: without what the reader may not see."""
    return fields(masked_data(record)) if hidden_now() else fields(record.data)
