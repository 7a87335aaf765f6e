"""Blame's positions are those of the plainest definition: compare the whole state after each event."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from backstory import State
from backstory.history.blame import Blame, blame
from backstory.history.lists import paired
from backstory.history.plain import canonical, plain
from backstory.history.shape import Shape
from backstory.history.tracing import Trace
from backstory.state import fold
from backstory.store import Log, commit_finder
from tests.history.shop import Cart, shop_logs


def positions(blame: Blame) -> dict[str, int]:
    return {part.pointer: part.position for part in blame}


def naive(log: Log, reference: State) -> dict[str, int]:
    """Each part's position, from the JSON of the state after every event."""
    query = reference.query()
    known: dict[str, int] = {}
    before = plain(reference)
    _compare(None, before, "", {}, known, 0, Shape(type(reference)))
    for record in log.read(query):
        after = plain(fold(reference, log.read(query, upto=record.position)))
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
    trace.fold(log.read(Cart("a").query()), commit_finder(log))
    quick = Trace(Cart("a"))
    quick.fold(log.read(Cart("a").query()), commit_finder(log))
    assert trace.complete
    if quick.complete:
        assert quick.mark == trace.mark
