"""A command is decided at first where this process left the log. What others appended meanwhile is never missed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backstory import Database, Refused, command, connect
from backstory.errors import HistoryLost
from tests.state.bank import Account, Deposited, Withdrawn, deposit, withdraw


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A database that knows where its log ends: 5 are on the account."""
    with connect(str(tmp_path / "bank.db")) as db:
        db.execute(deposit(Account("a"), 5))
        yield db


@pytest.fixture
def other(db: Database, tmp_path: Path) -> Iterator[Database]:
    """Another one on the same file, of which the first hears nothing."""
    with connect(str(tmp_path / "bank.db")) as other:
        yield other


@command
def clear(account: Account) -> list[Withdrawn]:
    """Withdraw what there is."""
    return [Withdrawn(account.account, account.balance)] if account.balance else []


def counted(db: Database) -> list[int]:
    """The positions that commands are decided on from now on."""
    executor = db.handle.tip.line.executor
    positions, decide = [], executor.decide

    def noting(*arguments: Any) -> Any:
        decision = decide(*arguments)
        positions.append(decision.position)
        return decision

    executor.decide = noting  # type: ignore[method-assign, assignment]
    return positions


def test_nobody_asks_where_the_log_ends_as_long_as_the_guess_is_right(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    log = db.handle.tip.line.loader.log
    monkeypatch.setattr(log, "head", lambda: asked.append(1))
    for _ in range(3):
        db.execute(withdraw(Account("a"), 1))
    assert asked == []


def test_a_refusal_is_decided_again_where_others_have_appended(db: Database, other: Database) -> None:
    other.append(Deposited("a", 5))
    decided = counted(db)
    commit = db.execute(withdraw(Account("a"), 10))
    assert commit is not None
    assert commit.position == 3
    assert decided == [2]
    with pytest.raises(Refused):
        db.execute(withdraw(Account("a"), 1))


def test_that_nothing_is_to_happen_is_decided_again_where_others_have_appended(
    db: Database, other: Database
) -> None:
    assert db.execute(clear(Account("a"))) is not None
    other.append(Deposited("a", 7))
    assert db.execute(clear(Account("a"))) is not None
    assert db.load(Account("a")).balance == 0
    assert db.execute(clear(Account("a"))) is None


def test_a_wrong_guess_is_no_try(db: Database, other: Database) -> None:
    other.append(Withdrawn("a", 1))
    decided = counted(db)
    commit = db.execute(withdraw(Account("a"), 4), attempts=0)
    assert commit is not None
    assert decided == [1, 2]
    assert db.load(Account("a")).balance == 0


def test_what_others_append_about_something_else_makes_no_guess_wrong(db: Database, other: Database) -> None:
    other.append(Deposited("b", 1))
    commit = db.execute(withdraw(Account("a"), 4))
    assert commit is not None
    assert commit.condition is not None
    assert (commit.condition.after, commit.position) == (1, 3)


def test_a_guess_is_refused_where_the_log_has_another_commit_there() -> None:
    with connect("memory:") as db:
        db.execute(deposit(Account("a"), 5))
        loader = db.handle.tip.line.loader
        assert loader.left is not None
        loader.left = msgspec.structs.replace(loader.left, hash=bytes(32))
        with pytest.raises(HistoryLost, match="at #1 is not there any more"):
            db.execute(withdraw(Account("a"), 1))
        assert db.head().position == 1


def test_threads_that_decide_on_one_entity_seldom_decide_in_vain(db: Database) -> None:
    decided = counted(db)

    def work() -> None:
        for _ in range(20):
            db.execute(deposit(Account("a"), 1))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert db.load(Account("a")).balance == 5 + 16 * 20
    assert len(decided) < 1.5 * 16 * 20
