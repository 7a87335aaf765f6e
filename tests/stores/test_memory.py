"""The memory store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backstory.conformance import StoreConformance
from backstory.conformance.sample import decided, fact, one, positions
from backstory.store import append, create_log
from backstory.stores.memory import MemoryStore
from backstory.stores.overlay import OverlayLog
from backstory.values.commit import Commit
from backstory.values.query import Clause, Query, matcher


class TestMemoryStore(StoreConformance):
    persistent = False

    def open_store(self, tmp_path: Path) -> MemoryStore:
        return MemoryStore()


class Unread(list[Commit]):
    """Commits that nobody may go through."""

    def __getitem__(self, key: Any) -> Any:
        assert not isinstance(key, slice)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Commit]:
        raise AssertionError


class TestMemoryLog:
    def test_an_append_on_a_branch_does_not_go_through_the_commits_of_the_history_below(self) -> None:
        store = MemoryStore()
        for number in range(3):
            append(store.log(), decided(id=f"commit-{number}"))
        below = store.log()
        branch = OverlayLog(below, below.head(), store.log(create_log(store, below.head())))
        below._commits = Unread(below._commits)
        [again] = append(branch, decided(id="commit-1"))
        assert again.position == 2
        assert append(branch, decided(id="commit-3"))[0].position == 4

    @pytest.mark.parametrize("size", [100, 1_000])
    def test_a_read_and_a_condition_look_only_at_events_that_have_a_tag_or_a_type_of_the_query(
        self, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        looked: list[str] = []

        def counting(query: Query) -> Callable[[str, Sequence[str]], bool]:
            def matches(type: str, tags: Sequence[str]) -> bool:
                looked.append(type)
                return matcher(query)(type, tags)

            return matches

        log = MemoryStore().log()
        one(log, *[fact("Other", f"x:{number}") for number in range(size)], fact("A", "x:1", "y:1"))
        monkeypatch.setattr("backstory.stores.memory.log.matcher", counting)
        clauses = [Clause.of(["A"], ["x:1", "y:1"]), *[Clause.of(["B"], [f"z:{n}"]) for n in range(100)]]
        assert positions(log.read(Query((*clauses, Clause.of(["C"]))))) == [size + 1]
        append(log, decided(query=Query(tuple(clauses[1:]))))
        assert looked == ["A"]
