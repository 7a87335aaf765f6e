"""A branch that was moved is followed, and one that was deleted takes no commit: by every verb, whenever it happens."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from backstory import Condition, Database, Refused, command, reverts
from backstory.decide.drafting import Said
from backstory.errors import BranchError, BranchMoved, HistoryMoved, UnknownRevision
from backstory.place import Place
from backstory.refs import MAIN_MOVES
from backstory.store import Store, append, set_ref, write
from backstory.stores.memory import MemoryStore
from backstory.unit import DropLog
from tests.faces.conftest import Face
from tests.faces.steps import SteppedStore
from tests.history.ledger import Book, Entered, draw, enter, ledger

reverts(Entered)(lambda event: [Entered(event.book, -event.number, 0)])


def branched(db: Database) -> Database:
    """A branch `trial` that stands on main, and a branch `side` beside it; all three have commits of their own."""
    db.execute(enter(Book("main"), 1))
    side, trial = db.branch("side"), db.branch("trial")
    side.execute(enter(Book("side"), 1), id="from side")
    trial.execute(enter(Book("a"), 2))
    db.execute(enter(Book("main"), 3))
    return trial


def delete(db: Database) -> None:
    db.branches.delete("trial")


def move(db: Database) -> None:
    db.switch("trial").rebase("main")


def replace(db: Database) -> None:
    db.branches.delete("trial")
    db.branch("trial")


VERBS: dict[str, Callable[[Database], object]] = {
    "execute": lambda trial: trial.execute(enter(Book("b"), 1)),
    "execute with an id": lambda trial: trial.execute(enter(Book("b"), 1), id="x"),
    "execute in one attempt": lambda trial: trial.execute(enter(Book("b"), 1), attempts=1),
    "append": lambda trial: trial.append(Entered("b", 1, 0)),
    "append with an id": lambda trial: trial.append(Entered("b", 1, 0), id="x"),
    "revert": lambda trial: trial.revert("HEAD"),
    "merge": lambda trial: trial.merge("side"),
    "cherry-pick": lambda trial: trial.cherry_pick("side"),
}
BY_NAME = {"merge", "cherry-pick"}
"""Verbs that look for the branch by its name when they are called."""


def commits_of(made: Any) -> list[str]:
    """The ids of what a verb made: a commit, or a report that has some."""
    return [commit.id for commit in getattr(made, "commits", [made])]


@pytest.mark.parametrize("verb", sorted(set(VERBS) - BY_NAME))
def test_who_has_a_deleted_branch_open_reads_on_and_is_told_when_they_append(face: Face, verb: str) -> None:
    db = face(ledger())
    trial = branched(db)
    before = list(trial.commits())
    delete(db)
    with pytest.raises(BranchError, match="branch 'trial' was deleted since it was opened here") as told:
        VERBS[verb](trial)
    assert isinstance(told.value, BranchMoved)
    assert told.value.branch == "trial"
    assert list(trial.commits()) == before
    assert trial.load(Book("a")).total == 2


@pytest.mark.parametrize("happen", [move, replace])
@pytest.mark.parametrize("verb", VERBS)
def test_who_has_a_moved_branch_open_works_on_the_new_history(
    face: Face, verb: str, happen: Callable[[Database], None]
) -> None:
    db = face(ledger())
    trial = branched(db)
    trial.load(Book("main"))
    was = trial.log
    happen(db)
    end = was.head()
    assert commits_of(VERBS[verb](trial))
    assert was.head() == end
    again = db.switch("trial")
    assert list(trial.commits()) == list(again.commits())
    assert trial.load(Book("main")) == again.load(Book("main"))
    assert (trial.head(), trial.name) == (again.head(), "trial")


@pytest.mark.parametrize("happen", [delete, move, replace])
@pytest.mark.parametrize("verb", VERBS)
def test_whenever_it_happens_nothing_is_appended_to_what_the_branch_was(
    face: Face, verb: str, happen: Callable[[Database], None]
) -> None:
    """It happens before the first call that the verb makes to the store, then before the second, and so on."""
    for step in count(1):
        store = SteppedStore(MemoryStore())
        trial = branched(face(ledger(store)))
        was, other = trial.log, Database(store.below)
        ended: list[int] = []

        def act() -> None:
            happen(other)  # noqa: B023 - called in this turn
            ended.append(was.head().position)  # noqa: B023

        store.before(step, act)
        try:
            made = commits_of(VERBS[verb](trial))
        except (BranchMoved, UnknownRevision):
            made = []
            assert store.acted
            assert happen is delete or verb in BY_NAME
        if not store.acted:
            assert step > 2
            assert made
            return
        assert [was.head().position] == ended
        now = other.branches.find("trial")
        logs = [was] if now is None else [was, other.branches.open(now)]
        assert all(any(log.find(id) for log in logs) for id in made)


def test_a_retry_is_told_what_it_did_before_the_branch_was_gone(face: Face) -> None:
    db = face(ledger())
    trial = branched(db)
    fact = trial.append(Entered("b", 1, 0), id="fact")
    decision = trial.execute(enter(Book("b"), 1), id="decision")
    delete(db)
    assert trial.append(Entered("b", 1, 0), id="fact") == fact
    assert trial.execute(enter(Book("b"), 1), id="decision") == decision
    with pytest.raises(BranchMoved):
        trial.append(Entered("b", 1, 0), id="another")


def test_a_retry_is_told_what_the_new_history_has(face: Face) -> None:
    db = face(ledger())
    trial = branched(db)
    fact = trial.append(Entered("b", 1, 0), id="fact")
    move(db)
    retried = trial.append(Entered("b", 1, 0), id="fact")
    assert (retried.id, retried.content) == (fact.id, fact.content)
    assert retried.position == fact.position + 1
    replace(db)
    assert trial.execute(enter(Book("c"), 1), id="another") == trial.execute(
        enter(Book("c"), 1), id="another"
    )
    assert trial.append(Entered("b", 1, 0), id="fact").position == trial.head().position


def test_what_was_refused_on_the_old_history_is_decided_again_on_the_new_one(face: Face) -> None:
    db = face(ledger())
    db.execute(enter(Book("till"), 5))
    trial = db.branch("trial", at=0)
    with pytest.raises(Refused):
        trial.execute(draw(Book("till"), 3))
    move(db)
    assert trial.execute(draw(Book("till"), 3)) is not None
    assert trial.load(Book("till")).total == 2


@command(name="moved.once")
def once(book: Book) -> Iterator[Entered]:
    if not book.total:
        yield Entered(book.book, 1, 0)


def test_that_nothing_was_to_happen_on_the_old_history_is_decided_again(face: Face) -> None:
    db = face(ledger())
    trial = db.branch("trial")
    trial.execute(once(Book("a")))
    assert trial.execute(once(Book("a"))) is None
    replace(db)
    assert trial.execute(once(Book("a"))) is not None


def moved(face: Face) -> tuple[Database, Database]:
    """A branch that shares #1 with its old history, which ended at #3; it ends at #4 now."""
    db = face(ledger())
    trial = branched(db)
    trial.execute(enter(Book("b"), 1))
    assert trial.head().position == 3
    move(db)
    return db, trial


