"""Causes, effects and reverts are found by the ids that commits name, on every history that has the decisions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from backstory import Database, reverts
from backstory.errors import UnknownRevision
from backstory.history.merge.merge import Options
from backstory.store import Store
from backstory.values.commit import Commit
from tests.history.ledger import Book, Entered, enter
from tests.watched import watched

reverts(Entered)(lambda event: [Entered(event.book, -event.number, 0)])


@pytest.fixture
def db(store: Store) -> Database:
    return Database(store)


def because(db: Database, cause: Commit, id: str, book: str = "a") -> Commit:
    """Append a commit because of another one's event."""
    record = next(db.read(after=cause.first - 1, limit=1))
    with db.context(because=record):
        return db.append(Entered(book, 1, 0), id=id)


def story(db: Database) -> dict[str, Commit]:
    """An order that caused a payment and a parcel; the payment caused a mail, and that a bounce."""
    order = db.append(Entered("a", 1, 0), id="order")
    payment = because(db, order, "payment")
    mail = because(db, payment, "mail")
    parcel = because(db, order, "parcel")
    bounce = because(db, mail, "bounce")
    other = db.append(Entered("a", 1, 0), id="other")
    return {one.id: one for one in (order, payment, mail, parcel, bounce, other)}


def tree(db: Database, revision: Any, **bounds: Any) -> list[tuple[str, str, int]]:
    return [(each.commit.id, each.cause.id, each.depth) for each in db.effects(revision, **bounds)]


def test_causes_go_back_to_the_first_and_effects_forwards_to_the_last(db: Database) -> None:
    story(db)
    assert [(cause.id, cause.commit.id) for cause in db.causes("bounce") if cause.commit] == [
        ("mail", "mail"),
        ("payment", "payment"),
        ("order", "order"),
    ]
    assert not any(db.causes("order"))
    assert not any(db.causes("other"))
    assert not any(db.effects("other"))
    everything = [
        ("payment", "order", 1),
        ("mail", "payment", 2),
        ("bounce", "mail", 3),
        ("parcel", "order", 1),
    ]
    assert tree(db, "order") == everything
    assert tree(db, "order", limit=2) == everything[:2]
    assert tree(db, "order", at="parcel") == [*everything[:2], everything[3]]
    assert tree(db, "order", at=1) == []
    assert [one.id for one in db.correlated("order")] == ["payment", "mail", "parcel", "bounce"]
    assert [one.id for one in db.correlated("order", at="mail", limit=1)] == ["payment"]
    with pytest.raises(UnknownRevision):
        list(db.causes(0))


def test_each_history_has_its_own_effects(db: Database) -> None:
    told = story(db)
    trial = db.branch("trial", at="payment")
    because(trial, told["payment"], "trial-mail")
    assert tree(trial, "order") == [("payment", "order", 1), ("trial-mail", "payment", 2)]
    assert tree(db, "trial-mail~1") == tree(trial, "payment") == [("trial-mail", "payment", 1)]
    assert [cause.id for cause in db.causes("trial-mail")] == ["payment", "order"]
    with db.what_if() as guess:
        because(guess, told["bounce"], "guess")
        assert [cause.id for cause in guess.causes("HEAD")] == ["bounce", "mail", "payment", "order"]
    assert tree(db, "bounce") == []


def test_a_cause_that_is_not_here_is_named_and_a_circle_ends(db: Database) -> None:
    db.append(Entered("a", 1, 0), id="one", metadata={"causation": "elsewhere"})
    [cause] = db.causes("one")
    assert (cause.id, cause.commit) == ("elsewhere", None)
    db.append(Entered("a", 1, 0), id="two", metadata={"causation": "three"})
    db.append(Entered("a", 1, 0), id="three", metadata={"causation": "two"})
    assert [cause.id for cause in db.causes("two")] == ["three"]
    assert tree(db, "two") == [("three", "two", 1)]
    db.append(Entered("a", 1, 0), id="self", metadata={"causation": "self", "reverts": "one"})
    assert not any(db.causes("self"))
    assert not any(db.effects("self"))
    assert not any(db.undone_by("one"))


def test_a_decision_that_was_made_again_has_its_causes_and_effects(db: Database) -> None:
    db.append(Entered("a", 5, 0), id="start")
    trial = db.branch("trial")
    drawn = trial.execute(enter(Book("a"), 2), id="drawn")
    assert drawn is not None
    because(trial, drawn, "mail", book="z")
    db.append(Entered("a", 5, 0), id="more")
    db.merge("trial", Options(resolution="redecide"))
    [again] = [one for one in db.commits() if one.id.startswith("backstory.again.")]
    assert tree(db, again.id) == [("mail", again.id, 1)]
    assert [cause.commit for cause in db.causes("mail")] == [again]


def test_what_undoes_a_commit_is_found_and_may_be_undone_itself(db: Database) -> None:
    first = db.execute(enter(Book("a"), 10), id="first")
    db.execute(enter(Book("b"), 10), id="second")
    assert first is not None
    assert not any(db.undone_by(first.id))
    undo = db.revert("first")
    assert undo is not None
    both = db.revert(f"second~1..{undo.id}", force=True)
    assert list(db.undone_by("first")) == [undo]
    assert list(db.undone_by("second")) == list(db.undone_by(undo.id)) == [both]
    assert list(db.undone_by("second", at=undo.id)) == []


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
def test_the_cost_does_not_grow_with_the_log(store: Store) -> None:
    asked: Counter[str] = Counter()
    with Database(watched(store, lambda name: asked.update([name]))) as db:
        first = db.append(Entered("a", 1, 0), id="first")
        db.append(*(Entered("b", 1, 0) for _ in range(2000)))
        because(db, first, "second")
        asked.clear()
        assert tree(db, "first") == [("second", "first", 1)]
        assert not asked["read"]
        assert not asked["commits"]
