"""States that somebody asks for in words."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from backstory import Database, connect
from backstory.projections.find import Page
from backstory.texts import finding
from examples.bank.account import Account
from examples.bank.events import Deposited


def test_a_question_warns_of_nothing_and_leaves_the_filters_of_the_process_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find, seen = Database.find, list[Any]()

    def looked_at(*given: Any, **more: Any) -> Page[Any]:
        seen.append(list(warnings.filters))
        return find(*given, **more)

    monkeypatch.setattr(Database, "find", looked_at)
    with connect() as db:
        db.append(Deposited("a-7", 5))
        before = list(warnings.filters)
        assert [each.balance for each in finding.found(db, None, Account)] == [5]
    assert seen == [before], "other threads may ask, and warn, at the same time"
