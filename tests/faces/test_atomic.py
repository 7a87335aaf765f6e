"""Several commands as one: each on what the earlier ones gave, all in one batch, all again on a conflict.

On each store and each face; what does not only concern the caller also on a branch and in a what-if.
"""

# ruff: noqa: PT012 - what is tested is the error at the end of a block

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path

import pytest

from backstory import Author, Database, Event, NewId, Now, Refused, State, Tag, command, connect, provided
from backstory.errors import BackstoryError, BranchError, Conflict, IdReused, MissingInput
from backstory.history.check.verify import verify
from backstory.history.merge.merge import Options
from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from tests.faces.conftest import Face
from tests.postgres.schemas import schemas
from tests.watched import LoopWatch, watched


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


@command(name="atomic.withdraw")
def withdraw(purse: Purse, cents: int) -> Iterator[Moved]:
    if purse.balance < cents:
        raise Refused("insufficient funds")
    yield Moved(purse.account, -cents)


@command
def top_up(purse: Purse, cents: int) -> Moved | None:
    return Moved(purse.account, cents - purse.balance) if purse.balance < cents else None


@command
def signed(purse: Purse, by: Author = provided) -> Moved:
    return Moved(purse.account, len(by))


@command
def copied(one: Purse, other: Purse) -> Moved:
    return Moved(other.account, one.balance)


class Issued(Event, name="atomic.issued"):
    account: Tag[str]
    card: str
    time: datetime


class Cards(State):
    account: Tag[str]
    known: list[str] = []

    def apply(self, event: Issued) -> None:
        self.known = [*self.known, event.card]


@command
def issue(cards: Cards, new: NewId = provided, now: Now = provided) -> Issued:
    return Issued(cards.account, f"{len(cards.known)}-{new}", now)


def balance(db: Database, account: str) -> int:
    return db.load(Purse(account)).balance


STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(),
    "sqlite": lambda folder: SqliteStore(folder / "test.db"),
    "postgres": lambda folder: schemas().open(folder),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, of which no event loop asks anything itself."""
    watch = LoopWatch()
    yield watched(STORES[request.param](tmp_path), watch)
    if request.node.callspec.params.get("face") != "sync":
        assert watch.blocked == []


PLACES: dict[str, Callable[[Database], AbstractContextManager[Database]]] = {
    "main": nullcontext,
    "branch": lambda db: nullcontext(db.branch("trial")),
    "what_if": lambda db: db.what_if(),
}


@pytest.fixture(params=PLACES)
def place(db: Database, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A line of history without an event, that units go into."""
    with PLACES[request.param](db) as place:
        yield place


def test_each_command_decides_on_what_the_earlier_ones_gave(place: Database) -> None:
    with place.atomic() as tx:
        first = tx.execute(deposit(Purse("a"), 5), author="ann", message="in")
        second = tx.execute(withdraw(Purse("a"), 3))
        assert tx.load(Purse("a")).balance == 2
        assert (first.commit, second.events) == (None, [Moved("a", -3)])
    assert balance(place, "a") == 2
    commits = list(place.commits())
    assert [first.commit, second.commit] == commits
    assert [commit.author for commit in commits] == ["ann", ""]
    assert [commit.condition.after for commit in commits if commit.condition] == [0, 0]
    assert first.commit is not None
    assert first.commit.new


def test_nothing_is_kept_if_a_command_refuses_or_the_block_raises(place: Database) -> None:
    with pytest.raises(Refused, match="insufficient"), place.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
        tx.execute(withdraw(Purse("a"), 6))
    with pytest.raises(ZeroDivisionError), place.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
        _ = 1 / 0
    assert place.head().position == 0


