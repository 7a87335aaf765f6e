"""The SQLite store: alone, and as one of two that have the same file open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from backstory.conformance import StoreConformance
from backstory.conformance.sample import decided, fact, one
from backstory.errors import Conflict, IdReused, StoreRefused
from backstory.store import append
from backstory.stores.sqlite import SqliteStore
from backstory.stores.sqlite.rows import Rows
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query
from tests.stores.shared import SharedStore


class TestSqliteStore(StoreConformance):
    def open_store(self, tmp_path: Path) -> SqliteStore:
        return SqliteStore(tmp_path / "history.db")


def test_what_is_more_than_a_row_can_hold_is_refused_to_who_gave_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "history.db")
    store.file.write(lambda writer, _: writer.limit(apsw.SQLITE_LIMIT_LENGTH, 10_000))
    with pytest.raises(StoreRefused, match="more than a row can hold"):
        one(store.log(), fact(data=b'{"text":"' + b"x" * 10_000 + b'"}'))
    assert one(store.log()).position == 1
    store.close()


def test_what_others_append_is_learned_and_a_condition_needs_no_look_at_the_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, events = [], Rows.events

    def noted(rows: Rows, *what: Any, **where: Any) -> Iterator[RecordedEvent]:
        asked.append(what)
        return events(rows, *what, **where)

    monkeypatch.setattr(Rows, "events", noted)
    ours, other = SqliteStore(tmp_path / "history.db"), SqliteStore(tmp_path / "history.db")
    with closing(ours), closing(other):
        log, known = ours.log(), one(ours.log(), fact("A", "a:1"))
        theirs = one(other.log(), fact("A", "b:1"), fact("A", "a:2"))
        append(log, decided(query=Query.of(["A"], ["a:1"]), after=known.position))
        assert asked == []
        [verdict] = log.append([[decided(query=Query.of(["A"], ["b:1"]), after=known.position)]])
        assert isinstance(verdict, Conflict)
        again = decided(id=theirs.id)
        assert isinstance(log.append([[again]])[0], IdReused)


@pytest.mark.usefixtures("few")
class TestSqliteStoreThatTwoHaveOpen(StoreConformance):
    def open_store(self, tmp_path: Path) -> SharedStore:
        path = tmp_path / "history.db"
        return SharedStore(SqliteStore(path), SqliteStore(path))