POSITIONS: dict[str, Callable[[Database, int], object]] = {
    "load": lambda db, position: db.load(Book("a"), at=position),
    "load by text": lambda db, position: db.load(Book("a"), at=f"#{position}"),
    "load by a number": lambda db, position: db.load(Book("a"), at=str(position)),
    "point": lambda db, position: db.point(position),
    "read after": lambda db, position: list(db.read(after=position)),
    "read at": lambda db, position: list(db.read(at=position)),
    "commits after": lambda db, position: list(db.commits(after=position)),
    "commits at": lambda db, position: list(db.commits(at=position)),
    "between": lambda db, position: list(db.between(f"#{position}..HEAD")),
    "append": lambda db, position: db.append(
        Entered("x", 1, 0), condition=Condition(Book(f"x-{position}").query(), position)
    ),
    "branch": lambda db, position: db.branch(f"from-{position}", at=position),
    "mark": lambda db, position: db.mark(f"mark-{position}", at=position),
    "diff": lambda db, position: db.diff(position, "HEAD", Book("a")),
    "blame": lambda db, position: db.blame(Book("a"), at=position),
    "bisect from": lambda db, position: db.bisect(Book("a"), "total > 0", good=position),
    "bisect to": lambda db, position: db.bisect(Book("a"), "total > 0", bad=position),
    "revert": lambda db, position: db.revert(position),
    "revert of a range": lambda db, position: db.revert(f"#1..#{position}"),
    "cherry-pick": lambda db, position: db.cherry_pick(position),
    "rebase": lambda db, position: db.rebase(position),
}


@pytest.mark.parametrize("verb", POSITIONS)
def test_a_position_that_was_given_out_before_the_move_is_refused(face: Face, verb: str) -> None:
    _, trial = moved(face)
    for position in (2, 3):
        with pytest.raises(
            HistoryMoved, match=f"#{position} is a place of another history: branch 'trial'"
        ) as told:
            POSITIONS[verb](trial, position)
        assert (told.value.shared, trial.head().position) == (1, 4)


CHANGES = {"branch", "cherry-pick", "rebase", "revert", "revert of a range"}
"""Verbs that cannot be done with any position."""


@pytest.mark.parametrize("verb", sorted(set(POSITIONS) - CHANGES))
def test_a_position_that_both_histories_share_is_good_and_so_is_one_beyond_the_old_end(
    face: Face, verb: str
) -> None:
    _, trial = moved(face)
    for position in (1, 4):
        POSITIONS[verb](trial, position)


def test_who_opens_the_branch_again_may_use_every_position(face: Face) -> None:
    db, trial = moved(face)
    for again in (db.switch("trial"), trial.switch("trial")):
        assert again.load(Book("main"), at=2).total == 4
        assert len(list(again.read(after=2))) == 2


