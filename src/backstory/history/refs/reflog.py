"""The history of branches and marks, which is itself a log in the store.

It is for people, stays in this store, and nothing is decided by it. Each entry is an event (`BranchCreated`,
`BranchDeleted`, `Merged`, ...) with the tag `branch:<name>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from backstory.errors import StoreCorrupt
from backstory.lookup import commit_at
from backstory.refs import REFLOG
from backstory.store import Log, Store
from backstory.unit import Append, SetRef, Step, new_log
from backstory.values.commit import ORIGIN, draft
from backstory.values.event_data import RecordedEvent, encoded
from backstory.values.query import Query


class Entry(msgspec.Struct, frozen=True):
    """One thing that happened to a branch or a mark."""

    kind: str
    name: str
    time: datetime
    details: dict[str, Any]


class Reflog:
    """The log of a store's branches and marks. It is made when there is something to note."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        secrets: Callable[[], bytes],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._secrets = secrets

    def steps(self, kind: str, name: str, /, **details: object) -> Sequence[Step]:
        """The steps that add an entry, for the unit with the change that it notes. The first entry makes the log.

        They are refused with a `RefMoved` of the reflog's ref if somebody else makes the log at the same time.
        """
        data = msgspec.json.encode({"name": name, **details})
        event = encoded(kind, data, (f"branch:{name}",))
        noted = [draft([event], id=self._ids(), time=self._clock(), secret=self._secrets())]
        number = self._store.refs.get(REFLOG)
        if number is not None:
            self._open(number)
            return [Append(int(number), noted)]
        new = new_log(ORIGIN)
        return [new, SetRef(REFLOG, new, None), Append(new, noted)]

    def read(self, name: str | None = None) -> Iterator[Entry]:
        """The entries, newest first: all, or those of one name."""
        for log, event in self._events(name):
            details = msgspec.json.decode(event.data, type=dict[str, Any])
            if "name" not in details:
                raise StoreCorrupt(f"the reflog is damaged: its #{event.position} names no branch or mark")
            commit = commit_at(log, event.position)
            yield Entry(event.type, details.pop("name"), commit.time, details)

    def _events(self, name: str | None) -> Iterator[tuple[Log, RecordedEvent]]:
        """The notes, newest first, and the log that has them."""
        number = self._store.refs.get(REFLOG)
        if number is None:
            return
        log = self._open(number)
        query = Query.all() if name is None else Query.of(tags=[f"branch:{name}"])
        for event in log.read(query, backwards=True):
            yield log, event

    def _open(self, number: str) -> Log:
        """The log that the ref names. Raises `StoreCorrupt`."""
        try:
            return self._store.log(int(number))
        except (KeyError, ValueError):
            raise StoreCorrupt(f"the reflog is said to be log {number!r}, which is not there") from None
