"""Recorded commands are run again with the code as it is now: what comes out otherwise, and what follows from that."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backstory import (
    Author,
    Database,
    Event,
    NewId,
    Now,
    Random,
    Refused,
    Secret,
    State,
    Tag,
    command,
    provided,
)
from backstory.decide.commands import CommandType
from backstory.decide.register import clashes, definitions, redefining
from backstory.errors import InputError, UnknownRevision
from backstory.history.backtest import passing
from backstory.history.backtest import run as running
from backstory.history.backtest.patched import PatchedLog
from backstory.history.backtest.report import Report
from backstory.history.backtest.run import Backtest
from backstory.history.forget.withholding import withhold
from backstory.history.merge.merge import Options
from backstory.lookup import events_of
from backstory.store import Store
from backstory.values.event_data import EventData
from backstory.verbs.debugging import backtesting
from tests.history.ledger import Book, Entered, clock, draw, enter, ids, ledger, move, secrets


class Drawn(Event, name="backtest.drawn"):
    lot: Tag[str]
    number: int
    by: str
    id: str
    at: str


class Lot(State):
    lot: Tag[str]
    numbers: list[int] = []

    def apply(self, event: Drawn) -> None:
        self.numbers = [*self.numbers, event.number]


@command(name="backtest.draw_lot")
def draw_lot(
    lot: Lot, by: Author = provided, id: NewId = provided, chance: Random = provided, now: Now = provided
) -> Drawn:
    return Drawn(lot.lot, chance.randrange(10**9), by, id, now.isoformat())


@command(name="backtest.unlock")
def unlock(lot: Lot, code: Secret[str]) -> Drawn:
    return Drawn(lot.lot, len(code), "", "", "")


@pytest.fixture
def db(store: Store) -> Database:
    return Database(store, clock=clock(), ids=ids(), secrets=secrets())


def named(function: Callable[..., Any], name: str) -> dict[str, CommandType[...]]:
    return {name: CommandType(function, name=name)}


def halved(book: Book, number: int) -> Iterator[Entered]:
    """Half as much is entered."""
    yield Entered(book.book, number // 2, book.seen)


def careful(book: Book, number: int) -> Iterator[Entered]:
    """Nobody draws more than half."""
    if book.total < 2 * number:
        raise Refused("that is more than half")
    yield Entered(book.book, -number, 0)


def totals(report: Report) -> dict[str, Any]:
    """The totals of books that come out otherwise."""
    return {one.reference.book: change.after for one in report.states for change in one.difference.changes
            if change.path == ("total",) and isinstance(one.reference, Book)}  # fmt: skip


def outcomes(report: Report) -> dict[str, int]:
    return {outcome: number for outcome, number in report.counts.items() if number}


def test_unchanged_code_decides_the_same(db: Database) -> None:
    db.execute(enter(Book("a"), 5))
    db.append(Entered("a", 7, 0))
    db.execute(move(Book("a"), Book("b"), 3), author="ann")
    with db.atomic() as tx:
        tx.execute(draw(Book("a"), 1))
        tx.execute(draw(Book("a"), 1))
    for each in (False, True):
        report = db.backtest(each=each)
        assert outcomes(report) == {"same": 4}
        assert (report.taken, report.steps, report.states, report.differs) == (1, (), (), False)
        assert (report.is_whole, report.end) == (True, db.head().position)


def test_time_ids_chance_and_author_come_from_the_record(db: Database) -> None:
    for author in ("ann", "bob"):
        db.execute(draw_lot(Lot("l-1")), author=author)
    assert outcomes(db.backtest()) == {"same": 2}


def test_a_decision_that_comes_out_otherwise_is_changed_and_later_ones_follow(db: Database) -> None:
    db.execute(enter(Book("a"), 8), id="one")
    db.execute(enter(Book("b"), 8), id="other")
    db.execute(draw(Book("a"), 6), id="two")
    report = db.backtest(replacing=named(halved, "ledger.enter"))
    assert [(step.commit.id, step.outcome) for step in report.steps] == [
        ("one", "changed"),
        ("other", "changed"),
        ("two", "follows"),
    ]
    assert report.steps[2].words == "not that much"
    assert totals(report) == {"a": 4, "b": 4}


def test_with_each_every_command_decides_on_the_history_as_it_was(db: Database) -> None:
    db.execute(enter(Book("a"), 8), id="one")
    db.execute(draw(Book("a"), 6), id="two")
    report = db.backtest(replacing=named(halved, "ledger.enter"), each=True)
    assert outcomes(report) == {"same": 1, "changed": 1}
    [step] = report.steps
    assert step.commit.id == "one"
    [changed] = step.states
    assert [(c.path, c.before, c.after) for c in changed.difference.changes if c.path == ("total",)] == [
        (("total",), 8, 4)
    ]
    assert report.states == ()


def test_a_refused_decision_leaves_its_events_out(db: Database) -> None:
    db.execute(enter(Book("a"), 10))
    db.execute(draw(Book("a"), 6), id="refused")
    db.execute(draw(Book("a"), 4), id="now-fine")
    report = db.backtest(replacing=named(careful, "ledger.draw"))
    assert [(step.commit.id, step.outcome, step.words, step.size) for step in report.steps] == [
        ("refused", "refused", "that is more than half", 0)
    ]
    assert outcomes(report) == {"same": 2, "refused": 1}
    each = db.backtest(replacing=named(careful, "ledger.draw"), each=True)
    assert [(step.commit.id, step.outcome) for step in each.steps] == [
        ("refused", "refused"),
        ("now-fine", "refused"),
    ]
    assert totals(report) == {"a": 6}


def test_more_events_than_there_were_and_fewer_are_read_by_later_decisions_in_their_place(
    db: Database,
) -> None:
    db.execute(enter(Book("a"), 4))
    db.execute(move(Book("a"), Book("b"), 4))
    db.execute(enter(Book("b"), 1), id="late")

    def thrice(book: Book, number: int) -> Iterator[Entered]:
        yield from (Entered(book.book, number, each) for each in range(3))

    def merged(source: Book, target: Book, number: int) -> list[Entered]:
        return [Entered(target.book, number, source.total)]

    others = named(thrice, "ledger.enter") | named(merged, "ledger.move")
    report = db.backtest(replacing=others)
    assert [(step.outcome, step.size) for step in report.steps] == [
        ("changed", 3),
        ("changed", 1),
        ("changed", 3),
    ]
    assert report.steps[1].events[0].data == b'{"book":"b","number":4,"seen":12}'
    assert totals(report) == {"a": 12, "b": 7}


def test_only_the_command_that_is_asked_for_is_run_again(db: Database) -> None:
    db.execute(enter(Book("a"), 8))
    db.execute(draw(Book("a"), 6))
    report = db.backtest(replacing=named(halved, "ledger.enter"), command="ledger.draw")
    assert (outcomes(report), report.taken) == ({"same": 1}, 1)
    with pytest.raises(InputError, match=r"did you mean ledger\.draw"):
        db.backtest(command="ledger.drwa")


def test_a_range_is_a_part_of_one_history(db: Database) -> None:
    for number in range(4):
        db.execute(enter(Book("a"), number))
    plan = db.branch("plan", at=2)
    plan.execute(enter(Book("a"), 9))
    assert [report_of(db, text) for text in (None, "#2", "#1..#3", "main~1..", "main..plan", "plan")] == [
        (0, 4, 4),
        (0, 2, 2),
        (1, 3, 2),
        (3, 4, 1),
        (2, 3, 1),
        (0, 3, 3),
    ]
    for wrong in ("#3..#1", "#1...#3", "#1..#99", "nowhere"):
        with pytest.raises(UnknownRevision):
            db.backtest(wrong)


def report_of(db: Database, text: str | None) -> tuple[int, int, int]:
    report = db.backtest(text)
    return report.start, report.end, report.counts["same"]


def test_what_cannot_run_is_said_with_the_reason_and_stays_as_it_was(db: Database) -> None:
    db.execute(enter(Book("a"), 1), id="forgotten")
    db.execute(unlock(Lot("l-1"), "1234"), id="secret")
    db.execute(enter(Book("b"), 1), id="data")
    db.execute(move(Book("c"), Book("d"), 1), id="unknown")
    db.execute(draw(Book("d"), 1), id="fails")
    for id, part in (("forgotten", "command"), ("data", "data")):
        commit = db.point(id).commit
        assert commit is not None
        withhold(db.branches, commit, [part])

    def fails(book: Book, number: int) -> Iterator[Entered]:
        raise ZeroDivisionError(str(number))

    known = {name: kind for name, kind in definitions.items() if name != "ledger.move"}
    report = Database(db.store).backtest(commands=known, replacing=named(fails, "ledger.draw"))
    assert [(step.commit.id, step.stuck) for step in report.steps] == [
        ("forgotten", "withheld"),
        ("secret", "secret"),
        ("data", "withheld"),
        ("unknown", "unknown"),
        ("fails", "failed"),
    ]
    assert report.reasons == {"withheld": 2, "secret": 1, "unknown": 1, "failed": 1}
    assert "ZeroDivisionError: 1" in report.steps[4].words
    assert not report.differs


def test_a_state_that_cannot_be_read_stops_only_the_decisions_on_it(db: Database) -> None:
    db.execute(enter(Book("a"), 1), id="gone")
    db.execute(enter(Book("a"), 1), id="on it")
    db.execute(enter(Book("b"), 1), id="beside it")
    commit = db.point("gone").commit
    assert commit is not None
    withhold(db.branches, commit, ["data"])
    report = Database(db.store).backtest()
    assert [(step.commit.id, step.stuck) for step in report.steps] == [
        ("gone", "withheld"),
        ("on it", "unreadable"),
    ]
    assert report.counts["same"] == 1


def test_events_are_compared_as_values_and_not_as_bytes(db: Database) -> None:
    db.execute(enter(Book("a"), 1))
    [stored] = db.log.read()
    spaced = EventData(stored.type, 1, stored.tags, b'{ "seen": 0, "number": 1, "book": "a" }')
    other = ledger()
    from backstory.values.commit import draft

    commit = db.point("HEAD").commit
    assert commit is not None
    drafted = draft([spaced], id="x", time=commit.authored, command=commit.command_json)
    other.log.append([(drafted,)])
    assert outcomes(other.backtest()) == {"same": 1}


def test_nothing_is_left_in_the_store(db: Database) -> None:
    db.execute(enter(Book("a"), 8))
    db.execute(draw(Book("a"), 6))
    before = [*db.store.refs.list().items(), *db.store.logs(), *db.store.caches.names(), db.head()]
    db.backtest(replacing=named(halved, "ledger.enter"))
    half = backtesting(db, replacing=named(halved, "ledger.enter"))
    next(iter(half))
    del half
    assert [*db.store.refs.list().items(), *db.store.logs(), *db.store.caches.names(), db.head()] == before


def test_the_answer_so_far_is_known_at_any_time(db: Database) -> None:
    for _ in range(4):
        db.execute(enter(Book("a"), 8))
    run = backtesting(db, replacing=named(halved, "ledger.enter"))
    for _ in itertools.islice(run, 2):
        pass
    report = run.report()
    assert (report.at, report.is_whole, outcomes(report)) == (2, False, {"changed": 2})
    assert [change.after for change in report.states[0].difference.changes if change.path == ("total",)] == [
        8
    ]


def test_progress_tells_each_position(db: Database) -> None:
    for _ in range(3):
        db.execute(enter(Book("a"), 8))
    seen: list[int] = []
    db.backtest(progress=seen.append)
    assert seen == [1, 2, 3]


def test_a_report_is_bounded_and_counts_the_rest(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "STEPS", 3)
    monkeypatch.setattr(running, "STATES", 2)
    monkeypatch.setattr(running, "DIFFERENT", 1)
    for number in range(6):
        db.execute(enter(Book(f"b-{number}"), 8))
    report = db.backtest(replacing=named(halved, "ledger.enter"))
    assert (len(report.steps), report.more, len(report.states), report.more_states) == (3, 3, 1, True)


def test_a_state_that_is_looked_at_already_is_none_that_was_left_out(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "STATES", 1)
    for _ in range(2):
        db.execute(enter(Book("a"), 8))
    assert not db.backtest(replacing=named(halved, "ledger.enter")).more_states


def test_a_merge_that_decided_again_and_a_cherry_pick_are_the_same_again(db: Database) -> None:
    db.execute(enter(Book("a"), 1))
    plan = db.branch("plan")
    plan.execute(enter(Book("b"), 2), id="picked")
    plan.execute(enter(Book("a"), 3))
    db.execute(enter(Book("a"), 9))
    db.cherry_pick("picked")
    db.merge("plan", Options(resolution="redecide"))
    assert outcomes(db.backtest()) == {"same": 4}


def test_a_trial_can_be_backtested(db: Database) -> None:
    db.execute(enter(Book("a"), 1))
    with db.what_if() as trial:
        trial.execute(enter(Book("a"), 2))
        assert outcomes(trial.backtest()) == {"same": 2}


def test_rows_of_tables_are_the_same_again(db: Database) -> None:
    table = db.table("people", unique=["name"])
    table.insert("p-1", {"name": "Ann"})
    table.patch("p-1", {"city": "Ulm"})
    table.upsert_many([("p-2", {"name": "Cy"}), ("p-3", {"name": "Di"})])
    table.delete("p-1")
    assert outcomes(db.backtest()) == {"same": 4}


def test_commands_are_redefined_in_a_block_only() -> None:
    was = definitions["ledger.enter"]
    with redefining():
        command(name="ledger.enter")(halved)
        assert definitions["ledger.enter"] is not was
    assert definitions["ledger.enter"] is was
    assert "ledger.enter" not in clashes


def test_a_log_with_replaced_decisions_reads_as_one_that_was_made_so(db: Database) -> None:
    made = ledger()
    log = PatchedLog(db.log)
    for number in range(30):
        commit = db.append(Entered(f"b-{number % 3}", number, 0), Entered("both", number, 0))
        if number % 4:
            made.append(Entered(f"b-{number % 3}", number, 0), Entered("both", number, 0))
            continue
        others = [Entered(f"b-{(number + each) % 3}", each, 1) for each in range(number % 5)]
        log.replace(commit, [db.handle.drafter.codec.encode(event) for event in others])
        if others:
            made.append(*others)
    for state in (Book("b-0"), Book("b-1"), Book("both"), Book("none")):
        query = state.query()
        found = [(event.type, event.data) for event in log.read(query)]
        assert found == [(event.type, event.data) for event in made.log.read(query)]
    assert [event.data for event in log.read()] == [event.data for event in made.log.read()]
    assert [event.position for event in log.read()] == sorted(event.position for event in log.read())
    assert len(list(log.read(limit=5))) == 5
    assert sum(one.events for one in log.counts()) == len(list(log.read())) != db.head().position


def test_the_steps_name_their_events(db: Database) -> None:
    db.execute(enter(Book("a"), 8))
    run = backtesting(db, replacing=named(halved, "ledger.enter"))
    assert isinstance(run, Backtest)
    for _ in run:
        pass
    [step] = run.report().steps
    assert [event.position for event in events_of(run.log, step.commit)] == [1]
    assert repr(run.report()) == "<Report #0..#1: 1 changed>"


def interleaved(db: Database) -> None:
    """Decisions on many books, one after the other, with facts and moves between."""
    books = [Book(f"k-{number}") for number in range(6)]
    for turn in range(8):
        for number, book in enumerate(books):
            db.execute(enter(book, turn + number))
        db.append(Entered(f"k-{turn % 6}", 3, 0))
        db.execute(move(books[turn % 6], books[(turn + 1) % 6], 2))


def test_the_log_is_asked_only_for_events_that_have_not_passed_by(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    interleaved(db)
    line, asked = db.handle.now(), 0
    read = line.log.read

    def counted(*given: Any, **bounds: Any) -> Any:
        nonlocal asked
        asked += 1
        return read(*given, **bounds)

    monkeypatch.setattr(line.log, "read", counted)
    for replacing in ({}, named(halved, "ledger.enter")):
        for each in (False, True):
            asked = 0
            backtest = backtesting(db, replacing=replacing, each=each)
            assert sum(1 for _ in backtest) == 64
            assert asked <= 20, "once for all events, and for the states that a fact of others changed"


@pytest.mark.parametrize("most", [0, 3])
def test_a_backtest_is_the_same_where_it_remembers_little(
    db: Database, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    interleaved(db)
    ways: list[dict[str, Any]] = [
        {"replacing": replacing, "each": each, "range": range}
        for replacing in ({}, named(halved, "ledger.enter"), named(careful, "ledger.draw"))
        for each in (False, True)
        for range in (None, "#9..#40")
    ]
    wanted = [db.backtest(**way) for way in ways]
    monkeypatch.setattr(passing, "MOST", most)
    assert [db.backtest(**way) for way in ways] == wanted
    monkeypatch.setattr(passing.Passed, "rules_out", lambda *_: False)
    assert [db.backtest(**way) for way in ways] == wanted
