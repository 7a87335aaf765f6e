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

from collections.abc import Iterator

from backstory.errors import RefMoved
from backstory.refs import LOG
from backstory.store import ALL, Log, Refs, Store, Verdict, append, create_log, set_ref, write
from backstory.stores import open_store
from backstory.unit import Append, Holds, NewLog, SetRef, Step, Unit, Written, new_log
from backstory.values.commit import ORIGIN, Commit, Draft, Head, draft
from backstory.values.event_data import EventCount, EventData, RecordedEvent, encoded
from backstory.values.ids import new_id, now
from backstory.values.query import Clause, Condition, Query
from backstory.waiting import Waiting

__all__ = [
    "ALL",
    "ORIGIN",
    "Append",
    "Clause",
    "Commit",
    "Condition",
    "Draft",
    "EventCount",
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
