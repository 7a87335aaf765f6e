"""Projections in the background: batches, leases, poison, generations."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from backstory import Database, Event, Projection, Record, Tag, Tx
from backstory import connect as connect_to
from backstory.errors import Behind, ProjectionError, ProjectionFailed, StoreLocked
from backstory.history.forget.withholding import withhold
from backstory.projections import operate
from backstory.projections.catalog import LostError, newest
from backstory.projections.check import check
from backstory.projections.feed import Feed, Step
from backstory.projections.files import GoneError, TableFile
from backstory.projections.runner import Runner
from backstory.values.event_data import EventData
from tests.projections.conftest import Opener
from tests.projections.shop import ALL, ByOrder, OrderPaid, OrderPlaced, Orders, StockCounted

NOW = datetime(2100, 1, 1, tzinfo=UTC)


def feed_of(db: Database, projection: type[Projection], lease: float = 0.0, owner: str = "a") -> Feed:
    """The feed of the newest generation, of somebody who has its lease."""
    home = db.views.ensured(db.views.group_of(projection))
    row = newest(home.rows())
    assert row is not None
    if lease:
        with home.writing(row.generation) as tx:
            row = home.catalog.take(tx, row.key, owner, lease)
        assert row is not None, "somebody else has the lease"
    return Feed(home, db.views.source, row, lease)


def to_end(feed: Feed) -> Step:
    """Take steps until there is nothing to do; a new generation goes live."""
    while (step := feed.step()) is Step.MOVED:
        pass
    if step is Step.AT_END:
        assert feed.finish()
    return step


def standing(db: Database, projection: type[Projection]) -> operate.Standing:
    """Where the newest generation stands."""
    return operate.standings(db.views, [db.views.group_of(projection)], NOW)[-1]


def eventually(holds: Callable[[], Any]) -> None:
    """Wait until something holds; a test that hangs fails by its own time limit."""
    while not holds():
        time.sleep(0.01)


def test_a_runner_feeds_what_was_there_and_what_comes(connect: Opener) -> None:
    db = connect()
    db.append(*(OrderPlaced(f"o-{number}", number) for number in range(2_500)))
    with db.run(Orders):
        commit = db.append(OrderPaid("o-7"))
        assert ("o-7", 7, "paid") in db.rows(Orders, ALL, after=commit, timeout=60)
        assert len(db.rows(Orders, ALL)) == 2_500
    assert standing(db, Orders).owner == ""
    connect().append(OrderPaid("o-8"))
    with db.run(Orders):
        assert ("o-8", 8, "paid") in db.rows(Orders, ALL, after=db.head().position, timeout=60)


def test_one_that_waits_for_what_does_not_concern_it_waits_for_nothing(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, Orders))
    commit = db.append(StockCounted("apple"))
    db.wait(Orders, commit, timeout=0)
    assert len(db.rows(Orders, ALL, after=commit, timeout=0)) == 1
    commit = db.append(OrderPlaced("o-2", 1))
    with pytest.raises(Behind, match=r"orders is at #1, not yet at #3 of #3: nobody runs it") as behind:
        db.rows(Orders, ALL, after=commit, timeout=0)
    assert (behind.value.position, behind.value.asked, behind.value.head) == (1, 3, 3)


def test_one_that_waits_for_a_paused_projection_is_told_at_once(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, Orders))
    operate.pause(db.views, db.views.group_of(Orders))
    commit = db.append(OrderPlaced("o-2", 1))
    with db.run(Orders):
        with pytest.raises(Behind, match="it is paused"):
            db.wait(Orders, commit, timeout=3_600)
        assert len(db.rows(Orders, ALL)) == 1
        operate.resume(db.views, db.views.group_of(Orders))
        db.wait(Orders, commit, timeout=60)
    assert len(db.rows(Orders, ALL)) == 2


def test_poison_stops_at_its_event_and_what_was_before_it_is_in(connect: Opener) -> None:
    db = connect()
    for number in range(10):
        db.append(OrderPlaced(f"o-{number}", -1 if number == 4 else number))
    before = db.head().position
    db.append(*(OrderPlaced(f"p-{number}", number) for number in range(3)))
    feed = feed_of(db, Orders)
    assert to_end(feed) is Step.KEPT
    poison = 5  # the fifth of the ten commits
    assert (feed.row.state, feed.row.position) == ("stopped", poison - 1)
    assert before == 10
    found = standing(db, Orders)
    assert found.why.startswith(f"#{poison} shop.placed: ValueError: an order of -1 cent (shop.py:")
    with pytest.raises(Behind, match=r"it is stopped: #5 shop\.placed"):
        db.rows(Orders, ALL, timeout=0)
    operate.skip(db.views, db.views.group_of(Orders), poison, "a test")
    operate.resume(db.views, db.views.group_of(Orders))
    assert to_end(feed_of(db, Orders)) is Step.AT_END
    assert len(db.rows(Orders, ALL)) == 12


def test_an_event_whose_data_are_withheld_is_left_out_of_new_tables(connect: Opener) -> None:
    db = connect()
    commits = [db.append(OrderPlaced(f"o-{number}", number)) for number in range(3)]
    db.rebuild(Orders)
    withhold(db.branches, commits[1], ["data"])
    assert len(db.rows(Orders, ALL)) == 3
    group = db.views.group_of(Orders)
    with pytest.raises(ProjectionError, match="its data is withheld"):
        db.rebuild(Orders)
    operate.skip(db.views, group, 2, "withheld")
    operate.resume(db.views, group)
    with db.run(Orders):
        commit = db.append(OrderPlaced("o-9", 9))
        while len(db.rows(Orders, ALL, after=commit, timeout=60)) != 3:
            time.sleep(0.01)
    assert [row[0] for row in db.rows(Orders, ALL)] == ["o-0", "o-2", "o-9"]


@pytest.mark.parametrize("inline", [True, False])
def test_an_event_that_is_left_out_for_good_is_left_out_of_each_later_rebuild(
    connect: Opener, *, inline: bool
) -> None:
    db = connect(inline=[Orders] if inline else [])
    commits = [db.append(OrderPlaced(f"o-{number}", number)) for number in range(4)]
    db.rebuild(Orders)
    group = db.views.group_of(Orders)
    for commit in commits[1:3]:
        withhold(db.branches, commit, ["data"])
        with pytest.raises(ProjectionError, match=f"#{commit.position} .* its data is withheld"):
            db.rebuild(Orders)
        operate.skip(db.views, group, commit.position, "withheld")
    for _ in range(2):
        db.rebuild(Orders)
        assert [row[0] for row in db.rows(Orders, ALL)] == ["o-0", "o-3"]
        assert [each.position for each in operate.parked(db.views, group)] == [2, 3]
    found = check(db.views, group)
    assert found is not None
    assert (found.rows, found.problems) == (2, [])


def test_what_is_left_out_of_one_history_is_not_left_out_of_another(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with connect_to(str(path)) as db:
        db.append(OrderPlaced("o-1", 1))
    shutil.copy(path, tmp_path / "backup.db")
    with connect_to(str(path)) as db:
        db.append(OrderPlaced("o-2", -1))
        group = db.views.group_of(Orders)
        assert to_end(feed_of(db, Orders)) is Step.KEPT
        operate.skip(db.views, group, 2, "a test")
        operate.resume(db.views, group)
        assert to_end(feed_of(db, Orders)) is Step.AT_END
    shutil.copy(tmp_path / "backup.db", path)
    with connect_to(str(path)) as db:
        db.append(OrderPlaced("o-3", 3))
        db.rebuild(Orders)
        assert [row[0] for row in db.rows(Orders, ALL)] == ["o-1", "o-3"]


def test_poison_in_the_middle_of_a_large_batch_is_isolated(connect: Opener) -> None:
    db = connect()
    log = db.log
    drafts = [
        db.handle.drafter.for_facts([OrderPlaced(f"o-{n}", -1 if n == 499 else n)], None, said())
        for n in range(1_000)
    ]
    log.append([drafts])
    feed = feed_of(db, Orders)
    assert to_end(feed) is Step.KEPT
    assert (feed.row.position, feed.row.state) == (499, "stopped")


def said() -> Any:
    """Nothing that a caller says of a commit."""
    from backstory.decide.drafting import Said

    return Said(None, None, None, None)


def test_none_of_a_commit_is_visible_if_one_of_its_events_is_poison(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    db.append(OrderPlaced("o-2", 2), OrderPlaced("o-3", -1), OrderPlaced("o-4", 4))
    feed = feed_of(db, Orders)
    assert to_end(feed) is Step.KEPT
    assert feed.row.position == 1
    assert feed.row.why.startswith("#3 ")
    with feed.home.writing(1) as tx:
        assert feed.home.own(tx, 1).rows("SELECT id FROM orders") == [("o-1",)]


def test_an_event_is_kept_back_with_all_later_ones_of_its_key(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", -1), OrderPlaced("o-2", 2))
    db.append(OrderPaid("o-1"))
    db.append(OrderPaid("o-2"))
    assert to_end(feed_of(db, ByOrder)) is Step.AT_END
    group = db.views.group_of(ByOrder)
    assert db.rows(ByOrder, ALL) == [("o-2", 2, "paid")]
    assert [(each.position, each.key) for each in operate.parked(db.views, group)] == [(1, "o-1"), (3, "o-1")]
    with pytest.raises(ProjectionFailed, match=r"by_order failed at #1: .*-1 cent"):
        operate.retry(db.views, group)
    first, second = operate.parked(db.views, group)
    assert (first.tries, second.tries) == (2, 0)
    db.append(OrderPaid("o-1"))
    to_end(feed_of(db, ByOrder))
    assert standing(db, ByOrder).parked == 3


def test_what_is_kept_back_is_applied_in_order_once_the_code_is_mended(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", -1))
    db.append(OrderPaid("o-1"))
    db.append(OrderPlaced("o-2", 2))
    to_end(feed_of(db, ByOrder))
    assert db.rows(ByOrder, ALL) == [("o-2", 2, "placed")]

    def mended(self: object, event: OrderPlaced | OrderPaid, tx: Tx, record: Record) -> None:
        if isinstance(event, OrderPlaced):
            tx.execute("INSERT INTO orders VALUES (?, ?, 'placed', 0)", (event.order, event.cents))
        else:
            tx.execute("UPDATE orders SET status = 'paid' WHERE id = ?", (event.order,))

    monkeypatch.setattr(Orders, "apply", mended)
    group = db.views.group_of(ByOrder)
    assert operate.retry(db.views, group, 1) == 2
    assert db.rows(ByOrder, ALL) == [("o-1", -1, "paid"), ("o-2", 2, "placed")]
    db.append(OrderPaid("o-2"))
    to_end(feed_of(db, ByOrder))
    assert (standing(db, ByOrder).parked, len(db.rows(ByOrder, ALL))) == (0, 2)


def test_an_event_that_the_code_cannot_read_stops_it(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    db.append(EventData("shop.placed", 9, ("order:o-2",), b'{"order":"o-2","cents":1}'))
    feed = feed_of(db, Orders)
    assert to_end(feed) is Step.KEPT
    assert (feed.row.position, feed.row.state) == (1, "stopped")
    assert "it has version 9, the class here has 1" in feed.row.why


def test_an_error_that_passes_is_no_poison(
    connect: Opener, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    import apsw
    import psycopg

    locked = psycopg.errors.LockNotAvailable() if kind == "postgres" else apsw.BusyError()
    left = [3]
    plain = Orders.apply

    def locked_at_first(self: Orders, event: OrderPlaced | OrderPaid, tx: Tx, record: Record) -> None:
        if left[0]:
            left[0] -= 1
            raise locked
        plain(self, event, tx, record)

    monkeypatch.setattr(Orders, "apply", locked_at_first)
    db = connect()
    commit = db.append(OrderPlaced("o-1", 1))
    with db.run(Orders):
        db.wait(Orders, commit, timeout=60)
    assert (left, standing(db, Orders).state) == ([0], "running")


def test_who_lost_the_lease_writes_nothing_more(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    first = feed_of(db, Orders, lease=0.001)
    time.sleep(0.01)
    second = feed_of(db, Orders, lease=60, owner="b")
    with pytest.raises(LostError):
        first.step()
    assert second.step() is Step.MOVED
    db.append(OrderPlaced("o-2", 1))
    with pytest.raises(LostError):
        first.step()
    assert to_end(second) is Step.AT_END
    assert len(db.rows(Orders, ALL)) == 2


def test_a_lease_that_somebody_has_is_not_given_twice(connect: Opener) -> None:
    db = connect()
    feed = feed_of(db, Orders, lease=60)
    with pytest.raises(AssertionError, match="somebody else"):
        feed_of(db, Orders, lease=60, owner="b")
    with feed.home.writing(1) as tx:
        feed.home.catalog.release(tx, feed.row)
    assert feed_of(db, Orders, lease=60, owner="b").row.epoch == feed.row.epoch + 1


def test_a_file_of_tables_that_is_deleted_while_somebody_opens_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "orders-v1.1.db"
    first = TableFile(path)
    first.make()
    with first.transaction() as tx:
        tx.execute("CREATE TABLE orders (id TEXT)")
    opened = apsw.Connection

    def open_and_lose(*words: Any, **options: Any) -> apsw.Connection:
        connection = opened(*words, **options)
        first.delete()
        return connection

    monkeypatch.setattr(apsw, "Connection", open_and_lose)
    with pytest.raises(GoneError, match="was deleted"), TableFile(path).reading():
        raise AssertionError


def test_of_many_runners_one_works(connect: Opener) -> None:
    db = connect()
    db.append(*(OrderPlaced(f"o-{number}", number) for number in range(100)))
    begin = threading.Barrier(8)
    wrong: list[BaseException] = []

    def work() -> None:
        begin.wait(60)
        try:
            with db.run(Orders):
                db.wait(Orders, timeout=60)
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(db.rows(Orders, ALL)) == 100
    assert standing(db, Orders).generation == 1


def test_a_store_that_cannot_answer_for_a_while_ends_no_runner(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    look, failures = Runner.look, [StoreLocked("all connections are in use")] * 3

    def fail(self: Runner) -> None:
        if failures:
            raise failures.pop()
        look(self)

    monkeypatch.setattr(Runner, "look", fail)
    with pytest.raises(StoreLocked):
        db.run(Orders).run(once=True)
    with db.run(Orders):
        db.wait(Orders, timeout=60)
    assert failures == []


def test_a_rebuild_while_others_append_loses_nothing(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-0", 1))
    stop = threading.Event()

    def append() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            db.append(OrderPlaced(f"o-{number}", 1))

    thread = threading.Thread(target=append)
    with db.run(Orders):
        db.wait(Orders, timeout=60)
        thread.start()
        for _ in range(2):
            db.rebuild(Orders)
        stop.set()
        thread.join()
        db.wait(Orders, timeout=60)
        head = db.head().position
        assert db.rows(Orders, "SELECT count(*) FROM orders") == [(head,)]
    assert standing(db, Orders).generation == 3
    assert len(operate.standings(db.views, [db.views.group_of(Orders)], NOW)) == 1


def test_poison_in_a_rebuild_does_not_touch_what_is_read(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, Orders))

    def wrong(self: object, event: OrderPlaced | OrderPaid, tx: Tx, record: Record) -> None:
        raise LookupError("this code is worse")

    with monkeypatch.context() as worse:
        worse.setattr(Orders, "apply", wrong)
        with pytest.raises(ProjectionError, match="this code is worse"):
            db.rebuild(Orders)
    assert db.rows(Orders, ALL) == [("o-1", 1, "placed")]
    old, new = operate.standings(db.views, [db.views.group_of(Orders)], NOW)
    assert ((old.live, old.state), (new.live, new.state)) == ((True, "running"), (False, "stopped"))
    db.rebuild(Orders)
    assert standing(db, Orders).generation == 3


def test_a_rebuild_that_is_left_to_the_runner_is_done_by_it(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    with db.run(Orders):
        db.wait(Orders, timeout=60)
        db.views.rebuild(db.views.group_of(Orders), wait=False)
        eventually(
            lambda: (
                [each.generation for each in operate.standings(db.views, [db.views.group_of(Orders)], NOW)]
                == [2]
            )
        )
        assert db.rows(Orders, ALL) == [("o-1", 1, "placed")]


def test_changed_code_under_the_same_version_is_shown_as_drifted(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, Orders))
    assert not standing(db, Orders).drifted
    monkeypatch.setattr(Orders, "apply", lambda self, event, tx, record: None)
    assert standing(db, Orders).drifted


def test_the_lag_is_that_of_events_that_concern_it(connect: Opener) -> None:
    db = connect(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, Orders))
    db.append(StockCounted("apple"))
    group = db.views.group_of(Orders)
    later = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    [found] = operate.standings(db.views, [group], later)
    assert (found.lag, found.seconds, found.head) == (0, 0.0, 2)
    db.append(OrderPlaced("o-2", 1))
    [found] = operate.standings(db.views, [group], later)
    assert (found.lag, found.seconds) == (2, 60.0)


def test_a_group_has_one_checkpoint_and_one_moment(connect: Opener) -> None:
    class Placed(Projection, group="office"):
        tables = "CREATE TABLE placed (id TEXT PRIMARY KEY)"

        def apply(self, event: OrderPlaced, tx: Tx) -> None:
            tx.execute("INSERT INTO placed VALUES (?)", (event.order,))

    class Paid(Projection, group="office"):
        tables = "CREATE TABLE paid (id TEXT PRIMARY KEY)"

        def apply_many(self, events: list[tuple[OrderPaid, Record]], tx: Tx) -> None:
            tx.executemany("INSERT INTO paid VALUES (?)", [(event.order,) for event, _ in events])

    db = connect()
    db.append(OrderPlaced("o-1", 1), OrderPaid("o-1"))
    with db.run(Placed, Paid):
        db.wait(Paid, timeout=60)
    assert db.rows(Placed, "SELECT placed.id FROM placed JOIN paid ON placed.id = paid.id") == [("o-1",)]
    other = connect()
    with pytest.raises(ProjectionError, match="belongs to the group office"):
        other.rows(Paid, "SELECT 1")
    other.project(Placed, Paid)
    assert other.rows(Paid, "SELECT * FROM paid") == [("o-1",)]


def test_declared_sql_is_run_over_each_batch(connect: Opener) -> None:
    class Sums(Projection):
        events = (OrderPlaced,)
        tables = "CREATE TABLE sums (one TEXT PRIMARY KEY, orders BIGINT NOT NULL, cents BIGINT NOT NULL)"
        end = (
            "ON CONFLICT (one) DO UPDATE SET orders = sums.orders + excluded.orders,"
            " cents = sums.cents + excluded.cents"
        )
        sql = {
            "sqlite": "INSERT INTO sums SELECT 'all', count(*), sum(json_extract(data, '$.cents')) FROM events"
            f" WHERE true HAVING count(*) > 0 {end}",
            "postgresql": "INSERT INTO sums SELECT 'all', count(*), sum((data->>'cents')::bigint) FROM events"
            f" HAVING count(*) > 0 {end}",
        }

    db = connect()
    db.append(*(OrderPlaced(f"o-{number}", number) for number in range(10)))
    with db.run(Sums):
        db.append(OrderPlaced("o-10", 10))
        db.wait(Sums, timeout=60)
    assert db.rows(Sums, "SELECT orders, cents FROM sums") == [(11, 55)]


def test_a_restored_store_is_noticed_and_nothing_is_guessed(connect: Opener, kind: str) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    feed = feed_of(db, Orders)
    to_end(feed)
    with feed.home.writing(
        1
    ) as tx:  # as if the log had been put back, and another commit had this position by now
        locked = feed.home.catalog.lock(tx, feed.row.key)
        assert locked is not None
        feed.home.catalog.move(tx, locked, 1, b"another commit")
    again = feed_of(connect(), Orders)
    assert again.step() is Step.KEPT
    assert again.row.state == "diverged"
    with pytest.raises(ProjectionError, match="it is another history"):
        db.rows(Orders, ALL)
    with pytest.raises(ProjectionError, match="cannot go on"):
        operate.resume(db.views, db.views.group_of(Orders))
    db.rebuild(Orders)
    assert db.rows(Orders, ALL) == [("o-1", 1, "placed")]


def test_an_event_class_of_another_name_is_none_of_its_events(connect: Opener) -> None:
    class Renamed(Event, name="shop.renamed"):
        order: Tag[str]

    db = connect(inline=[Orders])
    db.append(Renamed("o-1"))
    assert db.rows(Orders, ALL) == []


def test_a_generation_that_is_finished_late_takes_no_newer_one_away(connect: Opener) -> None:
    db = connect()
    db.append(OrderPlaced("o-0", 1))
    home = db.views.ensured(db.views.group_of(Orders))
    older = Feed(home, db.views.source, home.make(2))
    to_end(older)
    db.rebuild(Orders)
    assert standing(db, Orders).generation == 3
    assert older.finish()
    assert [one.generation for one in home.rows() if one.live][-1:] == [3]
    assert standing(db, Orders).live
    assert len(db.rows(Orders, ALL)) == 1
