"""The memory store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from backstory.conformance import StoreConformance
from backstory.conformance.sample import decided, fact, one, positions
from backstory.store import append
from backstory.stores.memory import MemoryStore
from backstory.values.query import Clause, Query, matcher


class TestMemoryStore(StoreConformance):
    persistent = False

    def open_store(self, tmp_path: Path) -> MemoryStore:
        return MemoryStore()


class TestMemoryLog:
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
