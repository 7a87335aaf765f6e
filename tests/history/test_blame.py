"""Blame's positions are those of the plainest definition: compare the whole state after each event."""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstory import Event, State, Tag, connect
from backstory.decide.latest import Latest
from backstory.decide.loading import replayed
from backstory.history.blame.blame import Blame, blame
from backstory.history.blame.tracing import Trace
from backstory.history.compare.align import paired
from backstory.history.compare.jsonable import canonical, plain
from backstory.history.compare.shape import Shape
from backstory.lookup import Commits
from backstory.store import Log
from tests.history.shop import Added, Arranged, Cart, Dropped, Line, extend, log_of, shop_logs


def positions(blame: Blame) -> dict[str, int]:
    return {part.pointer: part.position for part in blame}


def naive(log: Log, reference: State) -> dict[str, int]:
    """Each part's position, from the JSON of the state after every event."""
    query = reference.query()
    known: dict[str, int] = {}
    before = plain(reference)
    _compare(None, before, "", {}, known, 0, Shape(type(reference)))
    for record in log.read(query):
        after = plain(replayed(log, reference, record.position))
        new: dict[str, int] = {}
        _compare(before, after, "", known, new, record.position, Shape(type(reference)))
        known, before = new, after
    del known[""]
    return known


def _compare(
    before: Any,
    after: Any,
    path: str,
    known: dict[str, int],
    new: dict[str, int],
    position: int,
    shape: Shape,
    old_path: str | None = None,
) -> None:
    old_path = path if old_path is None else old_path
    stayed = old_path in known and canonical(before) == canonical(after)
    new[path] = known[old_path] if stayed else position
    if isinstance(after, dict):
        for name, value in after.items():
            there = isinstance(before, dict) and name in before
            inner, old = f"{path}/{name}", f"{old_path}/{name}"
            _compare(
                before[name] if there else None,
                value,
                inner,
                known if there else {},
                new,
                position,
                shape.step(name),
                old,
            )
    elif isinstance(after, list):
        origins = {j: i for i, j in paired(before, after, shape.key)} if isinstance(before, list) else {}
        for index, value in enumerate(after):
            there = index in origins
            inner, old = f"{path}/{index}", f"{old_path}/{origins.get(index, index)}"
            _compare(
                before[origins[index]] if there else None,
                value,
                inner,
                known if there else {},
                new,
                position,
                shape.step(index),
                old,
            )


@given(shop_logs())
@settings(max_examples=300)
def test_positions_are_those_of_comparing_everything_after_each_event(log: Log) -> None:
    assert positions(blame(log, Cart("a"))) == naive(log, Cart("a"))


@given(shop_logs())
def test_careful_tracing_says_the_same(log: Log) -> None:
    trace = Trace(Cart("a"), careful=True)
    trace.fold(log.read(Cart("a").query()), Commits(log))
    quick = Trace(Cart("a"))
    quick.fold(log.read(Cart("a").query()), Commits(log))
    assert trace.complete
    if quick.complete:
        assert quick.provenance == trace.provenance


class Pushed(Event):
    heap: Tag[str]
    number: int


class Heap(State):
    """What methods of containers do not see: C code that goes around them, and one list in two places."""

    heap: Tag[str]
    numbers: list[int] = msgspec.field(default_factory=list)
    nested: dict[str, list[list[int]]] = msgspec.field(default_factory=dict)
    recent: list[int] = msgspec.field(default_factory=list)
    copies: list[dict[str, int]] = msgspec.field(default_factory=list)
    seen: dict[str, int] = msgspec.field(default_factory=dict)

    def apply(self, event: Pushed) -> None:
        heapq.heappush(self.numbers, event.number)
        if event.number == 0:
            self.recent = []
            self.nested.setdefault("a", []).append(self.recent)
        self.recent.append(event.number)
        self.seen.update(last=event.number)
        if event.number > 3:
            self.copies.append(self.seen)
        if event.number == 2:
            self.seen = dict(self.seen)


