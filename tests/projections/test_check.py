"""Tables are compared with what their events say."""

from __future__ import annotations

from typing import Any

from backstory import Database
from backstory.projections import operate
from backstory.projections.catalog import Row
from backstory.projections.check import check
from backstory.projections.materialize import Materialized
from tests.projections.conftest import Opener
from tests.projections.shop import ByOrder, OrderPaid, OrderPlaced, Orders
from tests.projections.test_find import Account, filled
from tests.projections.test_runner import feed_of, to_end


def changed(db: Database, projection: type[Orders], sql: str) -> None:
    """Change the tables behind everybody's back."""
    home = db.views.home(db.views.group_of(projection))
    [row] = [each for each in home.rows() if each.live]
    with home.writing(row.generation) as tx:
        home.own(tx, row.generation).execute(sql)


def problems(db: Database, projection: Any) -> list[str]:
    """What is found."""
    found = check(db.views, db.views.group_of(projection))
    assert found is not None
    return found.problems


def test_tables_that_were_never_filled_are_not_compared(connect: Opener) -> None:
    db = connect()
    assert check(db.views, db.views.group_of(Orders)) is None


def test_rows_that_no_event_made_are_found(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1), OrderPlaced("o-2", 2))
    to_end(feed_of(db, Orders))
    db.append(OrderPaid("o-1"))  # which the tables have not seen: that is no fault
    assert problems(db, Orders) == []
    changed(db, Orders, "UPDATE orders SET cents = 3 WHERE id = 'o-1'")
    assert problems(db, Orders) == ["orders: table orders has 1 rows that no event made, and lacks 1"]
    changed(db, Orders, "DELETE FROM orders WHERE id = 'o-2'")
    assert problems(db, Orders) == ["orders: table orders has 1 rows that no event made, and lacks 2"]
    db.rebuild(Orders)
    assert problems(db, Orders) == []
    home = db.views.home(db.views.group_of(Orders))
    assert {type(row) for row in home.rows()} == {Row}


def test_events_that_are_kept_back_are_left_out_of_both(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", -1), OrderPlaced("o-2", 2))
    to_end(feed_of(db, ByOrder))
    assert [each.position for each in operate.parked(db.views, db.views.group_of(ByOrder))] == [1]
    assert problems(db, ByOrder) == []


def test_states_are_compared_too(connect: Opener) -> None:
    db = connect(inline=[Materialized(Account)])
    filled(db)
    assert problems(db, Materialized(Account)) == []
