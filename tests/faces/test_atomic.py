"""Several commands as one: each on what the earlier ones gave, all in one batch, all again on a conflict."""

# ruff: noqa: PT012 - what is tested is the error at the end of a block

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstory import Database, Event, Refused, State, Tag, command, connect
from backstory.errors import BackstoryError, Conflict, IdReused
from tests.faces.conftest import Face


class Moved(Event, name="atomic.moved"):
    account: Tag[str]
    cents: int


class Purse(State):
    account: Tag[str]
    balance: int = 0

    def apply(self, event: Moved) -> None:
        self.balance += event.cents


@command
def deposit(purse: Purse, cents: int) -> Moved:
    return Moved(purse.account, cents)


@command
def withdraw(purse: Purse, cents: int) -> Iterator[Moved]:
    if purse.balance < cents:
        raise Refused("insufficient funds")
    yield Moved(purse.account, -cents)


@command
def top_up(purse: Purse, cents: int) -> Moved | None:
    return Moved(purse.account, cents - purse.balance) if purse.balance < cents else None


@command
def copied(one: Purse, other: Purse) -> Moved:
    return Moved(other.account, one.balance)


def balance(db: Database, account: str) -> int:
    return db.load(Purse(account)).balance


def test_each_command_decides_on_what_the_earlier_ones_gave(db: Database) -> None:
    with db.atomic() as tx:
        first = tx.execute(deposit(Purse("a"), 5), author="ann", message="in")
        second = tx.execute(withdraw(Purse("a"), 3))
        assert tx.load(Purse("a")).balance == 2
        assert (first.commit, second.events) == (None, [Moved("a", -3)])
    assert balance(db, "a") == 2
    commits = list(db.commits())
    assert [first.commit, second.commit] == commits
    assert [commit.author for commit in commits] == ["ann", ""]
    assert [commit.condition.after for commit in commits if commit.condition] == [0, 0]
    assert first.commit is not None
    assert first.commit.new


def test_nothing_is_kept_if_a_command_refuses_or_the_block_raises(db: Database) -> None:
    with pytest.raises(Refused, match="insufficient"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
        tx.execute(withdraw(Purse("a"), 6))
    with pytest.raises(ZeroDivisionError), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
        _ = 1 / 0
    assert db.head().position == 0


def test_a_refusal_that_the_block_catches_is_raised_at_its_end(db: Database) -> None:
    with pytest.raises(Refused, match="insufficient"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
        with pytest.raises(Refused):
            tx.execute(withdraw(Purse("a"), 6))
    assert db.head().position == 0


def test_on_a_conflict_all_commands_are_decided_again(db: Database) -> None:
    db.append(Moved("a", 1))
    with db.atomic() as tx:
        tx.execute(copied(Purse("a"), Purse("b")))
        tx.execute(copied(Purse("b"), Purse("c")))
        db.append(Moved("a", 10))
    assert (balance(db, "b"), balance(db, "c")) == (11, 11)


def test_a_command_that_refuses_when_it_is_decided_again_refuses_all(db: Database) -> None:
    db.append(Moved("a", 5))
    with pytest.raises(Refused, match="insufficient"), db.atomic() as tx:
        tx.execute(deposit(Purse("b"), 5))
        tx.execute(withdraw(Purse("a"), 5))
        db.append(Moved("a", -1))
    assert balance(db, "b") == 0


def test_events_that_the_block_has_looked_at_stay_or_it_is_a_conflict(db: Database) -> None:
    with pytest.raises(Conflict), db.atomic() as tx:
        assert tx.execute(copied(Purse("a"), Purse("b"))).events == [Moved("b", 0)]
        db.append(Moved("a", 10))
    assert balance(db, "b") == 0
    with db.atomic() as tx:
        assert tx.execute(deposit(Purse("a"), 1)).events == [Moved("a", 1)]
        db.append(Moved("a", 10))
    assert balance(db, "a") == 21


def test_what_does_not_concern_the_commands_is_no_conflict(db: Database) -> None:
    with db.atomic() as tx:
        assert tx.execute(copied(Purse("a"), Purse("b"))).events == [Moved("b", 0)]
        db.append(Moved("z", 10))
    assert db.head().position == 2


def test_a_decision_to_do_nothing_is_protected_too(db: Database) -> None:
    db.append(Moved("a", 10))
    with db.atomic() as tx:
        nothing = tx.execute(top_up(Purse("a"), 10))
        tx.execute(deposit(Purse("b"), 1))
        db.append(Moved("a", -4))
    assert balance(db, "a") == 10
    assert nothing.commit is not None
    with db.atomic() as tx:
        assert tx.execute(top_up(Purse("a"), 10)).events == []
    assert db.head().position == 4


def test_a_unit_with_ids_happens_once(db: Database) -> None:
    def unit() -> list[bool]:
        with db.atomic() as tx:
            one = tx.execute(deposit(Purse("a"), 5), id="one")
            two = tx.execute(withdraw(Purse("a"), 5), id="two")
        assert one.commit is not None
        assert two.commit is not None
        return [one.commit.new, two.commit.new]

    assert unit() == [True, True]
    assert unit() == [False, False]
    assert db.head().position == 2


def test_a_unit_of_which_a_part_is_in_the_log_is_an_error(db: Database) -> None:
    db.execute(deposit(Purse("a"), 5), id="one")
    with pytest.raises(IdReused, match="without other commands of its unit"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5), id="one")
        tx.execute(deposit(Purse("b"), 5), id="two")
    with pytest.raises(IdReused, match="another command"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 6), id="one")
    assert db.head().position == 1


def test_an_empty_block_appends_nothing_and_a_block_that_ended_takes_nothing(db: Database) -> None:
    with db.atomic() as tx:
        pass
    with pytest.raises(BackstoryError, match="has ended"):
        tx.execute(deposit(Purse("a"), 5))
    assert db.head().position == 0


def test_after_the_last_try_it_is_a_conflict(db: Database) -> None:
    with pytest.raises(Conflict), db.atomic(attempts=1) as tx:
        tx.execute(deposit(Purse("a"), 5))
        db.append(Moved("a", 10))
    assert balance(db, "a") == 10


def test_on_a_branch_and_in_a_what_if(db: Database) -> None:
    db.append(Moved("a", 10))
    branch = db.branch("trial")
    with branch.atomic() as tx:
        tx.execute(withdraw(Purse("a"), 3))
        tx.execute(deposit(Purse("b"), 3))
    assert (balance(branch, "a"), balance(branch, "b"), balance(db, "a")) == (7, 3, 10)
    with db.what_if() as guess:
        with guess.atomic() as tx:
            tx.execute(withdraw(Purse("a"), 10))
            tx.execute(top_up(Purse("a"), 1))
        assert balance(guess, "a") == 1
    assert balance(db, "a") == 10


def test_the_context_of_the_block_counts(face: Face, tmp_path: Path) -> None:
    db = face(connect(tmp_path / "test.db"))
    with db.context(author="ann"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
    assert [commit.author for commit in db.commits()] == ["ann"]