def test_a_refusal_that_the_block_catches_is_raised_at_its_end(db: Database) -> None:
    with pytest.raises(Refused, match="insufficient"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
        with pytest.raises(Refused):
            tx.execute(withdraw(Purse("a"), 6))
    assert db.head().position == 0


def test_on_a_conflict_all_commands_are_decided_again(place: Database) -> None:
    place.append(Moved("a", 1))
    with place.atomic() as tx:
        tx.execute(copied(Purse("a"), Purse("b")))
        tx.execute(copied(Purse("b"), Purse("c")))
        place.append(Moved("a", 10))
    assert (balance(place, "b"), balance(place, "c")) == (11, 11)


def test_a_command_that_refuses_when_it_is_decided_again_refuses_all(place: Database) -> None:
    place.append(Moved("a", 5))
    with pytest.raises(Refused, match="insufficient"), place.atomic() as tx:
        tx.execute(deposit(Purse("b"), 5))
        tx.execute(withdraw(Purse("a"), 5))
        place.append(Moved("a", -1))
    assert balance(place, "b") == 0


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


def test_a_decision_to_do_nothing_is_protected_too(place: Database) -> None:
    place.append(Moved("a", 10))
    with place.atomic() as tx:
        nothing = tx.execute(top_up(Purse("a"), 10))
        tx.execute(deposit(Purse("b"), 1))
        place.append(Moved("a", -4))
    assert balance(place, "a") == 10
    assert nothing.commit is not None
    with place.atomic() as tx:
        assert tx.execute(top_up(Purse("a"), 10)).events == []
    assert place.head().position == 4


def test_a_unit_with_ids_happens_once(place: Database) -> None:
    def unit() -> list[bool]:
        with place.atomic() as tx:
            one = tx.execute(deposit(Purse("a"), 5), id="one")
            two = tx.execute(withdraw(Purse("a"), 5), id="two")
        assert one.commit is not None
        assert two.commit is not None
        return [one.commit.new, two.commit.new]

    assert unit() == [True, True]
    assert unit() == [False, False]
    assert place.head().position == 2


def test_a_unit_of_which_a_part_is_in_the_log_is_an_error(place: Database) -> None:
    place.execute(deposit(Purse("a"), 5), id="one")
    with pytest.raises(IdReused, match="without other commands of its unit"), place.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5), id="one")
        tx.execute(deposit(Purse("b"), 5), id="two")
    with pytest.raises(IdReused, match="another command"), place.atomic() as tx:
        tx.execute(deposit(Purse("a"), 6), id="one")
    assert place.head().position == 1


def test_an_empty_block_appends_nothing_and_a_block_that_ended_takes_nothing(db: Database) -> None:
    with db.atomic() as tx:
        pass
    with pytest.raises(BackstoryError, match="has ended"):
        tx.execute(deposit(Purse("a"), 5))
    with pytest.raises(BackstoryError, match="has ended"):
        tx.load(Purse("a"))
    assert db.head().position == 0


@pytest.mark.parametrize("attempts", [0, 1])
def test_after_the_last_try_it_is_a_conflict(db: Database, attempts: int) -> None:
    with pytest.raises(Conflict), db.atomic(attempts) as tx:
        tx.execute(deposit(Purse("a"), 5))
        db.append(Moved("a", 10))
    assert balance(db, "a") == 10


def test_a_unit_on_a_branch_knows_the_events_of_its_base_and_leaves_it_alone(db: Database) -> None:
    db.append(Moved("a", 10))
    db.execute(deposit(Purse("b"), 5), id="one")
    for name, open_place in PLACES.items():
        if name == "main":
            continue
        with open_place(db) as place:
            with place.atomic() as tx:
                assert not tx.execute(deposit(Purse("b"), 5), id="one").draft
                assert tx.execute(top_up(Purse("a"), 10)).does_nothing
            with place.atomic() as tx:
                tx.execute(withdraw(Purse("a"), 10))
                tx.execute(top_up(Purse("a"), 1))
            assert (balance(place, "a"), balance(place, "b")) == (1, 5)
    assert (balance(db, "a"), db.head().position) == (10, 2)


def test_inputs_are_drawn_once_and_stay_at_each_try(place: Database) -> None:
    with place.atomic() as tx:
        one, two = tx.execute(issue(Cards("a"))), tx.execute(issue(Cards("a")))
        drawn = [one.command.inputs, two.command.inputs]
        place.append(Issued("a", "x", drawn[0]["now"]))
    cards = place.load(Cards("a")).known
    assert cards == ["x", f"1-{drawn[0]['new']}", f"2-{drawn[1]['new']}"]
    assert one.commit is not None
    assert one.commit.command is not None
    assert one.commit.command["inputs"]["new"] == drawn[0]["new"] != drawn[1]["new"]


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_the_same_unit_of_two_callers_at_once_happens_once(place: Database, moment: str) -> None:
    def other() -> None:
        with place.atomic() as tx:
            tx.execute(issue(Cards("a")), id="one")
            tx.execute(issue(Cards("a")), id="two")

    with place.atomic() as tx:
        if moment == "before":
            other()
        one = tx.execute(issue(Cards("a")), id="one")
        if moment == "between":
            other()
        two = tx.execute(issue(Cards("a")), id="two")
        if moment == "after":
            other()
    assert [one.commit, two.commit] == list(place.commits())
    assert [card.partition("-")[0] for card in place.load(Cards("a")).known] == ["0", "1"]


def test_the_execution_of_another_caller_under_an_id_of_the_unit_is_known_to_its_other_commands(
    place: Database,
) -> None:
    with place.atomic() as tx:
        place.execute(deposit(Purse("a"), 5), id="one")
        tx.execute(deposit(Purse("a"), 5), id="one")
        assert tx.execute(top_up(Purse("a"), 5)).does_nothing
    assert balance(place, "a") == 5


def test_two_commands_of_a_unit_have_two_ids(db: Database) -> None:
    with pytest.raises(IdReused, match="another command of this unit"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5), id="one")
        tx.execute(deposit(Purse("a"), 5), id="one")
    assert db.head().position == 0


