"""Projections on both faces."""

from __future__ import annotations

import threading

import pytest

from backstory import Database
from backstory.errors import Behind, FoldedWarning
from backstory.store import Store
from tests.faces.conftest import Face
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders
from tests.projections.test_find import Account, Moved


def test_a_runner_feeds_a_projection_for_the_length_of_a_block(db: Database) -> None:
    db.append(OrderPlaced("o-1", 500))
    with db.run(Orders):
        commit = db.append(OrderPaid("o-1"))
        assert db.rows(Orders, ALL, after=commit, timeout=60) == [("o-1", 500, "paid")]
    later = db.append(OrderPlaced("o-2", 1))
    with pytest.raises(Behind, match="nobody runs it"):
        db.wait(Orders, later, timeout=0)
    db.rebuild(Orders)
    db.wait(Orders, later, timeout=0)
    assert len(db.rows(Orders, ALL)) == 2


def test_all_that_is_left_to_do_is_done_once(db: Database) -> None:
    db.append(OrderPlaced("o-1", 500))
    for _ in range(2):
        db.run(Orders).run(once=True)
        assert len(db.rows(Orders, ALL)) == 1


def test_whatever_runs_in_a_thread_or_a_task_ends_when_it_is_told(db: Database) -> None:
    runner = db.run(Orders)
    thread = threading.Thread(target=runner.run)
    thread.start()
    commit = db.append(OrderPlaced("o-1", 500))
    assert len(db.rows(Orders, ALL, after=commit, timeout=60)) == 1
    runner.stop()
    thread.join()


def test_appends_feed_inline_projections(face: Face, store: Store) -> None:
    db = face(Database(store, inline=[Orders]))
    db.append(OrderPlaced("o-1", 500))
    assert db.rows(Orders, ALL) == db.rows(Orders, ALL, live=True) == [("o-1", 500, "placed")]


def test_states_are_found(db: Database) -> None:
    commit = db.append(Moved("a-1", 5), Moved("a-2", -5))
    with pytest.warns(FoldedWarning):
        assert [each.account for each in db.find(Account, where="balance < 0")] == ["a-2"]
    db.materialize(Account)
    assert [each.account for each in db.find(Account, order_by="balance", commit=commit, timeout=60)] == [
        "a-2",
        "a-1",
    ]
    assert [each.account for each in db.identities(Account)] == ["a-1", "a-2"]
