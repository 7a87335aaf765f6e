"""What is the library's own: no caller gives such an id, and each branch says the id of its store."""

from __future__ import annotations

import pytest

from backstory import Database
from backstory.errors import InvalidEvent
from tests.state.bank import Account, Deposited, deposit


def test_no_caller_gives_an_id_of_the_library(db: Database) -> None:
    with pytest.raises(InvalidEvent, match="kept for Backstory itself"):
        db.append(Deposited("a", 5), id="backstory.again.X")
    with pytest.raises(InvalidEvent, match="kept for Backstory itself"):
        db.execute(deposit(Account("a"), cents=5), id="backstory.again.X")
    assert db.head().position == 0


def test_the_id_of_the_store_is_the_same_on_each_branch(db: Database) -> None:
    assert db.branch("trial").store_id() == db.store_id()
