"""The index of a log in memory: for each tag and each type, the positions of the events that have it; for each link, of
the commits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent
from backstory.values.links import words_of
from backstory.values.query import Clause, Query

NOWHERE: list[int] = []


class Index:
    """Positions in order, so that a clause is found by its rarest tag. Entries may stand beyond the log's head."""

    def __init__(self) -> None:
        self._by_tag: dict[str, list[int]] = {}
        self._by_type: dict[str, list[int]] = {}
        self._by_link: dict[str, list[int]] = {}

    def add(self, events: Iterable[RecordedEvent]) -> None:
        """Add the next events of the log."""
        for event in events:
            for positions in self._of(event):
                positions.append(event.position)

    def link(self, commit: Commit) -> None:
        """Add the links of the next commit of the log."""
        for word in words_of(commit.metadata_json):
            self._by_link.setdefault(word, []).append(commit.position)

    def linked(self, word: str, after: int, upto: int) -> list[int]:
        """The positions of the commits that had a link when they were added; it may be withheld since."""
        positions = self._by_link.get(word, NOWHERE)
        return positions[bisect_right(positions, after) : bisect_right(positions, upto)]

    def cut(self, events: Iterable[RecordedEvent], commits: Iterable[Commit], end: int) -> None:
        """Take these events and commits away, which stand beyond a position and may have been added in part."""
        links = (
            self._by_link.get(word, NOWHERE) for commit in commits for word in words_of(commit.metadata_json)
        )
        for positions in chain(chain.from_iterable(map(self._of, events)), links):
            while positions and positions[-1] > end:
                positions.pop()

    def _of(self, event: RecordedEvent) -> Iterator[list[int]]:
        for tag in event.tags:
            yield self._by_tag.setdefault(tag, [])
        yield self._by_type.setdefault(event.type, [])

    def proposed(self, query: Query, after: int, upto: int, *, backwards: bool) -> list[Iterator[int]]:
        """Positions with `after < position <= upto`, each stream in order: the events that match are among them."""
        streams: list[Iterator[int]] = []
        for positions in chain.from_iterable(map(self._by, query.clauses)):
            low, high = bisect_right(positions, after), bisect_right(positions, upto)
            if low < high:
                places = range(high - 1, low - 1, -1) if backwards else range(low, high)
                streams.append(map(positions.__getitem__, places))
        return streams

    def _by(self, clause: Clause) -> Iterable[list[int]]:
        if clause.tags:
            return (min((self._by_tag.get(tag, NOWHERE) for tag in clause.tags), key=len),)
        return (self._by_type.get(type, NOWHERE) for type in clause.types)
