"""For adapters of other libraries: the log below events, states and commands, in one place.

    store = open_store("shop.db")
    log = named_log(store, "orders")                      # or store.log(), which is the branch main
    events, head = read_with_head(log, query)             # a read, and the point that it is of
    condition = Condition(query, head.position)
    append(log, draft([encoded("Paid", b"{}", ("order:7",))], id=new_id(), time=now(), condition=condition))

`docs/guide/adapters.md` has an adapter in 60 lines. `Store` and `Log` are Protocols whose every rule is a test in
`backstory.conformance`. Types and tags are text, data is a JSON object as bytes, and nothing here looks at classes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backstory.errors import RefMoved
from backstory.refs import LOG
from backstory.store import ALL, Log, Refs, Store, Verdict, append, create_log, set_ref, write
from backstory.stores import open_store
from backstory.unit import Append, Holds, NewLog, SetRef, Step, Unit, Written, new_log
from backstory.values.commit import ORIGIN, Commit, Draft, Head, draft
from backstory.values.event_data import EventData, RecordedEvent, encoded
from backstory.values.ids import new_id, now
from backstory.values.query import Clause, Condition, Query

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "ALL",
    "ORIGIN",
    "Append",
    "Clause",
    "Commit",
    "Condition",
    "Draft",
    "EventData",
    "Head",
    "Holds",
    "Log",
    "NewLog",
    "Query",
    "RecordedEvent",
    "Refs",
    "SetRef",
    "Step",
    "Store",
    "Unit",
    "Verdict",
    "Waiting",
    "Written",
    "append",
    "create_log",
    "draft",
    "encoded",
    "named_log",
    "new_id",
    "new_log",
    "now",
    "open_store",
    "read_with_head",
    "set_ref",
    "write",
]


def read_with_head(
    log: Log, query: Query = ALL, *, after: int = 0, backwards: bool = False, limit: int | None = None
) -> tuple[Iterator[RecordedEvent], Head]:
    """The events that match, and the head that the log had: no event before that head is missing in the read.

    So `Condition(query, head.position)` protects a decision that was made on these events, also if there were none.
    """
    head = log.head()
    return log.read(query, after=after, upto=head.position, backwards=backwards, limit=limit), head


def named_log(store: Store, name: str) -> Log:
    """A log of one's own in a store, made when it is first asked for; of many at once, all get the same.

    It is no branch: the history verbs do not see it, a clone does not bring it along, and `gc` leaves it alone.
    """
    ref = LOG + name
    while (number := store.refs.get(ref)) is None:
        made = new_log(ORIGIN)
        try:
            write(store, made, SetRef(ref, made, None))
        except RefMoved:
            continue
    return store.log(int(number))


class Waiting:
    """A wait for new events that another thread can end at once; use it from one thread, in a `with` block.

    Events of other processes end it as well, a little later. `Log.wait` is shorter if nobody has to end it.
    """

    def __init__(self, store: Store, log: Log) -> None:
        self._log = log
        self._woken = threading.Event()
        self._stopped = False
        self._end = store.watch(self._woken.set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._end()

    def beyond(self, after: int, timeout: float | None = None) -> int | None:
        """Sleep until the head is beyond `after`, and return its position; None after `timeout` seconds, or `stop`."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._woken.clear()
            if self._stopped:
                return None
            position = self._log.head().position
            if position > after:
                return position
            if not self._woken.wait(None if until is None else max(until - time.monotonic(), 0)):
                return None

    def stop(self) -> None:
        """End the wait, now and for ever. Any thread may call it."""
        self._stopped = True
        self._woken.set()
