"""A store that lets a test act before any one of the calls that are made to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from backstory.store import Log, Refs, Store
from backstory.unit import Outcome, Unit


class SteppedStore:
    """Another store, whose calls to refs and logs are counted: before one of them, it acts."""

    def __init__(self, below: Store) -> None:
        self.below = below
        self.persistent = below.persistent
        self.spans_logs = below.spans_logs
        self.joins = below.joins
        self.tables = below.tables
        self.seat = below.seat
        self.caches = below.caches
        self.joined = below.joined
        self.join = below.join
        self.logs = below.logs
        self.origin = below.origin
        self.holding = below.holding
        self.watch = below.watch
        self.wake = below.wake
        self.problems = below.problems
        self.close = below.close
        self.refs = cast("Refs", _Stepped(below.refs, self._step))
        self.acted = False
        self._left = 0
        self._act: Callable[[], None] = lambda: None

    def before(self, number: int, act: Callable[[], None]) -> None:
        """Act once, before the call with this number from now on, which counts from 1."""
        self.acted, self._left, self._act = False, number, act

    def _step(self) -> None:
        self._left -= 1
        if not self._left:
            self.acted = True
            self._act()

    def log(self, number: int = 0) -> Log:
        return cast("Log", _Stepped(self.below.log(number), self._step))

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        self._step()
        return self.below.write(units)


class _Stepped:
    """Refs or a log, each of whose calls is a step."""

    def __init__(self, below: object, step: Callable[[], None]) -> None:
        self._below = below
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return partial(self._call, getattr(self._below, name))

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._step()
        return method(*args, **kwargs)
