"""Looking after reactions: where each stands, pausing and resuming, and events that are parked."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec.structs import replace

from backstory.errors import ProjectionError
from backstory.projections.catalog import DIVERGED, KEPT_BACK, LEFT_OUT, PAUSED, RUNNING, STOPPED, Parked
from backstory.projections.operate import NEVER, Standing, lag_of
from backstory.projections.source import Source
from backstory.reactions.deadlines import Deadlines
from backstory.reactions.declare import Reaction
from backstory.reactions.keep import AGAIN, Checkpoint, Keep
from backstory.reactions.process import ProcessType
from backstory.reactions.shares import belongs
from backstory.refs import CHECKPOINT
from backstory.store import Store
from backstory.unit import Step
from backstory.values.query import Query


class Begins(Protocol):
    """Where a consumer begins."""

    @property
    def since(self) -> str:
        """`now`, or `start`."""
        ...


class Operated(Protocol):
    """A consumer that has a `Keep` of its name: a reaction, a process, an outbox, a partition of a subscription."""

    @property
    def name(self) -> str:
        """The name of its checkpoint."""
        ...

    @property
    def policy(self) -> Begins:
        """Where it begins."""
        ...

    @property
    def types(self) -> frozenset[str]:
        """The names of the events that it takes; none for all."""
        ...


class SubscriptionKept(msgspec.Struct, frozen=True):
    """A partition of a subscription, or all of one without partitions. Nobody knows here which events it takes."""

    name: str
    types: frozenset[str] = frozenset()
    since: str = "start"

    @property
    def policy(self) -> Begins:
        """Where it begins: it has begun."""
        return self


def subscription(store: Store, name: str) -> list[SubscriptionKept]:
    """The partitions of a subscription that somebody has begun; none if there is no such one."""
    refs = store.refs.list(CHECKPOINT + name)
    return [SubscriptionKept(ref.removeprefix(CHECKPOINT)) for ref in refs if belongs(ref, name)]


def _kind(operated: Operated) -> str:
    if isinstance(operated, Reaction):
        return "reaction"
    if isinstance(operated, SubscriptionKept):
        return "subscription"
    return "process" if isinstance(operated, ProcessType) else type(operated).__name__.lower()


def standing(reacting: Operated, store: Store, source: Source, now: datetime) -> Standing:
    """Where a reaction stands. Its lag counts from the point where it will begin, if nobody ever ran it."""
    keep, head = Keep(store, reacting.name), source.head().position
    at = _checkpoint(keep, reacting, source)
    lag, seconds = lag_of(source, reacting.types, at.position, head, now)
    lease = max(0.0, at.until - time.time()) if at.owner else 0.0
    parked = sum(each.state != LEFT_OUT for each in keep.parked().values())
    return Standing(
        reacting.name, _kind(reacting), "", 0, True, at.state, at.why, at.position, head, lag, seconds,
        at.owner if lease else "", lease, parked, False, 0.0, 0.0,
    )  # fmt: skip


class Backlog(msgspec.Struct, frozen=True):
    """The deliveries of a store if it got the right to react: events after a position, and deadlines overdue."""

    name: str
    position: int
    events: int
    overdue: int


def backlog(reacting: Operated, store: Store, source: Source, now: datetime) -> Backlog:
    """The deliveries to a reaction, if the store had the right to react."""
    position = _checkpoint(Keep(store, reacting.name), reacting, source).position
    events = sum(1 for _ in source.log().read(Query.of(reacting.types), after=position))
    overdue = 0
    if isinstance(reacting, ProcessType):
        deadlines = Deadlines(reacting)
        deadlines.follow(source)
        overdue = deadlines.overdue(now)
    return Backlog(reacting.name, position, events, overdue)


def passes_over(reacting: Operated, store: Store, source: Source) -> bool:
    """Whether it has never run, begins at the end of the log, and so never takes events that the log has."""
    if reacting.policy.since != "now" or Keep(store, reacting.name).look() is not None:
        return False
    return any(source.log().read(Query.of(reacting.types), limit=1))


def _checkpoint(keep: Keep, reacting: Operated, source: Source) -> Checkpoint:
    """Where it stands, or will begin."""
    begin = source.head().position if reacting.policy.since == "now" else 0
    return keep.look() or Checkpoint(begin, "", state=NEVER)


def pause(reacting: Operated, store: Store) -> None:
    """Let nobody run a reaction, until somebody resumes it."""
    _begun(reacting, store).change(
        lambda at: at if at.state == DIVERGED else replace(at, state=PAUSED, why="")
    )


def resume(reacting: Operated, store: Store) -> None:
    """Let a reaction go on that was paused or stopped. Raises `ProjectionError` if it is diverged."""
    keep = _begun(reacting, store)
    if keep.at.state == DIVERGED:
        raise ProjectionError(f"{reacting.name} cannot go on: {keep.at.why}")
    keep.change(lambda at: replace(at, state=RUNNING, why=""))


def parked(reacting: Operated, store: Store) -> list[Parked]:
    """The events that it keeps back or leaves out, in order."""
    return list(Keep(store, reacting.name).parked().values())


def retry(reacting: Operated, store: Store, position: int | None = None) -> int:
    """Mark the events of one event's key, or all, to be tried again, in order. Returns how many.

    The process that runs the reaction tries them; its code never runs here.
    """
    keep = _begun(reacting, store)
    every = keep.parked()
    keys = {one.key for one in every.values() if one.state == KEPT_BACK and position in (None, one.position)}
    if not keys and position is not None:
        raise ProjectionError(f"{reacting.name} keeps no event #{position} back")
    old = [one for one in every.values() if one.state == KEPT_BACK and one.key in keys]
    steps: list[Step] = [keep.parking(replace(one, state=AGAIN), one) for one in old]
    keep.change(_changed, *steps)
    return len(old)


def skip(reacting: Operated, store: Store, position: int, why: str) -> None:
    """Leave an event out for good, and say why: one that is parked, or that stops the reaction, which then goes on."""
    keep = _begun(reacting, store)
    old = keep.parked().get(position)
    if old is None and position <= keep.at.position:
        raise ProjectionError(f"{reacting.name} keeps no event #{position} back")
    new = Parked(position, "" if old is None else old.key, why, LEFT_OUT, 0)
    keep.change(_changed, keep.parking(new, old))


def _changed(at: Checkpoint) -> Checkpoint:
    state, why = (RUNNING, "") if at.state == STOPPED else (at.state, at.why)
    return replace(at, state=state, why=why, changes=at.changes + 1)


def _begun(reacting: Operated, store: Store) -> Keep:
    keep = Keep(store, reacting.name)
    if keep.look() is None:
        raise ProjectionError(f"nobody has ever run {reacting.name}")
    return keep
