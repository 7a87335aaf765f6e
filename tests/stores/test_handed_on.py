"""Which methods a log or a store that stands before another one hands on to it as they are.

A method that is new in the contract is in none of these lists. So whoever adds it must say here of each class whether a
call may pass: one that protects (a guard, a scope, a limit) would be passed by in silence otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import backstory
from backstory.history.backtest.passing import PassingLog
from backstory.history.backtest.patched import PatchedLog
from backstory.projections.inline import InlineLog, InlineStore
from backstory.scope.log import ReadOnlyLog, ScopedLog
from backstory.scope.rule import Scope
from backstory.scope.store import ScopedStore
from backstory.store import Log, Store
from backstory.stores.guarded import GuardedLog
from backstory.stores.opened import OpenedLog
from backstory.stores.overlay import OverlayLog
from backstory.timelimit import TimedLog
from backstory.unit import SetRef
from backstory.values.codec import PLAIN
from backstory.values.commit import ORIGIN

COMMITS = "commits commits_at find head linked wait"
GUARD = SetRef("branch/main", "0", "0")

LOGS: dict[type, tuple[Callable[[Any], Log], str]] = {
    OpenedLog: (lambda log: OpenedLog(log, PLAIN), f"append counts {COMMITS}"),
    GuardedLog: (lambda log: GuardedLog(log, "main", GUARD), f"read counts {COMMITS}"),
    InlineLog: (lambda log: InlineLog(log, log.append), f"read counts {COMMITS}"),
    ReadOnlyLog: (ReadOnlyLog, f"read counts {COMMITS}"),
    PassingLog: (lambda log: PassingLog(log, 0), f"append counts {COMMITS}"),
    PatchedLog: (PatchedLog, COMMITS),
    TimedLog: (TimedLog, "append commits_at find head wait"),
    ScopedLog: (lambda log: ScopedLog(log, Scope(tags=("a:b",))), "head wait"),
    OverlayLog: (lambda log: OverlayLog(log, ORIGIN, log), ""),
}
"""How each log is made that stands before another one, and the methods that it hands on to it."""

OTHERS = {
    "AheadOfLog": "an error",
    "MemoryLog": "a log of a store",
    "PostgresLog": "a log of a store",
    "SqliteLog": "a log of a store",
    "ModelLog": "the model that the specification compares stores with",
    "KnownLog": "what a store knows of a log",
    "NewLog": "a step",
    "DropLog": "a step",
}
"""The other classes that are called a log."""


def contract(of: type) -> set[str]:
    return {name for name in vars(of) if not name.startswith("_")}


def handed_on(of: type, made: Any, under: Any) -> set[str]:
    return {name for name in contract(of) if getattr(made, name) is getattr(under, name)}


@pytest.mark.parametrize("cls", LOGS, ids=lambda cls: cls.__name__)
def test_a_log_hands_on_what_is_listed_and_nothing_else(cls: type) -> None:
    make, names = LOGS[cls]
    log = Mock()
    assert handed_on(Log, make(log), log) == set(names.split())


def test_every_log_that_stands_before_another_one_is_listed() -> None:
    code = "".join(path.read_text() for path in Path(backstory.__file__).parent.rglob("*.py"))
    named = set(re.findall(r"^class ([A-Z]\w*Log)\b", code, re.MULTILINE))
    assert named == {cls.__name__ for cls in LOGS} | OTHERS.keys()


def test_a_store_as_a_reader_sees_it_hands_on_what_is_listed_and_nothing_else() -> None:
    store = Mock()
    always = {"persistent", "logs", "origin", "holding", "watch", "wake"}
    assert handed_on(Store, ScopedStore(store, Scope()), store) == always | {"refs", "tables"}
    assert handed_on(Store, ScopedStore(store, Scope(tags=("a:b",))), store) == always


def test_a_store_that_feeds_projections_hands_on_all_but_what_it_writes() -> None:
    store = Mock()
    own = {"write", "log", "joined"}
    assert handed_on(Store, InlineStore(store, (), PLAIN), store) == contract(Store) - own
