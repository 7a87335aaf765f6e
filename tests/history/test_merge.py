"""Merge, rebase and cherry-pick: the ways out, what is remembered, and what happens at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backstory import Event, State, Tag, command
from backstory.database import Database
from backstory.decide.drafting import Said
from backstory.decide.register import definitions
from backstory.errors import BranchError, MergeConflict, UnknownRevision
from backstory.history.check.verify import verify
from backstory.history.merge.merge import MergeReport, Options
from backstory.history.refs.decisions import redecided
from backstory.store import Store, append
from backstory.stores.memory import MemoryStore
from backstory.stores.memory.log import MemoryLog
from backstory.stores.sqlite import SqliteStore
from backstory.unit import Outcome, Unit
from backstory.values.codec import PLAIN
from backstory.values.commit import draft
from backstory.values.event_data import encoded
from backstory.values.query import Condition, Query
from tests.history.ledger import Book, Entered, draw, enter, ledger, move, reported

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[MemoryStore, SqliteStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made: Store = SqliteStore(tmp_path / "history.db") if request.param is SqliteStore else MemoryStore()
    yield made
    made.close()


@pytest.fixture
def db(store: Store) -> Database:
    """Main, with 10 in each of two books."""
    made = ledger(store)
    made.execute(enter(Book("a"), 10))
    made.execute(enter(Book("b"), 10))
    return made


def outcomes(report: MergeReport) -> list[str]:
    """What became of each commit."""
    return [step.outcome for step in report.steps]


def conflicting(db: Database) -> Database:
    """A branch with a conflict about a, what relies on that, and something that does not."""
    side = db.branch("side")
    side.execute(draw(Book("a"), 3), message="first")
    side.execute(move(Book("a"), Book("c"), 1), message="relies on first")
    side.execute(enter(Book("b"), 7), message="other")
    db.execute(draw(Book("a"), 2))
    return side


def test_a_conflict_tells_all_there_is_to_know_and_appends_nothing(db: Database) -> None:
    conflicting(db)
    head = db.head()
    report = reported(db.merge, "side")
    assert outcomes(report) == ["conflict", "conflict", "clean"]
    assert (report.done, report.clean, report.commits) == (False, False, ())
    first, second = report.conflicts
    assert [event.type for event in first.in_the_way] == ["ledger.entered"]
    assert (first.before["book"].total, first.after["book"].total) == (10, 8)
    assert len(second.in_the_way) == 2  # what is new, and what would be missing
    assert db.head() == head
    assert [entry.kind for entry in db.branches.reflog.read("main")] == []


def test_an_answer_that_there_is_not_is_an_error() -> None:
    wrong: Any = "nonsense"
    with pytest.raises(ValueError, match="redecide, skip, force, not 'nonsense'"):
        Options(resolution=wrong)
    with pytest.raises(ValueError, match="redecide, skip, force, not 'nonsense'"):
        Options(resolutions={"id": wrong})
    with pytest.raises(ValueError, match="unconditioned is allow, overlap, refuse, not 'nonsense'"):
        Options(unconditioned=wrong)


def test_what_relied_on_a_skipped_commit_is_in_conflict(db: Database) -> None:
    side = db.branch("side")
    made = side.execute(enter(Book("a"), 1))
    side.execute(enter(Book("a"), 2))
    third = side.execute(enter(Book("c"), 3))
    db.execute(enter(Book("a"), 5))
    assert made
    assert third
    assert outcomes(reported(db.merge, "side", Options(resolutions={made.id: "skip"}))) == [
        "skipped",
        "conflict",
        "clean",
    ]
    report = db.merge("side", Options(resolution="skip"))
    assert outcomes(report) == ["skipped", "skipped", "clean"]
    assert [commit.id for commit in report.commits] == [third.id]


def test_what_was_skipped_stays_away_and_what_relies_on_it_later_is_in_conflict(db: Database) -> None:
    side = conflicting(db)
    assert db.merge("side", Options(resolution="skip")).done
    side.execute(enter(Book("d"), 1))
    assert outcomes(db.merge("side")) == ["settled", "settled", "known", "clean"]
    later = side.execute(enter(Book("c"), 1))
    report = reported(db.merge, "side")
    assert outcomes(report) == ["settled", "settled", "known", "known", "conflict"]
    assert later
    assert report.conflicts[0].commit.id == later.id
    assert not report.done


def test_a_branch_of_the_same_name_does_not_inherit_what_was_skipped(db: Database) -> None:
    old = db.branch("target")
    side = db.branch("side")
    side.execute(enter(Book("a"), 1))
    old.execute(enter(Book("a"), 2))
    assert outcomes(old.merge("side", Options(resolution="skip"))) == ["skipped"]
    assert outcomes(old.merge("side")) == ["settled"]
    db.branches.delete("target")
    new = db.branch("target")
    assert outcomes(new.merge("side")) == ["clean"]
    assert new.load(Book("a")).total == 11


def test_deciding_again_gives_the_same_something_else_or_a_refusal(db: Database) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 3))
    side.execute(enter(Book("a"), 1))
    side.execute(draw(Book("b"), 9))
    db.execute(enter(Book("a"), 5))
    db.execute(draw(Book("b"), 5))
    report = db.merge("side", Options(resolution="redecide"))
    assert outcomes(report) == ["same", "changed", "refused"]
    assert report.steps[2].reason == "not that much"
    same, changed = report.commits
    assert same.id == report.steps[0].commit.id
    assert changed.id == redecided(report.steps[1].commit.id)
    assert changed.metadata["redecided"] == report.steps[1].commit.id
    assert (db.load(Book("a")).total, db.load(Book("b")).total) == (13, 5)
    head = db.head()
    again = db.merge("side")
    assert (outcomes(again), again.done) == (["known", "known", "settled"], True)
    assert db.head() == head
    assert verify(db.store).problems == []


def test_a_preview_says_what_deciding_again_would_give_and_appends_nothing(db: Database) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 3))
    side.execute(enter(Book("a"), 1))
    side.execute(draw(Book("b"), 9))
    side.execute(enter(Book("c"), 1))
    side.append(Entered("a", 1, 0), condition=Condition(Query.of(tags=["book:a"]), side.head().position))
    db.execute(enter(Book("a"), 5))
    db.execute(draw(Book("b"), 5))
    head = db.head()
    report = db.merge("side", Options(preview=True))
    assert outcomes(report) == ["conflict", "conflict", "conflict", "clean", "conflict"]
    again = [None if step.again is None else step.again.outcome for step in report.steps]
    assert again == ["same", "changed", "refused", None, "conflict"]
    same, changed, refused, _, unable = [step.again for step in report.steps]
    assert same is not None
    assert changed is not None
    assert refused is not None
    assert unable is not None
    assert (refused.reason, same.events) == ("not that much", ())
    assert unable.reason == "no command made it, so it cannot be decided again"
    [event] = changed.events
    assert (event.type, event.tags) == ("ledger.entered", ("book:a",))
    assert (db.head(), report.done) == (head, False)
    skipped = db.merge("side", Options(preview=True, resolution="skip"))
    assert [step.again for step in skipped.steps] == [None] * 5
    with pytest.raises(MergeConflict):
        db.merge("side")
    for verb in (side.rebase, db.switch("side").rebase):
        rebased = verb("main", Options(preview=True))
        assert [step.again and step.again.outcome for step in rebased.steps] == again
    [picked] = db.cherry_pick("side~3", Options(preview=True)).steps
    assert picked.again is not None
    assert picked.again.outcome == "changed"
    assert db.head() == head


@command(name="ledger.fails")
def fails(book: Book) -> Iterator[Entered]:
    if book.total > 10:
        raise ZeroDivisionError("by hand")
    yield Entered(book.book, 1, 0)


def test_a_preview_tells_of_a_command_that_fails_where_a_merge_raises_its_error(db: Database) -> None:
    db.branch("side").execute(fails(Book("a")))
    db.execute(enter(Book("a"), 5))
    [step] = db.merge("side", Options(preview=True)).steps
    assert step.again is not None
    assert (step.again.outcome, step.again.reason) == (
        "conflict",
        "its command failed: ZeroDivisionError: by hand",
    )
    with pytest.raises(ZeroDivisionError):
        db.merge("side", Options(resolution="redecide"))


def test_what_relied_on_a_decision_that_turned_out_differently_is_in_conflict_later_too(db: Database) -> None:
    side = db.branch("side")
    side.execute(move(Book("a"), Book("c"), 1))
    db.execute(enter(Book("a"), 5))
    assert outcomes(db.merge("side", Options(resolution="redecide"))) == ["changed"]
    side.execute(enter(Book("c"), 1))
    report = reported(db.merge, "side")
    assert outcomes(report) == ["known", "conflict"]
    assert outcomes(db.merge("side", Options(resolution="redecide"))) == ["known", "changed"]


def test_the_longest_id_can_be_decided_again(db: Database) -> None:
    side = db.branch("side")
    side.execute(enter(Book("a"), 1), id="x" * 200)
    db.execute(enter(Book("a"), 5))
    assert outcomes(db.merge("side", Options(resolution="redecide"))) == ["changed"]
    assert outcomes(db.merge("side")) == ["known"]


def test_what_was_decided_again_twice_is_still_known(db: Database) -> None:
    side = db.branch("side")
    side.execute(enter(Book("a"), 1))
    third = db.branch("third")
    third.execute(enter(Book("a"), 2))
    db.execute(enter(Book("a"), 5))
    assert outcomes(db.merge("side", Options(resolution="redecide"))) == ["changed"]
    assert outcomes(third.merge("main", Options(resolution="redecide"))) == ["changed", "changed"]
    assert outcomes(third.merge("side")) == ["known"]


def test_force_needs_a_reason_which_the_reflog_keeps(db: Database) -> None:
    side = conflicting(db)
    first = next(side.commits(after=2))
    for options in (Options(resolution="force"), Options(resolutions={first.id: "force"})):
        with pytest.raises(BranchError, match="message"):
            db.merge("side", options)
        with pytest.raises(BranchError, match="message"):
            side.rebase("main", options)
        with pytest.raises(BranchError, match="message"):
            db.cherry_pick(first, options)
    report = db.merge("side", Options(resolution="force", message="checked by hand"))
    assert outcomes(report) == ["forced", "forced", "clean"]
    assert next(db.branches.reflog.read("main")).details["message"] == "checked by hand"
    assert verify(db.store).problems == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("allow", ["unchecked"] * 2), ("overlap", ["conflict", "unchecked"]), ("refuse", ["conflict"] * 2)],
)
def test_there_are_policies_for_what_has_no_condition(db: Database, policy: str, expected: list[str]) -> None:
    side = db.branch("side")
    side.append(Entered("a", 1, 0))
    side.append(Entered("c", 1, 0))
    db.append(Entered("a", 2, 0))
    report = reported(db.merge, "side", Options(unconditioned=policy))  # type: ignore[arg-type]
    assert outcomes(report) == expected
    forced = db.merge("side", Options(unconditioned=policy, resolution="force", message="fine"))  # type: ignore[arg-type]
    assert forced.done
    assert db.load(Book("a")).total == 13


def test_a_command_that_is_not_known_or_breaks_is_a_conflict_or_says_which(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = db.branch("side")
    side.execute(enter(Book("a"), 1))
    db.execute(enter(Book("a"), 5))
    report = reported(db.merge, "side", Options(resolution="redecide", commands={}))
    assert "not known here" in report.conflicts[0].reason
    assert reported(db.merge, "side", Options(commands={})).conflicts[0].stuck == report.conflicts[0].reason
    assert not reported(db.merge, "side").conflicts[0].stuck
    with pytest.raises(
        MergeConflict, match=r"did not know ledger\.entered, and the command ledger\.enter is not known"
    ):
        db.merge("side", Options(commands={}))
    monkeypatch.setattr(definitions["ledger.enter"], "function", lambda book, number: [number])
    report = reported(db.merge, "side", Options(resolution="redecide"))
    assert "cannot be run again" in report.conflicts[0].reason
    monkeypatch.setattr(definitions["ledger.enter"], "function", lambda book, number: 1 // 0)
    with pytest.raises(ZeroDivisionError) as error:
        db.merge("side", Options(resolution="redecide"))
    assert "decided again; skip it" in error.value.__notes__[0]
    assert db.head().position == 3


class Seated(Event, name="ledger.seated"):
    seat: Tag[UUID]


class Seat(State):
    seat: Tag[UUID]
    taken: int = 0

    def apply(self, event: Seated) -> None:
        self.taken += 1


@command(name="ledger.sit")
def sit(seat: Seat) -> Seated:
    assert isinstance(seat.seat, UUID)
    return Seated(seat.seat)


def test_a_command_is_decided_again_with_arguments_of_its_types(db: Database) -> None:
    side = db.branch("side")
    side.execute(sit(Seat(UUID(int=7))))
    db.execute(sit(Seat(UUID(int=7))))
    assert outcomes(db.merge("side", Options(resolution="redecide"))) == ["same"]
    assert db.load(Seat(UUID(int=7))).taken == 2


def test_a_picked_commit_that_relied_on_another_is_in_conflict(db: Database) -> None:
    side = db.branch("side")
    first = side.execute(enter(Book("a"), 1))
    second = side.execute(enter(Book("a"), 2))
    assert first
    assert second
    report = reported(db.cherry_pick, second)
    assert outcomes(report) == ["conflict"]
    assert [event.position for event in report.steps[0].in_the_way] == [first.position]  # type: ignore[union-attr]
    assert db.cherry_pick(first).done
    assert db.cherry_pick("side").done
    assert [commit.id for commit in db.commits()][2:] == [first.id, second.id]
    again = db.cherry_pick(first)
    assert (outcomes(again), again.commits) == (["known"], ())
    assert [entry.kind for entry in db.branches.reflog.read("main")] == ["CherryPicked", "CherryPicked"]


def test_what_was_picked_out_of_order_is_news_to_what_was_before_it(db: Database) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 3))
    blind = side.append(Entered("a", -10, 0))
    assert db.cherry_pick(blind).done
    assert outcomes(reported(db.merge, "side")) == ["conflict", "known"]


def test_nothing_to_do_leaves_no_note(db: Database) -> None:
    db.branch("side")
    for name in ("side", "main"):
        report = db.merge(name)
        assert (report.done, report.commits, report.steps) == (True, (), ())
    assert list(db.branches.reflog.read("main")) == []
    with pytest.raises(UnknownRevision, match="no such branch"):
        db.merge("nonsense")


def test_back_and_forth(db: Database) -> None:
    side = db.branch("side")
    for number in range(4):
        side.execute(enter(Book("s"), number))
        db.execute(enter(Book("m"), number))
        assert db.merge("side").done
        assert side.merge("main").done
        for name in "sm":
            assert db.load(Book(name)) == side.load(Book(name))
    assert len(list(db.commits())) == len(list(side.commits())) == 10
    assert verify(db.store).problems == []


def test_a_rebase_moves_the_branch_and_keeps_its_old_log(db: Database) -> None:
    side = db.branch("side")
    side.execute(enter(Book("b"), 1))
    db.execute(enter(Book("a"), 5))
    was = side.chain
    report = side.rebase("main")
    assert (outcomes(report), report.done) == (["clean"], True)
    new = db.switch("side")
    assert (new.load(Book("a")).total, new.load(Book("b")).total) == (15, 11)
    assert side.load(Book("a")).total == 15  # it is held by its name
    entry = next(db.branches.reflog.read("side"))
    assert (entry.kind, entry.details["was"]) == ("Rebased", was[-1])
    assert db.merge("side").fast_forward
    with pytest.raises(BranchError, match="never moved"):
        db.rebase("side")
    assert verify(db.store).problems == []


def test_a_rebase_of_what_starts_there_already_makes_no_log_and_no_note(db: Database) -> None:
    one = db.branch("one")
    one.execute(enter(Book("b"), 1))
    db.execute(enter(Book("c"), 1))
    assert one.rebase("main").commits != ()
    one = db.switch("one")
    logs, notes = list(db.store.logs()), len(list(db.branches.reflog.read("one")))
    report = one.rebase("main")
    assert (report.done, report.steps, report.commits) == (True, (), ())
    assert not one.rebase("main", Options(dry_run=True)).done
    assert list(db.store.logs()) == logs
    assert len(list(db.branches.reflog.read("one"))) == notes
    assert db.switch("one").chain == one.chain


def test_a_report_says_whether_there_was_nothing_to_do(db: Database) -> None:
    side = db.branch("side")
    assert db.merge("side").nothing_to_do
    assert side.rebase("main").nothing_to_do
    db.execute(enter(Book("b"), 1))
    moved = side.rebase("main")
    assert (moved.steps, moved.nothing_to_do) == ((), False)
    side = db.switch("side")
    side.execute(enter(Book("c"), 1))
    assert not db.merge("side").nothing_to_do
    assert db.merge("side").nothing_to_do


def test_a_rebase_takes_what_came_meanwhile(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    side = db.branch("side")
    side.execute(enter(Book("b"), 1))
    db.execute(enter(Book("a"), 5))
    write = db.store.write

    def late(units: Sequence[Unit]) -> list[Outcome]:
        monkeypatch.undo()
        side.execute(enter(Book("b"), 2))
        return write(units)

    monkeypatch.setattr(db.store, "write", late)
    report = side.rebase("main")
    assert len(report.commits) == 2
    assert db.switch("side").load(Book("b")).total == 13


def test_a_target_that_goes_on_is_judged_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 3))
    db.execute(enter(Book("b"), 1))
    original = MemoryLog.append
    done: list[bool] = []

    def late(log: MemoryLog, batches: object, **rest: object) -> object:
        if not done:  # the trial of the merge
            done.append(True)
            db.execute(draw(Book("a"), 2))
        return original(log, batches, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(MemoryLog, "append", late)
    head = db.head().position
    report = reported(db.merge, "side")
    assert outcomes(report) == ["conflict"]
    assert db.head().position == head + 1


def test_many_who_merge_at_once_take_each_commit_once(store: Store) -> None:
    db = ledger(store)
    db.execute(enter(Book("a"), 1))
    side = db.branch("side")
    together = threading.Barrier(4)

    def work(worker: int) -> None:
        own = Database(store)
        together.wait(60)
        for turn in range(6):
            match worker:
                case 0:
                    side.append(Entered(f"s{turn}", 1, 0), Entered(f"s{turn}", 2, 0))
                case 1:
                    own.execute(enter(Book("m"), turn))
                case _:
                    own.merge("side")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert db.merge("side").done
    ids = [commit.id for commit in db.commits()]
    assert len(set(ids)) == len(ids) == 1 + 6 + 6
    assert {commit.id for commit in side.commits()} <= set(ids)
    assert verify(store).problems == []


def test_no_conflict_is_lost_while_others_append(store: Store) -> None:
    """Each merge draws what each draw on main takes away: the book never goes below nothing."""
    db = ledger(store)
    db.execute(enter(Book("a"), 30))
    together = threading.Barrier(2)

    def spend() -> int:
        own, spent = Database(store), 0
        together.wait(60)
        for _ in range(12):
            spent += own.execute(draw(Book("a"), 1)) is not None
        return spent

    def merges() -> int:
        own, merged = Database(store), 0
        together.wait(60)
        for turn in range(12):
            side = own.branch(f"side{turn}")
            side.execute(draw(Book("a"), 1))
            merged += reported(own.merge, f"side{turn}").done
        return merged

    with ThreadPoolExecutor(2) as pool:
        spending, merging = pool.submit(spend), pool.submit(merges)
        assert db.load(Book("a")).total >= 0
        assert spending.result() == 12
        merged = merging.result()
    assert db.load(Book("a")).total == 30 - 12 - merged
    for commit in db.commits():
        if commit.condition is not None:
            seen = db.log.read(commit.condition.query, after=commit.condition.after, upto=commit.first - 1)
            assert list(seen) == []


@pytest.mark.parametrize(
    "recorded",
    [
        b"{}",
        b'{"name":5,"arguments":{}}',
        b'{"name":["enter"],"arguments":{}}',
        b'{"name":"ledger.enter"}',
        b'{"name":"ledger.enter","arguments":[]}',
        b'{"name":"ledger.enter","arguments":null,"inputs":null}',
        b'{"name":"ledger.enter","arguments":{},"inputs":5}',
        b'{"name":"ledger.enter","arguments":{},"withheld":5}',
        b'{"name":"ledger.enter","arguments":{"book":5,"cents":[]}}',
    ],
)
def test_a_command_that_no_execution_has_recorded_is_a_conflict_that_says_so(
    db: Database, recorded: bytes
) -> None:
    side = db.branch("side")
    made, event = next(side.commits()), next(side.log.read())
    condition = Condition(Query.of(tags=event.tags), 2)
    content = [encoded(event.type, event.data, event.tags, event.version)]
    append(side.log, draft(content, id="strange", time=made.time, condition=condition, command=recorded))
    db.execute(enter(Book("a"), 1))
    with pytest.raises(MergeConflict) as told:
        db.merge("side", Options(resolution="redecide"))
    [step] = told.value.report.steps
    assert step.outcome == "conflict"
    assert "its command" in step.reason


MERGER = """
import sys
from tests.history.ledger import Book, enter
from backstory.database import connect
from backstory.history.merge.merge import Options
db = connect(sys.argv[1])
turn = 0
while True:
    side = db.branch(f"{sys.argv[2]}-{turn}")
    for number in range(20):
        side.execute(enter(Book(f"{sys.argv[2]}-{turn}"), number))
    db.execute(enter(Book("main"), turn))
    print(turn, flush=True)
    db.merge(side.name)
    turn += 1
"""


def test_a_merge_that_is_killed_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    for life in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", MERGER, str(path), f"life{life}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        threading.Event().wait(0.003 * life)  # in the middle of the merge, or of what follows
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        store = SqliteStore(path)
        db = Database(store)
        assert verify(store).problems == []
        for name in db.branches.names():
            own = db.switch(name).load(Book(name))
            assert db.load(Book(name)).total in (0, own.total)
        store.close()


def test_a_target_that_ends_inside_of_a_batch_takes_over_the_rest_of_the_batch(db: Database) -> None:
    side = db.branch("side")
    read = Condition(Book("a").query(), 2)
    drafts = [
        db.handle.drafter.draft([PLAIN.encode(Entered("a", number, 0))], read, Said(None, "ann", None, None))
        for number in (1, 2, 3)
    ]
    first, *later = append(side.handle.log, *drafts)  # each was decided without the others
    inside = side.branch("inside", at=first.position)
    for again in ((2, False), (0, True)):
        report = inside.merge("side")
        assert (len(report.commits), report.nothing_to_do) == again
    assert [(one.id, one.author) for one in inside.commits()][-2:] == [(one.id, "ann") for one in later]
    assert inside.load(Book("a")) == side.load(Book("a"))
    assert verify(db.store).problems == []
