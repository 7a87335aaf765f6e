"""Answers that are lost, power that is lost, clocks, deadlocks, and twenty runners at once."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backstory import Database, Projection, Tx, connect
from backstory.errors import StoreError
from backstory.projections.catalog import Catalog, newest
from backstory.projections.feed import Step
from backstory.stores.postgres import PostgresStore
from backstory.transfer.clone import clone
from backstory.transfer.load import load
from backstory.transfer.source import Entry
from backstory.values.codec import PLAIN
from backstory.values.commit import draft
from tests.postgres.schemas import schemas
from tests.projections.conftest import Opener
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders
from tests.projections.test_runner import feed_of, to_end


class Count(Projection):
    """Counts, so that an event which is applied twice is seen."""

    tables = "CREATE TABLE counted (one BIGINT PRIMARY KEY, events BIGINT NOT NULL)"

    def apply(self, event: OrderPlaced | OrderPaid, tx: Tx) -> None:
        tx.execute(
            "INSERT INTO counted VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET events = counted.events + 1"
        )


COUNTED = "SELECT events FROM counted"


def lossy(home: Any) -> Callable[[int], Any]:
    """Transactions whose answer is lost once: they are kept, and nobody hears of it."""
    plain = home.writing
    lost: list[bool] = []

    @contextmanager
    def writing(generation: int) -> Iterator[Any]:
        with plain(generation) as tx:
            yield tx
        if not lost:
            lost.append(True)
            raise StoreError("the connection was cut after the commit")

    return writing


def test_a_batch_whose_answer_was_lost_is_not_applied_again(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1), OrderPaid("o-1"))
    feed = feed_of(db, Count)
    monkeypatch.setattr(feed.home, "writing", lossy(feed.home))
    with pytest.raises(StoreError):
        feed.step()
    to_end(feed)
    assert db.rows(Count, COUNTED) == [(2,)]


def test_an_append_whose_answer_was_lost_and_that_is_tried_again_counts_once(connect: Opener) -> None:
    db = connect(inline=[Count])
    for _ in range(3):
        db.append(OrderPlaced("o-1", 1), id="place-1")
    assert db.rows(Count, COUNTED) == [(1,)]


def test_power_that_is_lost_takes_batches_and_their_checkpoint_together(tmp_path: Path) -> None:
    """What was not synced is gone: the end of the write-ahead log, from any byte on."""
    path = tmp_path / "shop.db"
    with connect(str(path)) as db:
        feed = feed_of(db, Count)
        for number in range(12):
            db.append(OrderPlaced(f"o-{number}", number))
            assert feed.step() is Step.MOVED
        feed.finish()
        [file] = (tmp_path / "shop.views").glob("*.db")
        wal = Path(f"{file}-wal").read_bytes()
        kept = file.read_bytes()
    for cut in range(0, len(wal) + 1, max(1, len(wal) // 9)):
        shutil.rmtree(tmp_path / "shop.views")
        file.parent.mkdir()
        file.write_bytes(kept)
        Path(f"{file}-wal").write_bytes(wal[:cut])
        with connect(str(path)) as db:
            feed = feed_of(db, Count)
            assert feed.row.position <= 12
            assert to_end(feed) is Step.AT_END
            assert db.rows(Count, COUNTED) == [(12,)]


class Dying(Orders):
    """Ends the thread that applies an order of -2 cents."""

    def apply(self, event: OrderPlaced | OrderPaid, tx: Tx, record: Any) -> None:
        if isinstance(event, OrderPlaced) and event.cents == -2:
            raise SystemExit
        super().apply(event, tx, record)


@pytest.mark.parametrize("name", ["orders-v1.1.db", "orders-v1.1.db*", "*"])
def test_files_that_somebody_deletes_are_made_anew_and_seen_by_those_who_have_the_old_ones_open(
    tmp_path: Path, name: str
) -> None:
    path = str(tmp_path / "shop.db")
    with connect(path) as feeds, connect(path) as reads:
        feeds.append(OrderPlaced("o-1", 1))
        feeds.run(Orders).run(once=True)
        assert reads.rows(Orders, ALL) == [("o-1", 1, "placed")]
        for file in (tmp_path / "shop.views").glob(name):
            file.unlink()
        with connect(path) as other:
            last = other.append(OrderPlaced("o-2", 2))
            other.run(Orders).run(once=True)
        for db in reads, feeds:
            assert len(db.rows(Orders, ALL, after=last, timeout=0)) == 2
        last = feeds.append(OrderPlaced("o-3", 3))
        feeds.run(Orders).run(once=True)
        assert len(reads.rows(Orders, ALL, after=last, timeout=0)) == 3
    with connect(path) as again:
        assert len(again.rows(Orders, ALL, after=last, timeout=0)) == 3


def test_a_thread_that_ends_inside_of_a_hook_loses_and_doubles_nothing(connect: Opener) -> None:
    """The thread writes for others, too: they are told, and append again with the same ids."""
    db = connect(inline=[Dying])
    ended: list[int] = []

    def append(number: int) -> None:
        while True:
            try:
                db.append(OrderPlaced(f"o-{number}", -2 if number == 3 else number), id=f"place-{number}")
            except StoreError as error:
                assert "append again, with the same ids" in str(error)  # noqa: PT017
            except SystemExit:
                ended.append(number)
                return
            else:
                return

    threads = [threading.Thread(target=append, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended
    for number in set(ended) - {3}:  # who had the place of the thread that ended
        db.append(OrderPlaced(f"o-{number}", number), id=f"place-{number}")
    assert [row[0] for row in db.rows(Dying, ALL)] == sorted(
        f"o-{number}" for number in range(16) if number != 3
    )
    assert db.head().position == 15


def test_a_clone_and_an_import_into_an_inline_store_are_caught_up(tmp_path: Path) -> None:
    with connect(str(tmp_path / "shop.db")) as db:
        db.append(*(OrderPlaced(f"o-{number}", number) for number in range(30)))
        with connect(str(tmp_path / "copy.db"), inline=[Orders]) as copy:
            clone(db.store, copy.store)
            assert copy.rows(Orders, ALL) == db.rows(Orders, ALL, live=True)
            copy.append(OrderPaid("o-1"))
            assert copy.rows(Orders, "SELECT status FROM orders WHERE id = 'o-1'") == [("paid",)]
            entry = Entry(
                draft([PLAIN.encode(OrderPlaced("o-99", 99))], id="i-1", time=datetime.now(UTC)), "orders", 1
            )
            load(copy.store.log(), [entry])
            assert ("o-99", 99, "placed") in copy.rows(Orders, ALL)
        with connect(str(tmp_path / "other.db")) as other:
            clone(db.store, other.store)
        with connect(str(tmp_path / "other.db"), inline=[Orders]) as other:
            assert other.rows(Orders, ALL) == db.rows(Orders, ALL, live=True)


class Two(Projection):
    """Changes two rows by each event, one after the other."""

    tables = "CREATE TABLE two (id TEXT PRIMARY KEY, events BIGINT NOT NULL)"

    def apply(self, event: OrderPlaced, tx: Tx) -> None:
        for name in ("a", "b"):
            tx.execute(
                "INSERT INTO two VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET events = two.events + 1",
                (name,),
            )


def test_a_deadlock_with_rows_of_an_inline_projection_is_tried_again(connect: Opener, kind: str) -> None:
    if kind != "postgres":
        pytest.skip("only PostgreSQL locks rows")
    db = connect(inline=[Two])
    db.append(OrderPlaced("o-0", 0))
    store = db.store.below  # type: ignore[attr-defined]
    assert isinstance(store, PostgresStore)
    schema = f"{store.server.address.schema}_two_v1_1"
    with psycopg.connect(store.server.address.conninfo) as other:
        other.execute("SET LOCAL deadlock_timeout = '60s'")  # so that the append is the one that is ended
        other.execute(f"UPDATE \"{schema}\".two SET events = events WHERE id = 'b'".encode())
        thread = threading.Thread(target=db.append, args=(OrderPlaced("o-1", 1),))
        thread.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while schemas()._admin.execute(waiting).fetchone() == (0,):
            time.sleep(0.01)
        other.execute(f"UPDATE \"{schema}\".two SET events = events WHERE id = 'a'".encode())
        other.commit()
        thread.join()
    assert db.rows(Two, "SELECT * FROM two ORDER BY id") == [("a", 2), ("b", 2)]


def test_tables_that_are_taken_away_let_those_who_feed_them_end_their_step(
    connect: Opener, kind: str
) -> None:
    if kind != "postgres":
        pytest.skip("only PostgreSQL locks rows")
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, Orders))
    home = db.views.home(db.views.group_of(Orders))
    [row] = home.rows()
    taken: list[object] = []

    def take_away() -> None:
        with suppress(psycopg.errors.LockNotAvailable):  # it waits for two seconds
            home.drop(row)
        taken.append(row)

    thread = threading.Thread(target=take_away)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with home.writing(row.generation) as tx:
        home.catalog.lock(tx, row.key)
        thread.start()
        while schemas()._admin.execute(waiting).fetchone() == (0,) and not taken:
            time.sleep(0.01)
        home.own(tx, row.generation).execute("UPDATE orders SET cents = 2")
    thread.join()


@pytest.mark.parametrize("hours", [-1, 1])
def test_no_clock_of_a_process_takes_a_lease(
    connect: Opener, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    db, other = connect(), connect()
    db.append(OrderPlaced("o-1", 1))
    feed = feed_of(db, Orders, lease=60, owner="first")
    real, monotonic = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3_600)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + hours * 3_600)
    home = other.views.ensured(other.views.group_of(Orders))
    with home.writing(1) as tx:
        assert home.catalog.take(tx, feed.row.key, "second", 60) is None
    to_end(feed)
    with home.writing(1) as tx:
        home.catalog.release(tx, feed.row)
    with home.writing(1) as tx:
        assert home.catalog.take(tx, feed.row.key, "second", 60) is not None


def test_twenty_runners_that_start_at_once_have_one_that_works(
    connect: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, long: bool
) -> None:
    looks: list[str] = []
    plain = Catalog.take

    def take(self: Catalog, tx: Any, key: Any, owner: str, lease: float) -> Any:
        looks.append(owner)
        return plain(self, tx, key, owner, lease)

    monkeypatch.setattr(Catalog, "take", take)
    db = connect()
    for round_ in range(10 if long else 1):
        databases: list[Database] = [connect() for _ in range(20)]
        db.append(*(OrderPlaced(f"o-{round_}-{number}", number) for number in range(10)))
        looks.clear()
        began = time.monotonic()
        with caplog.at_level(logging.WARNING):
            runners = [each.run(Count, lease=30) for each in databases]
            for runner in runners:
                runner.__enter__()
            db.wait(Count, timeout=60)
            for runner in runners:
                runner.__exit__(None, None, None)
        assert db.rows(Count, COUNTED) == [(10 * (round_ + 1),)]
        assert caplog.records == []
        most = 1 + (time.monotonic() - began) / (
            30 * 0.2
        )  # each looks again after a fifth of a lease at least
        assert all(looks.count(owner) <= most for owner in set(looks))
        for each in databases:
            each.close()
    row = newest(db.views.home(db.views.group_of(Count)).rows())
    assert row is not None
    assert row.generation == 1
