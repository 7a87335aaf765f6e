"""Folding many states by one read of a log: each event goes to the states that it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat

from backstory.decide.state import State, state_type
from backstory.lookup import AHEAD, Together
from backstory.store import Log
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query, union


class Folding:
    """A state that is brought forward from a position: by `count` events so far, the first of which copies it."""

    __slots__ = ("count", "position", "query", "state", "waiting")

    def __init__(self, state: State, position: int, query: Query) -> None:
        self.state = state
        self.position = position
        self.query = query
        self.count = 0
        self.waiting: list[RecordedEvent] = []

    def offer(self, record: RecordedEvent) -> None:
        """Take an event if it is a later one that the state reads."""
        if record.position > self.position and self.query.matches(record):
            self.waiting.append(record)

    def fold(self, find: Together) -> None:
        """Apply the events that were taken. Raises `UnreadableEvent`."""
        if self.waiting:
            compiled = state_type(type(self.state))
            if not self.count:
                self.state = compiled.copy(self.state)
            self.count += compiled.fold(self.state, self.waiting, find)
            self.waiting = []


def fold_all(foldings: Sequence[Folding], log: Log, upto: int) -> None:
    """Bring states forward to a position by one read. Memory is that of a chunk. Raises `UnreadableEvent`.

    The read begins where the first of them was left, so they should have been left at about the same position.
    """
    by_tag: dict[str, list[Folding]] = {}
    of_any: list[Folding] = []
    for folding in foldings:
        tags = {clause.tags[0] if clause.tags else None for clause in folding.query.clauses}
        for tag in tags:
            (of_any if tag is None else by_tag.setdefault(tag, [])).append(folding)
    after = min(folding.position for folding in foldings)
    query = union(folding.query for folding in foldings)
    for chunk in _chunks(log.read(query, after=after, upto=upto)):
        met: dict[Folding, None] = {}
        for record in chunk:
            found = [*of_any, *chain.from_iterable(by_tag.get(tag, ()) for tag in record.tags)]
            for folding in found if len(found) < 2 else dict.fromkeys(found):
                folding.offer(record)
                met[folding] = None
        find = Together(log, {record.commit for record in chunk})
        for folding in met:
            folding.fold(find)


def _chunks(records: Iterable[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    reading = iter(records)
    for size in chain(AHEAD, repeat(AHEAD[-1])):
        chunk = list(islice(reading, size))
        if chunk:
            yield chunk
        if len(chunk) < size:
            return