def test_a_command_that_lacks_an_input_ends_the_unit_too(db: Database) -> None:
    with pytest.raises(MissingInput), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
        with pytest.raises(MissingInput):
            tx.execute(signed(Purse("a")))
    assert db.head().position == 0


def test_a_block_in_a_block_is_a_unit_of_its_own(place: Database) -> None:
    with pytest.raises(ZeroDivisionError), place.atomic() as tx:
        tx.execute(copied(Purse("a"), Purse("b")))
        with place.atomic() as inner:
            inner.execute(deposit(Purse("a"), 5))
            inner.execute(withdraw(Purse("a"), 2))
        assert tx.load(Purse("a")).balance == 0
        _ = 1 / 0
    assert (balance(place, "a"), balance(place, "b")) == (3, 0)
    with place.atomic() as tx:
        tx.execute(copied(Purse("a"), Purse("b")))
        with place.atomic() as inner:
            inner.execute(deposit(Purse("a"), 5))
    assert (balance(place, "a"), balance(place, "b")) == (8, 8)


def test_units_of_many_callers_at_once_lose_nothing(place: Database) -> None:
    place.append(Moved("a", 100))

    def move(_: int) -> None:
        with place.atomic(attempts=1_000) as tx:
            tx.execute(withdraw(Purse("a"), 10))
            tx.execute(deposit(Purse("b"), 10))
            tx.execute(copied(Purse("b"), Purse("c")))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(move, range(8)))
    assert (balance(place, "a"), balance(place, "b")) == (20, 80)
    assert balance(place, "c") == sum(range(10, 90, 10))


def test_commands_of_one_block_that_come_at_once_are_decided_one_after_the_other(db: Database) -> None:
    inside: list[int] = []

    @command
    def slow_deposit(purse: Purse, cents: int) -> Moved:
        inside.append(cents)
        time.sleep(0.005)  # another thread would come in
        assert len(inside) == 1
        inside.clear()
        return Moved(purse.account, cents)

    db.append(Moved("a", 5))
    with ThreadPoolExecutor(4) as threads, db.atomic() as tx:
        list(threads.map(lambda cents: tx.execute(slow_deposit(Purse("b"), cents)), [1] * 8))
        tx.execute(copied(Purse("b"), Purse("c")))
    assert (balance(db, "b"), balance(db, "c")) == (8, 8)
    with pytest.raises(Refused), db.atomic() as tx, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda cents: tx.execute(withdraw(Purse("a"), cents)), [1] * 8))
    assert balance(db, "a") == 5


def test_a_unit_that_is_merged_is_decided_again_with_the_states_that_each_command_knew(db: Database) -> None:
    db.append(Moved("a", 1))
    trial = db.branch("trial")
    with trial.atomic() as tx:
        tx.execute(copied(Purse("a"), Purse("b")))
        tx.execute(copied(Purse("b"), Purse("c")))
    db.append(Moved("a", 9))
    report = db.merge("trial", Options(resolution="redecide"))
    assert [step.before["one"].balance for step in report.steps] == [1, 1]
    assert [step.after["one"].balance for step in report.steps] == [10, 10]
    assert (balance(db, "b"), balance(db, "c")) == (10, 10)
    assert verify(db.store).problems == []


def test_the_context_of_the_block_counts(face: Face, tmp_path: Path) -> None:
    db = face(connect(tmp_path / "test.db"))
    with db.context(author="ann"), db.atomic() as tx:
        tx.execute(deposit(Purse("a"), 5))
    assert [commit.author for commit in db.commits()] == ["ann"]


def test_a_unit_follows_a_branch_that_is_moved_unless_the_block_has_seen_other_events(db: Database) -> None:
    db.append(Moved("z", 1))
    trial = db.branch("trial")
    trial.append(Moved("a", 5))
    with pytest.raises(BranchError, match="run the block again"), trial.atomic() as tx:
        assert tx.execute(copied(Purse("a"), Purse("c"))).events == [Moved("c", 5)]
        db.append(Moved("a", 2))
        db.switch("trial").rebase("main")
    assert balance(trial, "c") == 0
    with trial.atomic() as tx:
        tx.execute(copied(Purse("a"), Purse("b")))
        db.append(Moved("a", 1))
        db.switch("trial").rebase("main")
    assert (balance(trial, "b"), trial.head().position) == (8, 5)


def test_a_context_around_a_command_counts_for_it_at_each_try(place: Database) -> None:
    with place.atomic() as tx:
        with place.context(author="ann", reason="audit"):
            tx.execute(copied(Purse("a"), Purse("b")))
        tx.execute(copied(Purse("a"), Purse("c")), author="bob")
        place.append(Moved("a", 1), author="cy")
    commits = list(place.commits())
    assert [(commit.author, commit.metadata) for commit in commits] == [
        ("cy", {}),
        ("ann", {"reason": "audit"}),
        ("bob", {}),
    ]
