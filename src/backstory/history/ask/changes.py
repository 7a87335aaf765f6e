"""The changes that a commit made: of the states of an application, or without one of the tags of its events.

The cost grows with the commit: each state that an event of it concerns is folded, up to the commit and then on. So
a reader is shown those of a commit of `LARGE` events without being asked, and of larger ones where they are wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Literal, TypeAlias

import msgspec

from backstory.decide.latest import Latest
from backstory.decide.loading import replayed
from backstory.decide.state import State, made_for, state_type
from backstory.errors import DefinitionError, OutOfScope
from backstory.failing import theirs
from backstory.history.ask.diff_all import Changed, diff_all
from backstory.history.ask.entities import Identities
from backstory.history.compare.diff import Change, Difference, diff, diff_plain
from backstory.history.compare.jsonable import words_of
from backstory.lookup import Commits
from backstory.store import ALL, Log
from backstory.values.codec import fields
from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent
from backstory.values.masking import event_veil
from backstory.values.query import Query
from backstory.values.veil import either

LARGE = 1_000
"""Events of the largest commit whose changes are shown where nobody asked for them."""

Sign: TypeAlias = Literal["added", "changed", "gone"]


class FieldChange(msgspec.Struct, frozen=True):
    """A field that a commit changed, masked, to be shown on a line.

    `words` name the state, as its address does: its class and its identity, or a tag.
    """

    words: tuple[str, ...]
    kind: Sign
    field: str
    before: Any
    after: Any

    @property
    def name(self) -> str:
        """The state in words: `Account a-7`, or `account:a-7`."""
        return " ".join(self.words)


class Changes(msgspec.Struct, frozen=True):
    """The first fields that a commit changed, how many more there are, and of how many states all of them are."""

    fields: tuple[FieldChange, ...]
    left: int
    states: int


def changed(
    log: Log,
    commit: Commit,
    states: Collection[type[State]],
    tags: Iterable[str] = (),
    query: Query = ALL,
) -> Iterator[Changed]:
    """Stream the states of these classes that a commit changed, and how; without a class, the tags that it changed.

    These are the tags of its events that match `query`, or those that are named: `Latest(tag)`. The rows of tables need
    no class of an application, and the tag of a row stands for the row. A class whose states do not follow from the
    tags of events is left out, and one of events that are outside of the reader's scope. Raises `ApplicationError` for
    an error of the application's code.
    """
    events = list(log.read(query, after=commit.first - 1, upto=commit.position))
    made = [made_for(type) for type in dict.fromkeys(event.type for event in events)]
    if states or (None not in made and not tags):
        states = [*states, *dict.fromkeys(cls for cls in made if cls is not None)]
    if not states:
        for tag in tags or dict.fromkeys(tag for event in events for tag in event.tags):
            own = [event for event in events if tag in event.tags]
            found = _of_row(log, commit, tag, own) or Changed(Latest(tag), _of_tag(log, commit, tag, own))
            if found.difference:
                yield found
        return
    for cls in states:
        try:
            with theirs(cls):
                yield from diff_all(log, commit.first - 1, commit.position, cls)
        except (
            DefinitionError,
            OutOfScope,
        ):  # which of them there are does not follow from the events in scope
            continue


def changes(
    log: Log,
    commit: Commit,
    states: Collection[type[State]],
    tags: Iterable[str] = (),
    limit: int = 100,
) -> Changes:
    """The fields that a commit changed, each on a line, and what is left out; see `changed`."""
    found: list[FieldChange] = []
    number = many = 0
    for each in changed(log, commit, states, tags):
        many += 1
        inside = each.difference.changes
        number += len(inside)
        found += [on_a_line(each.reference, change) for change in islice(inside, limit - len(found))]
    return Changes(tuple(found), number - len(found), many)


def changed_at(log: Log, reference: State, positions: Collection[int]) -> dict[int, Difference]:
    """How each of the events at these positions changed a state, by one pass over the events of the state."""
    compiled, commits = state_type(type(reference)), Commits(log)
    state, found = compiled.copy(reference), {}
    with theirs(f"{type(reference).__name__}.apply"):
        for record in commits.of(log.read(reference.query(), upto=max(positions, default=0))):
            before = compiled.copy(state) if record.position in positions else None
            compiled.fold(state, (record,), commits)
            if before is not None:
                found[record.position] = diff(before, state)
    return found


def on_a_line(reference: State, change: Change) -> FieldChange:
    """A change of a state, masked, to be shown on a line."""
    shown = change.masked()
    kind: Sign = "added" if change.kind == "added" else "gone" if change.kind == "removed" else "changed"
    return FieldChange(words_of(reference), kind, change.field, shown.before, shown.after)


def _of_row(log: Log, commit: Commit, tag: str, events: list[RecordedEvent]) -> Changed | None:
    """How a commit changed the row that a tag names; None if these events are not of one row, or not all in scope."""
    classes = {made_for(event.type) for event in events}
    cls = classes.pop() if len(classes) == 1 else None
    found = None if cls is None else Identities(cls)
    row = found.reference((tag,)) if found and (tag,) in found.keys(events[0]) else None
    if row is None:
        return None
    try:
        return Changed(row, diff(*(replayed(log, row, upto) for upto in (commit.first - 1, commit.position))))
    except OutOfScope:
        return None


def _of_tag(log: Log, commit: Commit, tag: str, events: list[RecordedEvent]) -> Difference:
    """The fields that events give, and their values before: found by going back as far as it takes."""
    after = {name: value for event in events for name, value in fields(event.data).items()}
    veils = [event_veil(event.type) for event in events]
    before: dict[str, Any] = {}
    for event in log.read(Query.of(tags=[tag]), upto=commit.first - 1, backwards=True):
        before = {name: value for name, value in fields(event.data).items() if name in after} | before
        veils.append(event_veil(event.type))
        if len(before) == len(after):
            break
    return diff_plain({name: before[name] for name in after if name in before}, after, veil=either(*veils))
