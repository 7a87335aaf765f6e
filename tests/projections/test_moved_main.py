"""Main is moved, as a pull in a clone does: projections go on from what they can prove, else are built anew beside."""

from __future__ import annotations

import pytest

from backstory import Database
from backstory.errors import ProjectionError
from backstory.history.refs.branches import MAIN
from backstory.projections.feed import Step
from backstory.refs import MAIN_MOVES
from backstory.store import set_ref
from backstory.stores.overlay import OverlayLog
from tests.projections.conftest import Opener
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders, StockCounted
from tests.projections.test_runner import feed_of, standing, to_end


def pulled(db: Database, at: int, *events: OrderPlaced | OrderPaid) -> None:
    """Let main name another log, which has these events after a position of the old one."""
    aside = db.branch("aside", at=at)
    aside.append(*events)
    number = str(aside.chain[-1])
    db.branches.delete("aside")
    main = db.branches.get(MAIN)
    assert set_ref(db.store, main.ref, number, old=str(main.number))
    assert isinstance(db.branches.view(db.branches.get(MAIN).chain), OverlayLog)


@pytest.fixture
def db(connect: Opener) -> Database:
    """A store whose main may move."""
    found = connect()
    assert set_ref(found.store, MAIN_MOVES, "yes", old=None)
    found.append(OrderPlaced("o-1", 1))
    return found


def test_tables_go_on_where_the_histories_part_if_no_event_of_theirs_was_taken_back(db: Database) -> None:
    db.append(OrderPlaced("o-2", 2))
    db.append(StockCounted("a-1"), StockCounted("a-2"))
    feed = feed_of(db, Orders)
    to_end(feed)
    assert feed.row.position == 4
    pulled(db, 2, OrderPaid("o-1"))
    assert to_end(feed) is Step.AT_END
    assert db.rows(Orders, ALL) == [("o-1", 1, "paid"), ("o-2", 2, "placed")]
    assert (standing(db, Orders).generation, standing(db, Orders).position) == (1, 3)


def test_tables_that_have_seen_what_was_taken_back_are_diverged(db: Database) -> None:
    db.append(OrderPlaced("o-2", 2))
    feed = feed_of(db, Orders)
    to_end(feed)
    pulled(db, 1, OrderPlaced("o-3", 3), OrderPaid("o-1"))
    assert to_end(feed) is Step.KEPT
    assert feed.row.state == "diverged"
    with pytest.raises(ProjectionError, match="another history"):
        db.rows(Orders, ALL)


def test_a_runner_builds_them_anew_beside_by_itself(db: Database) -> None:
    db.append(OrderPlaced("o-2", 2))
    with db.run(Orders):
        db.wait(Orders, timeout=60)
        pulled(db, 1, OrderPlaced("o-3", 3))
        while standing(db, Orders).generation == 1 or not standing(db, Orders).live:
            pass
    assert db.rows(Orders, ALL) == [("o-1", 1, "placed"), ("o-3", 3, "placed")]
