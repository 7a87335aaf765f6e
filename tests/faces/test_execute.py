"""Executing: what is appended, on which condition, what is tried again, and what happens once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backstory import Condition, Conflict, Database, Event, Query, Refused, State, Tag, command, connect
from backstory.decide.drafting import Said
from backstory.decide.execution import Executor
from backstory.decide.loading import Loader, Reads
from backstory.errors import DecisionError, IdReused, InvalidEvent
from backstory.history.check.verify import verify
from backstory.store import Record
from backstory.values.codec import PLAIN
from backstory.values.event_data import RecordedEvent
from tests.faces.steps import SteppedStore
from tests.state.bank import Account, Book, Deposited, Withdrawn, deposit, transfer, withdraw


class Numbered(Event, name="test.numbered"):
    number: int


class Numbers(State):
    next: int = 1

    def apply(self, event: Numbered) -> None:
        self.next = event.number + 1


@command
def number(numbers: Numbers) -> Numbered:
    return Numbered(numbers.next)


def test_an_id_is_of_the_same_request_after_a_parameter_got_another_name(db: Database) -> None:
    @command(name="execute.renamed")
    def before(account: Account, cents: int) -> Deposited:
        return Deposited(account.account, cents)

    @command(name="execute.renamed", renamed={"cents": "amount"})
    def now(account: Account, amount: int) -> Deposited:
        return Deposited(account.account, amount)

    first = db.execute(before(Account("a"), 5), id="once")
    assert db.execute(now(Account("a"), 5), id="once") == first
    with db.atomic() as tx:
        pending = tx.execute(now(Account("a"), 5), id="once")
    assert pending.commit == first
    with pytest.raises(IdReused):
        db.execute(now(Account("a"), 6), id="once")


def balances(db: Database, *names: str) -> list[int]:
    return [db.load(Account(name)).balance for name in names]


def interrupt(db: Database, *, times: int, by: Callable[[], object]) -> list[int]:
    """Let somebody append between a decision and its append, this many times; gives the count of decisions."""
    decided: list[int] = []
    executor = db.handle.tip.line.executor
    decide = executor.decide

    def slow(*arguments: Any) -> Any:
        decision = decide(*arguments)
        decided.append(decision.position)
        if len(decided) <= times:
            by()
        return decision

    executor.decide = slow  # type: ignore[method-assign, assignment]
    executor._sleep = lambda _seconds: None
    return decided


def test_a_command_is_decided_and_its_events_are_appended_as_one_commit(db: Database) -> None:
    assert db.execute(deposit(Account("a"), cents=500)) is not None
    commit = db.execute(
        transfer(Account("a"), Account("b"), 200), author="ann", message="rent", metadata={"k": 1}
    )
    assert commit is not None
    assert (commit.position, commit.size, commit.author, commit.message) == (3, 2, "ann", "rent")
    assert commit.metadata == {"k": 1}
    assert commit.command == {
        "name": "transfer",
        "arguments": {"source": {"account": "a"}, "target": {"account": "b"}, "cents": 200},
        "states": ["source", "target"],
    }
    assert commit.condition == Condition(Account("a").query() | Account("b").query(), 1)
    assert balances(db, "a", "b") == [300, 200]
    assert list(db.commits())[-1] == commit


def test_no_message_is_stored_but_the_one_that_is_given(db: Database) -> None:
    def message(**more: Any) -> str:
        commit = db.execute(deposit(Account("a"), cents=1), **more)
        assert commit is not None
        return commit.message

    assert message() == ""
    assert message(message="") == ""
    with db.context(message="the batch"):
        assert message() == "the batch"
        assert message(message="my own") == "my own"


def test_a_command_that_says_no_appends_nothing(db: Database) -> None:
    with pytest.raises(Refused, match="insufficient"):
        db.execute(withdraw(Account("a"), cents=1), id="try")
    assert db.head().position == 0
    db.execute(deposit(Account("a"), cents=1))
    assert db.execute(withdraw(Account("a"), cents=1), id="try") is not None


def test_a_command_that_decides_nothing_gives_no_commit(db: Database) -> None:
    @command
    def nothing(account: Account) -> Iterator[Deposited]:
        yield from ()

    assert db.execute(nothing(Account("a")), id="x") is None
    assert db.head().position == 0


def test_a_generator_that_fails_half_way_appends_nothing(db: Database) -> None:
    @command
    def half(account: Account) -> Iterator[Deposited]:
        yield Deposited(account.account, 1)
        raise ZeroDivisionError

    @command
    def wrong(account: Account) -> Iterator[Deposited]:
        yield Deposited(account.account, 1)
        yield Withdrawn(account.account, 1)  # type: ignore[misc]

    with pytest.raises(ZeroDivisionError):
        db.execute(half(Account("a")))
    with pytest.raises(DecisionError):
        db.execute(wrong(Account("a")))
    assert db.head().position == 0
    assert balances(db, "a") == [0]


def test_an_event_that_no_log_may_hold_appends_nothing(db: Database) -> None:
    @command
    def wrong(account: Account) -> list[Deposited]:
        return [Deposited(account.account, 1), Deposited(account.account, "much")]  # type: ignore[arg-type]

    with pytest.raises(InvalidEvent, match="much"):
        db.execute(wrong(Account("a")))
    assert db.head().position == 0


def test_an_argument_that_cannot_be_recorded_is_an_error_and_appends_nothing(db: Database) -> None:
    @command
    def wrong(account: Account, by: Any) -> Deposited:
        return Deposited(account.account, 1)

    with pytest.raises(InvalidEvent, match="wrong: by: Encoding objects of type object"):
        db.execute(wrong(Account("a"), object()))
    with pytest.raises(InvalidEvent, match="wrong: by: Encoding objects of type object"):
        db.execute(wrong(Account("a"), object()), id="x")
    assert db.head().position == 0


def test_a_command_without_states_is_appended_without_a_condition(db: Database) -> None:
    @command
    def note(text: str) -> Deposited:
        return Deposited(text, 1)

    commit = db.execute(note("a"))
    assert commit is not None
    assert commit.condition is None


def test_two_states_of_one_class_do_not_mix_even_if_they_are_the_same(db: Database) -> None:
    seen = []

    @command
    def look(one: Account, other: Account) -> Deposited:
        seen.append((one.balance, other.balance, one is other))
        one.balance = 1_000
        return Deposited(one.account, 1)

    db.append(Deposited("a", 1), Deposited("b", 2))
    db.execute(look(Account("a"), Account("b")))
    db.execute(look(Account("b"), Account("b")))
    db.execute(look(Account("a"), Account("b")))
    assert seen == [(1, 2, False), (2, 2, False), (2, 3, False)]
    assert balances(db, "a", "b") == [3, 3]


def test_what_a_command_does_to_its_states_nobody_sees(db: Database) -> None:
    @command
    def spoil(book: Book) -> Deposited:
        book.kinds.add("spoiled")
        book.lines.clear()
        return Deposited(book.account, 5)

    db.append(Deposited("a", 1))
    reference = Book("a")
    for _ in range(2):
        db.execute(spoil(reference))
        assert db.load(Book("a")).kinds == {"Deposited"}
    assert reference == Book("a")
    assert [line.cents for line in db.load(Book("a")).lines] == [[1], [5], [5]]


def test_a_loaded_state_may_be_an_argument_and_is_loaded_anew(db: Database) -> None:
    db.append(Deposited("a", 5))
    with connect_again(db) as other:
        loaded = db.load(Account("a"))
        other.execute(withdraw(loaded, 5))
        with pytest.raises(Refused):
            other.execute(withdraw(loaded, 5))
        assert balances(other, "a") == [0]


def connect_again(db: Database) -> Database:
    """Another object on the same store, which has no memory of it yet."""
    other = Database(SteppedStore(db.store))
    other._owns = False
    return other


def test_every_event_of_the_boundary_that_came_in_between_is_a_reason_to_decide_again(db: Database) -> None:
    db.append(Deposited("a", 5))
    other = connect_again(db)
    decided = interrupt(db, times=1, by=lambda: other.append(Withdrawn("a", 3)))
    with pytest.raises(Refused):
        db.execute(withdraw(Account("a"), 5))
    assert decided == [1]
    assert balances(db, "a") == [2]


def test_an_event_outside_of_the_boundary_is_no_reason_to_decide_again(db: Database) -> None:
    other = connect_again(db)
    decided = interrupt(db, times=1, by=lambda: other.append(Deposited("b", 3), Numbered(7)))
    db.execute(deposit(Account("a"), 5))
    assert decided == [0]
    assert balances(db, "a", "b") == [5, 3]


def test_it_is_tried_again_until_it_fits_and_what_it_decided_last_counts(db: Database) -> None:
    other = connect_again(db)
    decided = interrupt(db, times=3, by=lambda: other.execute(number(Numbers())))
    commit = db.execute(number(Numbers()))
    assert decided == [0, 1, 2, 3]
    assert commit is not None
    assert commit.condition == Condition(Query.of(["test.numbered"]), 3)
    assert [record.event.number for record in db.read()] == [1, 2, 3, 4]


@pytest.mark.parametrize("attempts", [1, 3])
def test_when_it_was_tried_often_enough_the_conflict_is_raised(db: Database, attempts: int) -> None:
    other = connect_again(db)
    decided = interrupt(db, times=99, by=lambda: other.execute(number(Numbers())))
    with pytest.raises(Conflict) as conflict:
        db.execute(number(Numbers()), attempts=attempts)
    assert len(decided) == attempts
    assert conflict.value.events[0].type == "test.numbered"
    assert [record.event.number for record in db.read()] == list(range(1, attempts + 1))


def test_pauses_are_random_and_bounded_however_often_it_is_tried() -> None:
    db = connect("memory:")
    pauses: list[float] = []
    loader = Loader(db.log)
    executor = Executor(loader, PLAIN, chance=lambda: 1.0, sleep=pauses.append)
    drafts = db.handle.drafter.for_command(number(Numbers()), Said("x"))

    def late(events: Any, condition: Any) -> Any:
        db.append(Numbered(0))
        return drafts(events, condition)

    with pytest.raises(Conflict):
        executor.execute(number(Numbers()), Reads([Numbers()]), late, db.handle.tip.append, attempts=1_101)
    assert len(pauses) == 1_100
    assert pauses[0] == 0.001
    assert pauses == sorted(pauses)
    assert pauses[-1] == 0.05


def test_with_an_id_it_happens_once(db: Database) -> None:
    first = db.execute(deposit(Account("a"), 5), id="once")
    assert db.execute(deposit(Account("a"), 5), id="once", author="another") == first
    assert balances(db, "a") == [5]
    db.execute(withdraw(Account("a"), 5), id="out")
    assert db.execute(withdraw(Account("a"), 5), id="out") is not None
    assert balances(db, "a") == [0]


def test_an_id_of_another_command_or_of_plain_facts_is_refused(db: Database) -> None:
    db.execute(deposit(Account("a"), 5), id="once")
    db.append(Deposited("b", 1), id="fact")
    for made, id in [
        (deposit(Account("a"), 6), "once"),
        (deposit(Account("b"), 5), "once"),
        (withdraw(Account("a"), 5), "once"),
        (deposit(Account("b"), 1), "fact"),
    ]:
        with pytest.raises(IdReused, match="another command"):
            db.execute(made, id=id)
    assert db.head().position == 2


def test_an_empty_id_is_no_id_at_all_and_refused(db: Database) -> None:
    with pytest.raises(InvalidEvent, match="commit id"):
        db.execute(deposit(Account("a"), 5), id="")
    with pytest.raises(InvalidEvent, match="commit id"):
        db.append(Deposited("a", 5), id="")


def test_an_id_is_known_after_the_store_was_opened_again(tmp_path: Path) -> None:
    with connect(str(tmp_path / "a.db")) as db:
        first = db.execute(deposit(Account("a"), 5), id="once")
    with connect(str(tmp_path / "a.db"), create=False) as db:
        assert db.execute(deposit(Account("a"), 5), id="once") == first
        with pytest.raises(IdReused):
            db.execute(deposit(Account("a"), 6), id="once")
        assert balances(db, "a") == [5]


@pytest.mark.parametrize("start", [0, 5])
def test_two_who_use_an_id_at_once_get_the_same_commit(db: Database, start: int) -> None:
    """Whether what the later one sees would let it decide the same again (deposit), or refuse (withdraw)."""
    other = connect_again(db)
    if start:
        db.append(Deposited("a", start))
    made = withdraw(Account("a"), start) if start else deposit(Account("a"), 5)
    balances(db, "a")
    looked: list[int] = []
    find = db.log.find

    def late(name: str) -> Any:
        found = find(name)
        if not looked:
            looked.append(1)
            other.execute(made, id="once")
        return found

    db.log.find = late  # type: ignore[method-assign]
    mine = db.execute(made, id="once")
    assert mine == next(db.log.commits(backwards=True, limit=1))
    assert balances(db, "a") == balances(connect_again(db), "a") == [0 if start else 5]


def test_many_who_use_an_id_at_once_get_the_same_commit(db: Database) -> None:
    start = threading.Barrier(8)

    def once(_: int) -> Any:
        start.wait()
        return db.execute(number(Numbers()), id="once")

    with ThreadPoolExecutor(8) as threads:
        commits = list(threads.map(once, range(8)))
    assert len({commit.hash for commit in commits}) == 1
    assert db.load(Numbers()).next == 2


def test_commit_times_do_not_go_back_when_the_clock_does() -> None:
    times = [dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)]
    with connect("memory:", clock=iter(times).__next__, ids=iter("xy").__next__) as db:
        first = db.execute(deposit(Account("a"), 1))
        second = db.execute(deposit(Account("a"), 1))
        assert first is not None
        assert second is not None
        assert (second.time, second.authored) == (times[0], times[1])
        assert [first.id, second.id] == ["x", "y"]
        assert verify(db.store).sound
        assert db.load(Account("a"), at=times[0]).balance == 2
        assert db.load(Account("a"), at=times[1]).balance == 0


def test_a_preview_gives_events_and_states_and_appends_nothing(db: Database) -> None:
    db.append(Deposited("a", 5))
    preview = db.preview(transfer(Account("a"), Account("b"), 2))
    assert preview.events == [Withdrawn("a", 2), Deposited("b", 2)]
    assert preview.before == {"source": Account("a", 5), "target": Account("b", 0)}
    assert preview.after == {"source": Account("a", 3), "target": Account("b", 2)}
    assert db.head().position == 1
    assert balances(db, "a", "b") == [5, 0]
    with pytest.raises(Refused):
        db.preview(withdraw(Account("a"), 6))


def test_a_preview_of_nothing_has_the_same_states_before_and_after(db: Database) -> None:
    @command
    def nothing(account: Account) -> None: ...

    preview = db.preview(nothing(Account("a")))
    assert (preview.events, preview.before) == ([], preview.after)


def test_a_preview_shows_a_state_the_record_that_there_would_be() -> None:
    class Trail(State):
        account: Tag[str]
        rows: list[tuple[int, str, str, dt.datetime]] = []

        def apply(self, event: Deposited, record: Record) -> None:
            self.rows.append((record.position, record.author, record.message, record.time))

    @command
    def pay(trail: Trail) -> list[Deposited]:
        return [Deposited(trail.account, 1), Deposited("other", 1), Deposited(trail.account, 1)]

    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with connect("memory:", clock=lambda: now) as db:
        db.append(Deposited("a", 1), author="bob")
        with db.context(author="ann"):
            preview = db.preview(pay(Trail("a")))
        rows = [(1, "bob", "", now), (2, "ann", "", now), (4, "ann", "", now)]
        assert preview.after["trail"] == Trail("a", rows)
        assert preview.before["trail"] == Trail("a", rows[:1])
        assert db.head().position == 1


def test_the_commit_is_given_though_a_state_cannot_apply_its_own_event(db: Database) -> None:
    class Fussy(State):
        account: Tag[str]

        def apply(self, event: Deposited) -> None:
            if event.cents == 13:
                raise ZeroDivisionError

    @command
    def pay(fussy: Fussy, cents: int) -> Deposited:
        return Deposited(fussy.account, cents)

    db.execute(pay(Fussy("a"), 1))
    assert db.execute(pay(Fussy("a"), 13)) is not None
    with pytest.raises(ZeroDivisionError):
        db.load(Fussy("a"))


def test_a_state_that_takes_stored_events_is_protected_as_well(db: Database) -> None:
    class Everything(State):
        account: Tag[str]
        types: list[str] = []

        def apply(self, event: RecordedEvent) -> None:
            self.types.append(event.type)

    @command
    def close(everything: Everything) -> Withdrawn:
        return Withdrawn(everything.account, len(everything.types))

    other = connect_again(db)
    decided = interrupt(db, times=1, by=lambda: other.append(Deposited("a", 1)))
    db.execute(close(Everything("a")))
    assert decided == [0, 1]
    assert [record.event for record in db.read()] == [Deposited("a", 1), Withdrawn("a", 1)]


def test_threads_on_one_counter_leave_no_gap_and_give_no_number_twice(db: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        commits = list(threads.map(lambda _: db.execute(number(Numbers())), range(80)))
    assert [record.event.number for record in db.read()] == list(range(1, 81))
    assert len({commit.id for commit in commits if commit is not None}) == 80
    assert db.load(Numbers()).next == 81
