"""Looking after projections: where each generation stands, pausing and resuming, and events that are kept back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

import msgspec

from backstory.errors import ProjectionError, ProjectionFailed
from backstory.projections.applying import FailedError, apply, decoded
from backstory.projections.catalog import (
    DIVERGED,
    KEPT_BACK,
    LEFT_OUT,
    PAUSED,
    RUNNING,
    Parked,
    Row,
    current,
    newest,
)
from backstory.projections.homes import Home
from backstory.projections.projection import Group
from backstory.projections.source import Source
from backstory.projections.views import Views
from backstory.values.query import Query

NEVER = "never run"


class Standing(msgspec.Struct, frozen=True):
    """Where one generation of a group stands.

    `lag` is the number of positions between the checkpoint and the end of the log if events of the group are among
    them, else 0; `seconds` is the age of the oldest commit that it has not seen. `rate` is in events a second since it
    began, and `left` the seconds until it is at the end, both for one that is built. `drifted`: its code has changed
    since it was built, and its version has not.
    """

    name: str
    kind: str
    version: str
    generation: int
    live: bool
    state: str
    why: str
    position: int
    head: int
    lag: int
    seconds: float
    owner: str
    lease: float
    parked: int
    drifted: bool
    rate: float
    left: float


def standings(views: Views, groups: Iterable[Group], now: datetime) -> list[Standing]:
    """Where each generation of these groups stands; one that nobody ever ran has generation 0."""
    return [one for group in groups for one in _of_group(views, group, now)]


def _of_group(views: Views, group: Group, now: datetime) -> list[Standing]:
    home, source = views.home(group), views.source
    kind = "inline" if views.is_inline(group) else "background"
    head = source.head().position
    found = [_standing(views, home, kind, row, head, now) for row in current(home.rows())]
    if found:
        return found
    lag, seconds = lag_of(source, group.types, 0, head, now)
    return [
        Standing(
            group.name, kind, group.version, 0, False, NEVER, "", 0, head, lag, seconds, "", 0, 0, False, 0, 0
        )
    ]


def lag_of(
    source: Source, types: Iterable[str], position: int, head: int, now: datetime
) -> tuple[int, float]:
    """How many positions somebody is behind who takes these events, and the age of the oldest commit not seen."""
    log = source.log()
    for record in log.read(Query.of(types), after=position, upto=head, limit=1):
        [commit] = log.commits(after=record.position - 1, limit=1)
        return head - position, max(0.0, (now - commit.time).total_seconds())
    return 0, 0.0


def _standing(views: Views, home: Home, kind: str, row: Row, head: int, now: datetime) -> Standing:
    with home.writing(row.generation) as tx:
        lease = home.catalog.leases(tx, [row]).get(row.key, 0.0)
        parked = sum(each.state == KEPT_BACK for each in home.catalog.held_back(tx, row.key))
    lag, seconds = lag_of(views.source, home.group.types, row.position, head, now)
    state = "building" if not row.live and row.state == RUNNING else row.state
    rate = row.position / max(0.001, time.time() - row.began) if state == "building" else 0.0
    return Standing(
        row.name, kind, row.version, row.generation, row.live, state, row.why, row.position, head, lag, seconds,
        row.owner if lease > 0 else "", max(0.0, lease), parked, home.group.code() not in ("", row.code),
        rate, (head - row.position) / rate if rate else 0.0,
    )  # fmt: skip


def pause(views: Views, group: Group) -> None:
    """Let no runner and no append feed a group, until somebody resumes it."""
    _set_state(views.ensured(group), PAUSED, "")


def resume(views: Views, group: Group) -> None:
    """Let a group go on that was paused, or that an event has stopped. Raises `ProjectionError` if it is diverged."""
    home = views.ensured(group)
    for row in home.rows():
        if row.state == DIVERGED and row.live:
            raise ProjectionError(f"projection {group.name} cannot go on: {row.why}")
    _set_state(home, RUNNING, "")


def _set_state(home: Home, state: str, why: str) -> None:
    for row in current(home.rows()):
        with home.writing(row.generation) as tx:
            if (locked := home.catalog.lock(tx, row.key)) is not None and locked.state != DIVERGED:
                home.catalog.set_state(tx, row.key, state, why)


def prune(views: Views, group: Group) -> int:
    """Take away the generations that came before the one that readers see; how many there were.

    Where the version follows from the code, those of other versions too, unless somebody feeds them.
    """
    home = views.home(group)
    rows = home.rows()
    live = newest(row for row in rows if row.live)
    if live is None:
        return 0
    old = [row for row in rows if row.generation < live.generation] + home.forsaken()
    for row in old:
        home.drop(row)
    return len(old)


def parked(views: Views, group: Group) -> list[Parked]:
    """The events that the tables which readers see keep back or leave out; none if nobody ever ran it."""
    if not views.home(group).rows():
        return []
    home, row = _seen(views, group)
    with home.writing(row.generation) as tx:
        return home.catalog.held_back(tx, row.key)


def retry(views: Views, group: Group, position: int | None = None) -> int:
    """Apply the events that are kept back, in order: of the key of one event, or all. Returns how many.

    Raises `ProjectionFailed` if one still cannot be applied: then those of its key stay.
    """
    home, row = _seen(views, group)
    held = [each for each in parked(views, group) if each.state == KEPT_BACK]
    keys = {each.key for each in held if position in (None, each.position)}
    if not keys and position is not None:
        raise ProjectionError(f"projection {group.name} keeps no event #{position} back")
    return sum(_retry_key(views, home, row, key) for key in sorted(keys))


def _retry_key(views: Views, home: Home, row: Row, key: str) -> int:
    source, catalog, failed = views.source, home.catalog, None
    log, first = source.log(), 0
    try:
        with home.writing(row.generation) as tx:
            catalog.lock(tx, row.key)  # no new event of the key comes meanwhile
            held = [each for each in catalog.held_back(tx, row.key, key) if each.state == KEPT_BACK]
            records = [one for each in held for one in log.read(after=each.position - 1, limit=1)]
            own = home.own(tx, row.generation)
            for each in decoded(home.group, records, source.codec):
                first = each[0].position
                apply(home.group, [each], own, source.finder_on(log, [each[0]]))
            catalog.unpark(tx, row.key, [each.position for each in held])
            return len(held)
    except FailedError as error:
        failed = error
    position = first if failed.stored is None else failed.stored.position
    with home.writing(row.generation) as tx:
        for old in catalog.held_back(tx, row.key, key):
            if old.position == position:
                again = msgspec.structs.replace(old, why=failed.why, tries=old.tries + 1)
                catalog.park(tx, row.key, [again])
    raise ProjectionFailed(home.group.name, position, failed.why) from failed.__cause__


def skip(views: Views, group: Group, position: int, why: str) -> None:
    """Leave an event out for good, and say why: one that is kept back, or that stops the group, which then goes on.

    It is left out of the tables that readers see, and of those that are built beside them, unless they have it.
    """
    home = views.ensured(group)
    done = [_skip(home, row, position, why) for row in current(home.rows())]
    if not any(done):
        raise ProjectionError(f"projection {group.name} keeps no event #{position} back")


def _skip(home: Home, row: Row, position: int, why: str) -> bool:
    with home.writing(row.generation) as tx:
        locked = home.catalog.lock(tx, row.key)
        held = {each.position: each for each in home.catalog.held_back(tx, row.key)}
        if locked is None or (position not in held and position <= locked.position):
            return False
        key = held[position].key if position in held else ""
        home.catalog.park(tx, row.key, [Parked(position, key, why, LEFT_OUT, 0)])
        return True


def _seen(views: Views, group: Group) -> tuple[Home, Row]:
    home = views.ensured(group)
    rows = home.rows()
    row = newest(row for row in rows if row.live) or newest(rows)
    assert row is not None
    return home, row