@given(st.lists(st.integers(0, 5), max_size=12))
def test_what_goes_around_the_containers_is_found_all_the_same(numbers: list[int]) -> None:
    log = log_of(*([Pushed("h", number)] for number in numbers))
    assert positions(blame(log, Heap("h"))) == naive(log, Heap("h"))


@given(shop_logs(), st.booleans())
def test_data_is_blamed_without_code(log: Log, assertions: bool) -> None:
    found = positions(blame(log, Latest("cart:a"), assertions=assertions))
    expected: dict[str, int] = {}
    values: dict[str, Any] = {}
    for record in log.read(Latest("cart:a").query()):
        for name, value in msgspec.json.decode(record.data).items():
            if assertions or name not in values or values[name] != value:
                expected[f"/{name}"] = record.position
            values[name] = value
    assert found == expected


class Set(Event):
    thing: Tag[str]
    value: int


class Thing(State):
    thing: Tag[str]
    value: int = 0
    values: dict[str, int] = msgspec.field(default_factory=dict)
    row: list[int] = msgspec.field(default_factory=lambda: [0, 0])
    marks: set[int] = msgspec.field(default_factory=set)
    grown: list[int] = msgspec.field(default_factory=list)

    def apply(self, event: Set) -> None:
        self.value = event.value
        self.values["a"] = event.value
        self.row[1] = event.value
        self.marks.add(event.value)
        self.grown += []


def test_with_assertions_writing_the_same_value_counts() -> None:
    log = log_of([Set("t", 5)], [Set("t", 5)])
    paths = ["/value", "/values/a", "/row/0", "/row/1", "/marks/0", "/grown", "/thing"]
    without, with_ = blame(log, Thing("t")), blame(log, Thing("t"), assertions=True)
    assert [without[path].position for path in paths] == [1, 1, 0, 1, 1, 0, 0]
    assert [with_[path].position for path in paths] == [2, 2, 0, 2, 2, 0, 0]


def test_the_commit_is_read_when_it_is_asked_for() -> None:
    log = log_of([Set("t", 5), Set("t", 6)], [Set("other", 5)])
    found = blame(log, Thing("t"))
    commit = found["value"].commit
    assert commit is not None
    assert commit.position == 2
    assert found["thing"].commit is None
    assert [part.pointer for part in found.leaves] == [
        "/thing",
        "/value",
        "/values/a",
        "/row/0",
        "/row/1",
        "/marks/0",
        "/marks/1",
        "/grown",
    ]
    assert found["values"].whole
    assert blame(log, Thing("t"), upto=1)["value"].value == 5
    for path in ("nothing", "row.7", "row.x", "value.x"):
        with pytest.raises(KeyError, match=f"no part '{path}'"):
            found[path]
    with pytest.raises(KeyError, match="did you mean values or value"):
        found["valus"]


def test_positions_on_sqlite_are_those_in_memory(tmp_path: Path) -> None:
    batches: list[list[Any]] = [
        [Added("a", "x", 1), Added("b", "x", 2)],
        [Arranged("a", "closed")],
        [Dropped("a", "x")],
    ]
    with connect(str(tmp_path / "shop.db")) as db:
        extend(db.log, *batches)
        assert positions(blame(db.log, Cart("a"))) == naive(log_of(*batches), Cart("a"))


class Reader(State):
    """Looks at what it does not change."""

    thing: Tag[str]
    parts: list[Line] = msgspec.field(default_factory=lambda: [Line("z", 1)])
    by_name: dict[str, Line] = msgspec.field(default_factory=lambda: {"z": Line("z", 1)})
    largest: int = 0

    def apply(self, event: Set) -> None:
        self.largest = max(self.largest, self.parts[0].count, self.by_name["z"].count)
        if event.value > 1:
            self.parts[0].count = self.by_name["z"].count = event.value


@given(st.lists(st.integers(0, 3), max_size=6))
def test_what_was_only_looked_at_stays_with_its_event(values: list[int]) -> None:
    log = log_of(*([Set("t", value)] for value in values))
    assert positions(blame(log, Reader("t"))) == naive(log, Reader("t"))