def test_a_place_is_of_one_history_whichever_the_handle_knew(face: Face) -> None:
    _, trial = moved(face)
    new = [Place.of(record.commit, record.position) for record in trial.read()]
    old = [Place(place.position, "0f3a9c1b") for place in new]
    for place, gone in zip(new, old, strict=True):
        assert len(list(trial.read(after=str(place)))) == len(list(trial.commits(after=str(place))))
        for stream in (trial.read, trial.commits):
            with pytest.raises(HistoryMoved, match=str(gone)):
                list(stream(after=str(gone)))
    assert len(list(trial.read(after="0-00000000"))) == 4


def test_a_condition_that_came_too_late_on_the_old_history_is_refused_as_a_position(face: Face) -> None:
    db = face(ledger())
    trial = branched(db)
    before = trial.head().position
    db.switch("trial").execute(enter(Book("a"), 9))
    move(db)
    with pytest.raises(HistoryMoved):
        trial.append(Entered("a", 1, 0), condition=Condition(Book("a").query(), before))


def test_what_was_shared_by_all_histories_of_a_branch_is_what_is_good(face: Face) -> None:
    db, trial = moved(face)
    trial.head()
    db.execute(enter(Book("main"), 1))
    move(db)
    with pytest.raises(HistoryMoved) as told:
        trial.point(4)
    assert told.value.shared == 1
    assert trial.point(5).position == 5


def test_a_branch_is_followed_also_where_its_old_log_was_dropped(face: Face, store: Store) -> None:
    db = face(ledger(store))
    trial = branched(db)
    old = trial.chain[-1]
    move(Database(store))
    write(store, DropLog(old))
    assert trial.load(Book("main")).total == 4
    with pytest.raises(HistoryMoved, match="no position means the same"):
        trial.load(Book("main"), at=1)
    assert trial.append(Entered("b", 1, 0)) == list(trial.commits())[-1]


def test_what_if_and_other_branches_go_on_from_where_the_branch_is_now(face: Face) -> None:
    _, trial = moved(face)
    with trial.what_if() as guess:
        assert guess.load(Book("main")).total == 4
    assert trial.branch("more").load(Book("main")).total == 4
    assert trial.load(Book("main"), at="HEAD~1").total == 4


def test_the_same_logs_under_another_name_are_another_branch(face: Face) -> None:
    db = face(ledger())
    trial = branched(db)
    delete(db)
    db.branches.restore("kept", trial.chain[-1])
    kept = db.switch("kept")
    kept.append(Entered("b", 1, 0))
    with pytest.raises(BranchMoved):
        trial.append(Entered("b", 1, 0))
    assert trial.handle.now() is kept.handle.now()
    db.branches.delete("kept")
    db.branches.restore("trial", trial.chain[-1])
    trial.append(Entered("b", 1, 0))
    assert trial.load(Book("b")).total == 2
    with pytest.raises(BranchMoved):
        kept.append(Entered("b", 1, 0))


def test_a_log_that_branches_give_by_name_is_guarded_as_well() -> None:
    db = ledger()
    branched(db)
    log = db.branches.log("trial")
    draft = db.handle.drafter.for_facts([Entered("b", 1, 0)], None, Said())
    delete(db)
    with pytest.raises(BranchMoved):
        append(log, draft)


def test_the_error_can_be_copied_and_sent_to_another_process() -> None:
    error = BranchMoved("trial", "branch/trial", "[0,3]")
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(again), str(again)) == (BranchMoved, str(error))
        assert (again.branch, again.ref, again.value) == ("trial", "branch/trial", "[0,3]")


def pulled(db: Database) -> None:
    """Let main name another log, as a pull into a clone does."""
    aside = db.branch("aside", at=1)
    aside.execute(enter(Book("pulled"), 1))
    number = str(aside.chain[-1])
    db.branches.delete("aside")
    main = db.branches.get("main")
    assert set_ref(db.store, main.ref, number, old=str(main.number))


def test_main_is_followed_where_the_store_lets_it_move(face: Face) -> None:
    store = MemoryStore()
    assert set_ref(store, MAIN_MOVES, "yes", old=None)
    db = face(ledger(store))
    branched(db)
    assert db.head().position == 2
    pulled(db)
    assert (db.load(Book("pulled")).total, db.load(Book("main")).total) == (1, 1)
    with pytest.raises(HistoryMoved):
        db.load(Book("main"), at=2)
    db.execute(enter(Book("main"), 5))
    assert db.load(Book("main")).total == 6


@pytest.mark.parametrize("verb", ["execute", "execute with an id", "append", "append with an id"])
def test_who_opened_main_before_it_might_move_follows_when_a_write_is_refused(face: Face, verb: str) -> None:
    store = MemoryStore()
    db = face(ledger(store))
    branched(db)
    assert set_ref(store, MAIN_MOVES, "yes", old=None)
    pulled(db)
    assert VERBS[verb](db)
    assert db.load(Book("pulled")).total == 1
    assert db.head().position == 3
