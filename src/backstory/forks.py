"""Hooks around a fork of the process, so that parent and child can both go on.

A child has one thread, the one that forked. A lock that another thread held at that moment stays locked in the child,
the data that it guarded may be half changed, and the work of other threads is never done. So each object that has a
lock, a condition, a queue or a thread says here how it begins anew in a child.

Several threads may fork at once, and others may make such objects meanwhile: forks come one after the other.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from types import MethodType
from weakref import ref

Step = Callable[[], object]
Weak = Callable[[], Step | None]

_known: dict[int, tuple[Weak, Weak, Weak]] = {}
_numbers = count()

_forking = threading.RLock()
_due: list[Step] = []
_told: list[Step] = []
"""Steps left to do before a fork, and after it in the parent; both belong to the thread that holds `_forking`."""


def _nothing() -> None:
    """A step that an object does not need."""


def on_fork(*, before: Step = _nothing, parent: Step = _nothing, child: Step = _nothing) -> None:
    """Take these steps at each fork, for as long as the object lives whose methods they are.

    `before` comes before the fork, oldest object first; then `parent` in the parent, newest first, or `child` in the
    child. A step must be harmless to do twice, and after a `before` that was broken off: Ctrl-C may come in the midst
    of it. An object that is made while another thread forks may be told of `child` alone.
    """
    number, pop = next(_numbers), _known.pop

    def forget(_: object) -> None:
        pop(number, None)

    _known[number] = _weak(before, forget), _weak(parent, forget), _weak(child, forget)


def load_before_fork(module: str) -> None:
    """Load a module of Python's, which code here loads later or never, before this process forks.

    Or another thread may be loading it just then, and its child would wait for that thread.
    """
    on_fork(before=partial(_load, module))


def _load(module: str) -> None:
    with suppress(ImportError):  # a Python may be built without it
        __import__(module)


def _weak(step: Step, forget: Callable[[object], None]) -> Weak:
    if not isinstance(step, MethodType):
        return lambda: step
    owner, method = ref(step.__self__, forget), step.__func__
    return lambda: None if (one := owner()) is None else MethodType(method, one)


def _now() -> list[tuple[Weak, Weak, Weak]]:
    """All that are known, at once: other threads add some meanwhile, and the garbage collector takes some away."""
    return list(_known.values())


def _begin() -> None:
    for name in list(sys.modules):
        # If another thread is importing it, this waits: in a child, its lock would never be given back.
        if name.startswith("backstory."):
            __import__(name)
    known = _now()
    _told[:] = [step for _, parent, _ in known if (step := parent())]
    _due[:] = [step for before, _, _ in reversed(known) if (step := before())]


def _take(steps: list[Step]) -> None:
    while steps:
        steps[-1]()
        steps.pop()


def _in_child() -> None:
    _due.clear()
    _told.clear()
    for _, _, child in _now():
        if step := child():
            step()


if hasattr(os, "register_at_fork"):
    # Twice each: Ctrl-C ends a step, and Python prints it and goes on. The second time does the steps that are left.
    for _ in range(2):
        os.register_at_fork(
            before=partial(_take, _due), after_in_parent=partial(_take, _told), after_in_child=_in_child
        )
    # The step that is registered last comes first before a fork, and last after it.
    os.register_at_fork(before=_begin)
    os.register_at_fork(
        before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_forking.release
    )
