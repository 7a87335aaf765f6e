"""A store with something of everything in it, and its full contents as plain values to compare."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backstory.history.check.verify import verify
from backstory.store import Log, append, create_log, set_ref
from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import Commit, draft
from backstory.values.event_data import EventData, encoded
from backstory.values.query import Condition, Query

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNTS = 7
EVENTS, OTHERS = 150, 70


def deposited(number: int) -> EventData:
    """The event of this number."""
    tags = (f"account:a-{number % ACCOUNTS}", f"deposit:{number}")
    return encoded(
        ("Deposited", "Withdrawn")[number % 2], b'{"cents":%d,"note":"caf\xc3\xa9"}' % number, tags
    )


def one(log: Log, *events: EventData, id: str, condition: Condition | None = None, **more: Any) -> Commit:
    """Append one commit."""
    made = draft(events, id=id, time=START + timedelta(seconds=len(id)), condition=condition, **more)
    [commit] = append(log, made)
    return commit


def fill(store: SqliteStore, events: int = EVENTS, others: int = OTHERS) -> None:
    """Main with that many events, a second log that stands on it, and two refs."""
    for number in range(0, events, 3):
        condition = Condition(Query.of(["Nothing"], [f"account:a-{number % ACCOUNTS}"]), number)
        deposits = [deposited(number + step) for step in range(3)]
        more: dict[str, Any] = {
            "author": "ann",
            "message": f"deposits from {number}",
            "metadata": {"n": number},
        }
        if number % 2:
            more["command"] = {"name": "deposit", "number": number}
        one(store.log(), *deposits, id=f"main-{number}", condition=condition, **more)
    other = store.log(create_log(store, store.log().head()))
    for number in range(others):
        one(other, deposited(number), id=f"other-{number}")
    set_ref(store, "note/first", "0", old=None)
    set_ref(store, "note/q3-closed", "main-99", old=None)


def sample(path: Path, events: int = EVENTS, others: int = OTHERS) -> Path:
    """Make a closed store like this."""
    store = SqliteStore(path)
    fill(store, events, others)
    store.close()
    return path


def contents(store: SqliteStore, numbers: Iterable[int] = (0, 1)) -> list[Any]:
    """All that a reader can learn: events, commits, heads, refs, and what every kind of lookup gives."""
    found: list[Any] = [dict(store.refs.list()), [store.refs.get(name) for name in store.refs.list()]]
    for number in numbers:
        log = store.log(number)
        events, commits = list(log.read()), list(log.commits())
        found += [events, commits, log.head(), store.origin(number)]
        found.append(
            [list(log.read(Query.of(tags=[tag]))) for tag in sorted({tag for e in events for tag in e.tags})]
        )
        found.append([list(log.read(Query.of([type]))) for type in sorted({event.type for event in events})])
        found.append([log.find(commit.id) for commit in commits])
        found.append([log.find(commit.hash.hex()[:10]) for commit in commits])
    return found


def problems(store: SqliteStore) -> list[str]:
    """What `verify` says."""
    return verify(store).problems


def copy(path: Path, target: Path) -> Path:
    """A copy of a closed store."""
    shutil.copy(path, target)
    return target
