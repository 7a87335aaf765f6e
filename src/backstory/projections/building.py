"""Bringing tables to the end of the log in this thread: those that are there, or new ones beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from backstory.errors import ProjectionError
from backstory.projections.catalog import LEFT_OUT, Parked, Row, newest
from backstory.projections.feed import Feed, Step
from backstory.projections.homes import Home
from backstory.projections.source import Source

Tick: TypeAlias = Callable[[int], object]
"""Takes the position after each batch."""


def ignore(_: int) -> None:
    """Nobody wants to know."""


def rebuild(home: Home, source: Source, tick: Tick, *, wait: bool) -> None:
    """Make a generation beside the others, feed it in this thread, and let readers see it at the end.

    The events that the newest one leaves out for good are left out of it too, unless they are of another history.
    Without `wait`, whoever runs the group feeds it. Raises `ProjectionError`.
    """
    last = newest(home.rows())
    assert last is not None
    row = home.make(1 + last.generation, _left_out(home, source, last))
    if wait:
        feed_to_end(home, source, row, tick)


def _left_out(home: Home, source: Source, row: Row) -> list[Parked]:
    if not source.has(row.position, row.hash):
        return []
    with home.writing(row.generation) as tx:
        return [each for each in home.catalog.held_back(tx, row.key) if each.state == LEFT_OUT]


def feed_to_end(home: Home, source: Source, row: Row, tick: Tick = ignore) -> None:
    """Feed a generation to the end of the log, and let readers see it. Raises `ProjectionError` if it is kept back."""
    feed, group = Feed(home, source, row), home.group
    while True:
        step = feed.step()
        tick(feed.row.position)
        if step is Step.KEPT:
            raise ProjectionError(f"projection {group.name} is {feed.row.state}: {feed.row.why}")
        if step is Step.AT_END and feed.finish():
            return
