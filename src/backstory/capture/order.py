"""The order in which the changes of one transaction were made, which is not always that in which they were recorded.

A trigger of the application's that writes the same row again is recorded before the statement that it is a trigger of,
and so is what a statement does after its `WITH`; and one statement may let rows change their keys with each other. But
each change says the row before and after. So the changes of a row are steps from one state of it to the next, and their
order is a path that takes each step once, from the state that the row had before them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from backstory.capture.outbox import COPY
from backstory.rows.events import Fields, json_of

if TYPE_CHECKING:
    from backstory.capture.events import Change

Name: TypeAlias = "tuple[str, str]"
"""The table and the key of a row."""

Step: TypeAlias = "tuple[bytes | None, bytes | None]"
"""The states of a row before and after a change, as text; None where there is no row."""

JUMP = -1
"""A step that nobody recorded: a row goes, because another one is inserted in its place."""

TRIED = 10
"""The states with which a row may have ended that are tried, those first that were recorded last."""


class Circle:
    """Steps that end where they began, so that they may begin at any of their states."""


def doubtful(changes: Iterable[Change]) -> dict[Name, Change]:
    """The rows whose changes alone do not tell their order, so that the state before them all must be known: they end
    where they began, or a row is inserted after something else was recorded of it."""
    found = {}
    for name, some in _by_row(changes).items():
        steps = [_step(change) for change in some]
        inserts = any(was is None for was, _ in steps[1:]) or (
            steps[0][0] is None and not _goes_on(steps, None, may_replace=False)
        )
        if len(some) > 1 and (inserts or isinstance(_start(steps), Circle)):
            found[name] = some[0]
    return found


def in_order(
    changes: Sequence[Change], before: Mapping[Name, Fields | None], *, may_replace: bool
) -> list[Change]:
    """The changes in the order in which they were made. `before` has the states of rows before them all, of those that
    are `doubtful`. With `may_replace` a row can be inserted in the place of another one, as SQLite does."""
    order = list(changes)
    places: dict[Name, list[int]] = {}
    for place, change in enumerate(changes):
        places.setdefault(change.row, []).append(place)
    for name, own in places.items():
        if len(own) > 1:
            some = [changes[place] for place in own]
            for place, change in zip(own, _ordered(some, before, name, may_replace), strict=True):
                order[place] = change
    return order


def parted(
    changes: Sequence[Sequence[Change]], before: Mapping[Name, Fields | None], *, may_replace: bool
) -> Iterator[tuple[int, int, list[Change]]]:
    """The smallest parts of rows of the outbox of which nobody knows the transactions: from which row to which one, and
    their changes in order. `before` has the states of all rows; who takes a part writes what it leaves into it.

    A row is a part of its own, unless it does not go on from what was before it: then it is of a trigger, and the
    statement of the trigger, which comes after it, is in its part. If none comes, it is alone. A row that is inserted
    in the place of another one goes on from anything: it is of a trigger if the next row goes on only from before it.
    """
    places: dict[Name, list[int]] = {}
    for place, some in enumerate(changes):
        for change in some:
            places.setdefault(change.row, []).append(place)
    begin = 0
    while begin < len(changes):
        end, order = begin, list(changes[begin])
        while waiting := _waiting(order, before, may_replace):
            later = [place for name in waiting for place in places[name] if place > end]
            if not later:
                end, order = begin, list(changes[begin])
                break
            end = min(later)
            found = [change for some in changes[begin : end + 1] for change in some]
            order = in_order(found, before, may_replace=may_replace)
        if may_replace and end + 1 < len(changes) and any(change.old is None for change in order):
            found = [*order, *changes[end + 1]]
            if _waiting(found, before, may_replace):
                found = in_order(found, before, may_replace=may_replace)
                if not _waiting(found, before, may_replace):
                    end, order = end + 1, found
        yield begin, end, order
        begin = end + 1


def _waiting(
    changes: Sequence[Change], before: Mapping[Name, Fields | None], may_replace: bool
) -> list[Name]:
    """The rows whose changes do not go on from what was before."""
    return [
        name
        for name, some in _by_row(changes).items()
        if not _goes_on([_step(change) for change in some], _state(before.get(name)), may_replace)
    ]


def _by_row(changes: Iterable[Change]) -> dict[Name, list[Change]]:
    found: dict[Name, list[Change]] = {}
    for change in changes:
        found.setdefault(change.row, []).append(change)
    return found


def _ordered(
    changes: list[Change], before: Mapping[Name, Fields | None], name: Name, may_replace: bool
) -> list[Change]:
    if any(change.taken.op == COPY for change in changes):
        return changes  # it says how the row is, and not what happened to it
    steps = [_step(change) for change in changes]
    start = _start(steps)
    if name in before:
        known = _state(before[name])
        if _goes_on(steps, known, may_replace):
            return changes
        start = known if isinstance(start, Circle) or may_replace else start
    elif _goes_on(steps, steps[0][0], may_replace=False):
        return changes
    path = _path(steps, steps[0][0] if isinstance(start, Circle) else start, may_replace)
    return changes if path is None else [changes[place] for place in path]


def _start(steps: Sequence[Step]) -> bytes | Circle | None:
    """The state that a path of these steps begins with."""
    balance: Counter[bytes | None] = Counter()
    for was, now in steps:
        balance[was] += 1
        balance[now] -= 1
    return next((state for state, count in balance.items() if count > 0), Circle())


def _goes_on(steps: Sequence[Step], start: bytes | None, may_replace: bool) -> bool:
    """Whether each step goes on from the one before it, the first one from `start`."""
    state = start
    for was, now in steps:
        if was != state and not (may_replace and was is None):
            return False
        state = now
    return True


def _path(steps: Sequence[Step], start: bytes | None, may_replace: bool) -> list[int] | None:
    """The numbers of the steps as a path from `start` that takes each once; None if there is none."""
    if not may_replace:
        return _path_with(steps, start, ())
    paths = (_path_with(steps, start, replaced) for replaced in islice(_replaced(steps, start), TRIED))
    return next((path for path in paths if path is not None), None)


def _path_with(
    steps: Sequence[Step], start: bytes | None, replaced: Collection[bytes | None]
) -> list[int] | None:
    """The same, where others are inserted in the place of rows with these states."""
    leaving: dict[bytes | None, list[int]] = {}
    for place in range(len(steps) - 1, -1, -1):
        leaving.setdefault(steps[place][0], []).append(place)
    for state in replaced:
        leaving.setdefault(state, []).append(JUMP)
    path: list[int] = []
    stack: list[tuple[bytes | None, int]] = [(start, JUMP)]
    while stack:
        state, taken = stack[-1]
        if left := leaving.get(state):
            place = left.pop()
            stack.append((None if place == JUMP else steps[place][1], place))
        else:
            stack.pop()
            if taken != JUMP:
                path.append(taken)
    path.reverse()
    is_whole = len(path) == len(steps) and _goes_on([steps[place] for place in path], start, bool(replaced))
    return path if is_whole else None


def _replaced(steps: Sequence[Step], start: bytes | None) -> Iterator[list[bytes | None]]:
    """The states of rows in the place of which others are inserted: all that no step leaves, but for the one that the
    row has in the end. That is mostly the one that was recorded last, so this comes first, and then the others."""
    stays: Counter[bytes | None] = Counter([start])
    last: dict[bytes | None, int] = {start: JUMP}
    for place, (was, now) in enumerate(steps):
        stays[was] -= 1
        stays[now] += 1
        last[now] = place
    left = [state for state, count in stays.items() if state is not None for _ in range(count)]
    for end in sorted({*left, None} & last.keys(), key=lambda state: last[state], reverse=True):
        replaced: list[bytes | None] = [*left]
        if end is not None:
            replaced.remove(end)
        yield replaced


def _step(change: Change) -> Step:
    return _state(None if change.old is None else change.old[1]), _state(
        None if change.new is None else change.new[1]
    )


def _state(fields: Fields | None) -> bytes | None:
    return None if fields is None else json_of(fields)
