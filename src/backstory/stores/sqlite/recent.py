"""What this process knows of the end of a log, so that most appends are judged without asking the file.

Nearly every condition was decided a few positions behind the head, and nearly every id is new. As long as the head is
the one that this process left, it has seen everything since it began to look; another head makes it begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from backstory.commit import Commit, Head
from backstory.query import Condition
from backstory.record import Encoded

MOST = 100_000
"""How many tags, types and ids are remembered before it begins anew."""


class Recent:
    """The last position of each tag and type, and the ids, after position `start`."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.forget()

    def forget(self) -> None:
        """Know nothing."""
        self.head = None
        self.start = 0
        self.ids: set[str] = set()
        self._tags: dict[str, int] = {}
        self._types: dict[str, int] = {}

    def catch_up(self, head: Head) -> None:
        """Keep what is known if the log still ends where it was left, else begin here."""
        if self.head is None or self.head.hash != head.hash or len(self._tags) + len(self.ids) > MOST:
            self.forget()
            self.head, self.start = head, head.position

    def add(self, commit: Commit, events: Iterable[Encoded]) -> Head:
        """Note a commit that is being appended, and return the head that it makes."""
        tags, types = self._tags, self._types
        for position, event in enumerate(events, commit.first):
            types[event.type] = position
            for tag in event.tags:
                tags[tag] = position
        self.ids.add(commit.id)
        self.head = Head(commit.position, commit.hash, commit.time)
        return self.head

    def rules_out(self, condition: Condition) -> bool:
        """Whether certainly no event after the condition's position matches it."""
        after = condition.after
        if after < self.start:
            return False
        tags, types = self._tags, self._types
        for clause in condition.query.clauses:
            if clause.tags and any(tags.get(tag, 0) <= after for tag in clause.tags):
                continue
            if clause.types and all(types.get(type, 0) <= after for type in clause.types):
                continue
            return False
        return True
