"""Differences between two values of a state: field by field, nested, exact.

Changes stand in the order in which they can be applied: `patch.py` writes them as JSON Patch, and as lines of text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from backstory.decide.call import LONGEST_ARGUMENT, first_of, shortened
from backstory.decide.loading import replayed
from backstory.decide.state import State
from backstory.history.compare.align import paired, stay
from backstory.history.compare.jsonable import canonical, plain, same, veil_within
from backstory.history.compare.place import Place, written
from backstory.history.compare.pointer import Path, pointer
from backstory.history.compare.shape import NO_SHAPE, Shape
from backstory.store import Log
from backstory.values.event_data import Shown
from backstory.values.masking import masked
from backstory.values.notebook import table
from backstory.values.veil import OPEN, Veil, either

Kind = Literal["added", "removed", "changed", "moved"]


class Change(Shown, frozen=True):
    """One place where two values differ.

    `path` is the place after all changes before this one have been applied: an element that was removed before does
    not count any more. `label` is the path for a person: an element is named by its key if its list declares one. An
    element that moved was at `origin`. `before` and `after` are None if there is no value; look at `kind`. They are
    the real values; `veil` has their marks, and `masked` gives the values to show.
    """

    kind: Kind
    path: Path
    before: Any = None
    after: Any = None
    origin: Path | None = None
    label: Path = ()
    veil: Veil | None = None

    def __repr__(self) -> str:
        """In a line, masked: `<Change balance 300 -> 0>`."""
        return f"<Change {_told(self)}>"

    def masks(self) -> dict[str, Any]:
        """Both values, masked."""
        return {"before": masked(self.before, self.veil), "after": masked(self.after, self.veil)}

    def masked(self) -> Change:
        """This change, its personal and secret values masked."""
        if self.veil is None:
            return self
        before, after = masked(self.before, self.veil), masked(self.after, self.veil)
        return msgspec.structs.replace(self, before=before, after=after)

    @property
    def pointer(self) -> str:
        """Where, as a JSON pointer."""
        return pointer(self.path)

    @property
    def field(self) -> str:
        """The label as a person writes it: `lines[sku=A].quantity`."""
        return written(self.label)

    def texts(self) -> tuple[str, str]:
        """Both values as JSON, masked; empty where there is none."""
        shown = self.masked()
        return (
            "" if self.kind == "added" else canonical(shown.before).decode(),
            "" if self.kind == "removed" else canonical(shown.after).decode(),
        )


class Difference(Shown, frozen=True):
    """The difference of two values: the changes, and the values as JSON. Falsy if they are the same.

    These are the real values; `masked` gives the values to show.
    """

    changes: tuple[Change, ...]
    before: Any
    after: Any
    veil: Veil | None = None

    def masks(self) -> dict[str, Any]:
        """Both values, masked."""
        return {"before": masked(self.before, self.veil), "after": masked(self.after, self.veil)}

    def masked(self) -> Difference:
        """The same difference, its personal and secret values masked on both sides."""
        if self.veil is None:
            return self
        changes = tuple(change.masked() for change in self.changes)
        return Difference(changes, masked(self.before, self.veil), masked(self.after, self.veil), self.veil)

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __repr__(self) -> str:
        """In a line, masked: `<Difference: balance 300 -> 0, and 2 more>`."""
        return f"<Difference: {first_of(map(_told, self.changes)) or 'none'}>"

    def _repr_html_(self) -> str:
        """For notebooks: a row for each change, masked."""
        rows = ((change.kind, change.field, *change.texts()) for change in self.changes)
        return table(("", "field", "before", "after"), rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many changes there are of each kind."""
        return dict(Counter(change.kind for change in self.changes))

    @property
    def summary(self) -> str:
        """A few words: `2 changed, 1 added`."""
        counts = self.counts
        kinds = ("changed", "added", "removed", "moved")
        return ", ".join(f"{counts[kind]} {kind}" for kind in kinds if kind in counts) or "no difference"


def _told(change: Change) -> str:
    before, after = (shortened(text, LONGEST_ARGUMENT) for text in change.texts())
    if change.kind == "changed":
        return f"{change.field} {before} -> {after}"
    return f"{change.kind} {change.field} {before or after}"


def diff(before: State, after: State) -> Difference:
    """The difference between two values of one state class."""
    one, other = veil_within(before), veil_within(after)
    veil = one if one is other else either(one, other)
    return diff_plain(plain(before), plain(after), Shape(type(after)), veil)


def diff_plain(before: Any, after: Any, shape: Shape = NO_SHAPE, veil: Veil | None = None) -> Difference:
    """The difference between two JSON values; `veil` has their marks."""
    return Difference(tuple(_changes(before, after, Place(shape, veil or OPEN))), before, after, veil)


def diff_states(log_a: Log, at_a: int, log_b: Log, at_b: int, reference: State) -> Difference:
    """The difference of a state between two positions, of one log or of two. Raises `UnreadableEvent`."""
    return diff(replayed(log_a, reference, at_a), replayed(log_b, reference, at_b))


def _changes(before: Any, after: Any, place: Place) -> Iterator[Change]:
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before:
            if name not in after:
                yield _change("removed", place.step(name), before=before[name])
        for name, value in after.items():
            if name in before:
                yield from _changes(before[name], value, place.step(name))
            else:
                yield _change("added", place.step(name), after=value)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_list(before, after, place)
    else:
        yield _change("changed", place, before, after)


def _in_list(before: list[Any], after: list[Any], place: Place) -> Iterator[Change]:
    """First removals, from the end; then additions and moves, from the start; then changes in place."""
    pairs = paired(before, after, place.shape.key)
    origins = {new: old for old, new in pairs}
    kept = set(origins.values())
    for index in range(len(before) - 1, -1, -1):
        if index not in kept:
            yield _change("removed", place.element(index, before[index]), before=before[index])
    yield from _placed(before, after, origins, stay(pairs), place)
    for old, new in pairs:
        yield from _changes(before[old], after[new], place.element(new, after[new]))


def _placed(
    before: list[Any], after: list[Any], origins: dict[int, int], staying: set[int], where: Place
) -> Iterator[Change]:
    """The elements that are added or moved, each behind the element that it follows in `after`."""
    if len(staying) == len(after):
        return
    moving = len(origins) > len(staying)
    # Indexes in `after`, in the order in which the elements stand at the moment.
    current = sorted(origins, key=origins.__getitem__) if moving else []
    for index, value in enumerate(after):
        if index in staying:
            continue
        place = current.index(index - 1) + 1 if moving and index else index
        if index not in origins:
            yield _change("added", where.element(place, value), after=value)
        else:
            was = current.index(index)
            current.pop(was)
            place -= was < place
            old = before[origins[index]]
            yield _change("moved", where.element(place, value), old, old, (*where.path, was))
        if moving:
            current.insert(place, index)


def _change(
    kind: Kind, place: Place, before: Any = None, after: Any = None, origin: Path | None = None
) -> Change:
    veil = None if place.veil is OPEN else place.veil
    return Change(kind, place.path, before, after, origin, place.label, veil)
