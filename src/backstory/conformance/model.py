"""The contract in its plainest words: lists and loops, slow and short. The state machine compares a store with it.

It shares no code with the stores, so a mistake that all of them have in common is found as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from backstory.unit import SetRef
from backstory.values.commit import ORIGIN, Commit, Draft, Head, chained
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.query import Query

Outcome: TypeAlias = tuple[str, object]
"""The verdict on a batch: a word, and its subject."""


def wanted(query: Query, event: RecordedEvent) -> bool:
    """Whether a query matches an event, by its definition."""
    return any(
        (not clause.types or event.type in clause.types) and set(clause.tags) <= set(event.tags)
        for clause in query.clauses
    )


class ModelLog:
    """A log in two lists."""

    def __init__(self, origin: Head = ORIGIN) -> None:
        self.events: list[RecordedEvent] = []
        self.commits: list[Commit] = []
        self.head = origin

    def append(
        self, batch: tuple[Draft, ...], guard: SetRef | None = None, refs: Mapping[str, str] = {}
    ) -> Outcome:
        """Judge one batch and append it; `refs` are those of the store."""
        if len({draft.id for draft in batch}) < len(batch):
            return "id reused", None
        known = {commit.id: commit for commit in self.commits}
        if any(draft.id in known for draft in batch):
            if all(draft.id in known and self._said(known[draft.id]) == _said(draft) for draft in batch):
                return "in", tuple(known[draft.id] for draft in batch)
            return "id reused", None
        if batch and batch[0].parent not in (None, self.head.hash):
            return "moved", self.head.position
        for index, draft in enumerate(batch):
            if draft.condition is None:
                continue
            before = sum(len(earlier.events) for earlier in batch[:index])
            if draft.condition.after > self.head.position + before:
                return "ahead", (draft.condition.after, self.head.position)
            found = [
                event for event in self.read(draft.condition.query) if event.position > draft.condition.after
            ]
            if found:
                return "conflict", (draft.condition, found)
        if guard is not None and refs.get(guard.name) != guard.value:
            return "ref moved", (guard.name, refs.get(guard.name))
        return "in", tuple(self._add(draft) for draft in batch)

    def _add(self, draft: Draft) -> Commit:
        commit = chained(draft, self.head)
        for position, event in enumerate(draft.events, self.head.position + 1):
            self.events.append(
                RecordedEvent(position, commit.position, event.type, event.version, event.tags, event.data)
            )
        self.commits.append(commit)
        self.head = Head(commit.position, commit.hash, commit.time)
        return commit

    def read(self, query: Query) -> list[RecordedEvent]:
        """The events that match."""
        return [event for event in self.events if wanted(query, event)]

    def linked(self, key: str, id: str) -> list[Commit]:
        """The commits whose metadata name an id under a key: one, or several that they revert."""
        return [
            commit
            for commit in self.commits
            if id == commit.metadata.get(key) or (key == "reverts" and id in commit.metadata.get(key, []))
        ]

    def counts(self, after: int, upto: int) -> dict[tuple[str, str, int], EventCount]:
        """The counts of the commits between two positions, by command, type and version."""
        found: dict[tuple[str, str, int], EventCount] = {}
        for commit in self.commits:
            if after < commit.position <= upto:
                name = "" if commit.command is None else commit.command.get("name", "")
                for event in (event for event in self.events if event.commit == commit.position):
                    three = (name if isinstance(name, str) else "", event.type, event.version)
                    known = found.get(three)
                    events, first = (0, event.position) if known is None else (known.events, known.first)
                    found[three] = EventCount(*three, events + 1, first, event.position, commit.time)
        return found

    def _said(self, commit: Commit) -> tuple[object, ...]:
        own = [event for event in self.events if event.commit == commit.position]
        query = None if commit.condition is None else commit.condition.query
        return (
            [(event.type, event.version, event.tags, event.data) for event in own],
            query,
            commit.author,
            commit.message,
            commit.command_json,
            commit.metadata_json,
        )


def _said(draft: Draft) -> tuple[object, ...]:
    """The content by which two drafts of one id are the same: all but the time, the position and the secret."""
    query = None if draft.condition is None else draft.condition.query
    events = [(event.type, event.version, event.tags, event.data) for event in draft.events]
    return (events, query, draft.author, draft.message, draft.command_json, draft.metadata_json)
