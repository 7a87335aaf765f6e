"""Objects in the place of others: each error says what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from backstory import Database
from backstory.errors import DefinitionError, UnknownRevision
from tests.state.bank import Account, Deposited, deposit, withdraw

ACCOUNT, EVENT = Account("a"), Deposited("a", 1)


def plain() -> None:
    """No command."""


Verb = Callable[[Any], Any]

MISTAKES: dict[str, tuple[type[Exception], str, Verb]] = {
    "a command that was not called": (
        TypeError,
        "the command withdraw was not called; write withdraw(account, cents",
        lambda db: db.execute(withdraw),
    ),
    "the same, previewed": (TypeError, "withdraw was not called", lambda db: db.preview(withdraw)),
    "the same under an id": (TypeError, "withdraw was not called", lambda db: db.execute(withdraw, id="x")),
    "a state is executed": (TypeError, "is a state: db.load gives it", lambda db: db.execute(ACCOUNT)),
    "an event is executed": (TypeError, "is an event: db.append", lambda db: db.execute(EVENT)),
    "a function is executed": (
        TypeError,
        "plain is a function, and no command",
        lambda db: db.execute(plain),
    ),
    "None is executed": (TypeError, "not a value of type NoneType", lambda db: db.execute(None)),
    "a class is loaded": (
        TypeError,
        "Account is a class; say which one is meant: Account(account=...)",
        lambda db: db.load(Account),
    ),
    "a class is blamed": (TypeError, "Account is a class", lambda db: db.blame(Account)),
    "a class is bisected": (TypeError, "Account is a class", lambda db: db.bisect(Account, "balance < 0")),
    "a class is compared": (TypeError, "Account is a class", lambda db: db.diff(0, 0, Account)),
    "a tag is loaded": (TypeError, "Latest('account:a')", lambda db: db.load("account:a")),
    "a text is loaded": (TypeError, "not a value of type str", lambda db: db.load("a")),
    "an event is loaded": (TypeError, "db.read reads events", lambda db: db.load(EVENT)),
    "a command is loaded": (TypeError, "db.execute executes it", lambda db: db.load(deposit(ACCOUNT, 1))),
    "a command is appended": (
        DefinitionError,
        "deposit is a command, which db.execute executes",
        lambda db: db.append(deposit(ACCOUNT, 1)),
    ),
    "a state is appended": (DefinitionError, "is a state, which follows", lambda db: db.append(ACCOUNT)),
    "a list is appended": (DefinitionError, "db.append(*events)", lambda db: db.append([EVENT])),
    "a class is appended": (
        DefinitionError,
        "Deposited is a class; an event has its values: Deposited(account=..., cents=...)",
        lambda db: db.append(Deposited),
    ),
    "something else is appended": (DefinitionError, "dict is not an event", lambda db: db.append({})),
    "a state's class is read": (TypeError, "Account(account=...)", lambda db: list(db.read(Account))),
    "an event is read": (TypeError, "its class stands for all", lambda db: list(db.read(EVENT))),
    "a command is read": (TypeError, "command.query", lambda db: list(db.read(deposit))),
    "a number is read": (TypeError, "a value of type int", lambda db: list(db.read(5))),
    "one text for tags": (TypeError, "tags=['account:a']", lambda db: list(db.read(tags="account:a"))),
    "a date": (
        UnknownRevision,
        "write '@{2026-11-03}' for its first moment",
        lambda db: db.load(ACCOUNT, at=date(2026, 11, 3)),
    ),
    "a fraction": (UnknownRevision, "a revision is a text", lambda db: db.load(ACCOUNT, at=1.5)),
    "a time without @{}": (
        UnknownRevision,
        "a time is written @{2026-11-03T10:00}",
        lambda db: db.load(ACCOUNT, at="2026-11-03T10:00"),
    ),
    "a day without @{}": (UnknownRevision, "@{yesterday}", lambda db: db.load(ACCOUNT, at="yesterday")),
    "a branch that is nearly named so": (
        UnknownRevision,
        "did you mean main?",
        lambda db: db.load(ACCOUNT, at="mian"),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_error_for_the_wrong_thing_names_the_likely_meaning(db: Database, mistake: str) -> None:
    kind, words, verb = MISTAKES[mistake]
    db.append(EVENT)
    with pytest.raises(kind, match=re.escape(words)):
        verb(db)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("a", "write Account('a')"),
        (Account, "say which one is meant: Account(account=...)"),
        (None, "not None"),
    ],
)
def test_an_argument_that_should_be_a_state_says_how_it_is_written(given: Any, words: str) -> None:
    with pytest.raises(TypeError, match=re.escape(words)):
        deposit(given, 1)
