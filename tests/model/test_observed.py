"""What a store has seen, and how little is read to know it the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backstory import connect
from backstory.errors import StoreReadOnly
from backstory.model.observed import PREFIX, observed
from backstory.store import Log, Store, append
from backstory.stores import open_store
from backstory.values.commit import draft
from backstory.values.event_data import encoded
from backstory.values.ids import new_id

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with connect(*([str(tmp_path / "seen.db")] if request.param == "sqlite" else [])) as db:
        yield db.store


def happen(log: Log, command: str | None, *types: str, version: int = 1) -> None:
    """A commit with events of these types."""
    events = [encoded(type, b"{}", (), version) for type in types]
    recorded = None if command is None else {"name": command, "arguments": {}}
    append(log, draft(events, id=new_id(), time=NOON, command=recorded))


class Counted:
    """A log that counts the positions that are counted of it, and the commits that are read."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.counted = self.read_commits = 0

    def head(self) -> Any:
        return self._log.head()

    def counts(self, *, after: int, upto: int) -> Any:
        self.counted += upto - after
        return self._log.counts(after=after, upto=upto)

    def commits(self, **bounds: Any) -> Iterator[Any]:
        for each in self._log.commits(**bounds):
            self.read_commits += 1
            yield each


def test_commands_and_events_are_counted_with_the_last_time(store: Store) -> None:
    log = store.log()
    happen(log, "sell", "Sold", "Sold")
    happen(log, "sell", "Sold", "SoldOut")
    happen(log, None, "Sold", version=2)
    happen(log, 'a"b\\', "Odd")
    found = observed(log, store.caches, "main")
    assert [(edge.command, edge.event, edge.events, edge.last) for edge in found.edges] == [
        ("", "Sold", 1, 5),
        ('a"b\\', "Odd", 1, 6),
        ("sell", "Sold", 3, 3),
        ("sell", "SoldOut", 1, 4),
    ]
    assert {edge.last_time for edge in found.edges} == {NOON}
    assert [(one.type, one.version, one.events, one.first, one.last) for one in found.types] == [
        ("Odd", 1, 1, 6, 6),
        ("Sold", 1, 3, 1, 3),
        ("Sold", 2, 1, 5, 5),
        ("SoldOut", 1, 1, 4, 4),
    ]


def test_the_next_time_only_new_events_are_counted(store: Store) -> None:
    log: Any = Counted(store.log())
    for _ in range(50):
        happen(store.log(), "sell", "Sold")
    observed(log, store.caches, "main")
    assert log.counted == 50
    happen(store.log(), "sell", "Sold", "Sold")
    found = observed(log, store.caches, "main")
    assert (log.counted, found.edges[0].events, found.position) == (52, 52, 52)
    assert observed(log, store.caches, "main") == found
    assert log.counted == 52
    assert (
        log.read_commits == 2 + 2
    )  # the end of each count, and one look at each start: is it the same history still?


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: b"{",
        lambda text: text.replace(b'"format":1', b'"format":0'),
        lambda text: msgspec.json.encode({**msgspec.json.decode(text), "hash": "00"}),
        lambda text: msgspec.json.encode({**msgspec.json.decode(text), "position": 10**6}),
        lambda text: msgspec.json.encode({**msgspec.json.decode(text), "position": -1}),
        lambda text: msgspec.json.encode({**msgspec.json.decode(text), "position": 1}),
    ],
)
def test_a_summary_of_another_history_or_form_is_thrown_away(
    store: Store, spoil: Callable[[bytes], bytes]
) -> None:
    log = store.log()
    happen(log, "sell", "Sold", "Sold")
    happen(log, "sell", "Sold")
    good = observed(log, store.caches, "main")
    name = f"{PREFIX}main"
    text = store.caches.get(name)
    assert text is not None
    store.caches.set(name, spoil(text))
    assert observed(log, store.caches, "main") == good


def test_a_branch_has_a_summary_of_its_own(tmp_path: Path) -> None:
    with connect(str(tmp_path / "seen.db")) as db:
        happen(db.log, "sell", "Sold")
        trial = db.branch("trial")
        happen(trial.log, "sell", "Sold")
        assert observed(trial.log, db.store.caches, "trial").edges[0].events == 2
        assert observed(db.log, db.store.caches, "main").edges[0].events == 1


def test_a_store_that_cannot_be_written_is_counted_all_the_same(tmp_path: Path) -> None:
    with connect(str(tmp_path / "seen.db")) as db:
        happen(db.log, "sell", "Sold")

    class Fixed:
        def get(self, name: str) -> None:
            return None

        def set(self, name: str, value: bytes) -> None:
            raise StoreReadOnly(name)

    store = open_store(str(tmp_path / "seen.db"))
    caches: Any = Fixed()
    assert observed(store.log(), caches, "main").edges[0].events == 1
    assert observed(store.log(), None, "main").edges[0].events == 1
    store.close()
