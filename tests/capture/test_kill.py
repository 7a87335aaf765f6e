"""Death at each statement of the drainer and of the first copy: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import backstory
from backstory import Database
from backstory.capture import Capture, Captured
from backstory.capture import outbox as outboxes
from backstory.tables import Transaction
from tests.capture.databases import Site, history_of, sqlite_site
from tests.patience import until


class Death(BaseException):
    """A process ends here."""


class Dying:
    """A transaction that dies before a statement of this number, or after it."""

    def __init__(self, inner: Transaction, steps: list[int]) -> None:
        self._inner = inner
        self._steps = steps
        self.dialect = inner.dialect

    def _step(self) -> None:
        self._steps[0] -= 1
        if not self._steps[0]:
            raise Death

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        self._step()
        self._inner.execute(sql, arguments)
        self._step()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._step()
        self._inner.executemany(sql, rows)
        self._step()

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._step()
        return self._inner.rows(sql, arguments)


def dying(site: Site, after: int) -> Any:
    """Begins transactions of a process that dies after so many steps."""
    steps = [after]

    @contextmanager
    def begin() -> Iterator[Transaction]:
        with site.begin() as tx:
            yield Dying(tx, steps)
            steps[0] -= 1
            if not steps[0]:
                raise Death
        steps[0] -= 1  # the commit is done
        if not steps[0]:
            raise Death

    return begin


@pytest.fixture
def capture(site: Site, monkeypatch: pytest.MonkeyPatch) -> Capture:
    monkeypatch.setattr(outboxes, "ROWS", 3)
    capture = Capture([Captured("coins", ("id",))], home=site.home)
    site.run("CREATE TABLE coins (id integer PRIMARY KEY, side text)")
    site.run("INSERT INTO coins VALUES (1, 'a'), (2, 'a'), (3, 'a'), (4, 'a')")
    with site.begin() as tx:
        capture.install(tx)
    return capture


def test_death_at_any_statement_of_the_copy_and_of_the_drainer(
    site: Site, db: Database, capture: Capture, long: bool
) -> None:
    written, deaths = {"1": "a", "2": "a", "3": "a", "4": "a"}, 0
    for after in range(1, 200, 1 if long else 3):
        begin = dying(site, after)
        try:
            capture.copy(begin, rows=2, again=after % 7 == 0)
            capture.drainer(db, begin).drain()
        except Death:
            deaths += 1
        else:
            break
        site.run(f"UPDATE coins SET side = '{after}' WHERE id = {1 + after % 4}")
        written[str(1 + after % 4)] = str(after)
    assert deaths > 10
    capture.copy(site.begin)
    capture.drainer(db, site.begin).drain()
    assert {key: row["side"] for key, row in history_of(db, "coins").items()} == written
    assert site.rows(f"SELECT count(*) FROM {site.outbox}") == [(0,)]
    for key in written:
        sides = [
            getattr(each.event, "row", None) or each.event.set for each in db.table("coins").history(key)
        ]
        values = [each["side"] for each in sides]
        assert values == sorted(set(values), key=lambda value: -1 if value == "a" else int(value))
        inserted = [type(each.event).__name__ for each in db.table("coins").history(key)]
        assert inserted[0] == "RowInserted"
        assert inserted.count("RowInserted") == 1


def test_drainers_that_are_at_work_at_once_keep_the_order_of_each_row(
    site: Site, db: Database, capture: Capture, tmp_path: Path
) -> None:
    """Writers whose transactions overlap, and three drainers, one of them over another object of the log."""
    over, errors = threading.Event(), []

    def write(number: int) -> None:
        connection = site.connect()
        for turn in range(30):
            key = 1 + (turn + number) % 4
            counted = "CAST(CASE side WHEN 'a' THEN '0' ELSE side END AS integer) + 1"
            connection.execute(f"UPDATE coins SET side = ({counted}) WHERE id = {key}")
            if number % 2:
                connection.execute(f"INSERT INTO coins VALUES ({100 * (number + 1) + turn}, 'new')")
            connection.rollback() if turn % 10 == 9 else connection.commit()
        connection.close()

    def drain(into: Database) -> None:
        try:
            drainer = capture.drainer(into, site.begin)
            while not over.is_set():
                drainer.drain()
        except BaseException as error:  # noqa: BLE001 - the test shows it
            errors.append(error)

    with backstory.connect(tmp_path / "history.db") as second:
        drainers = [threading.Thread(target=drain, args=(each,)) for each in (db, db, second)]
        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        capture.copy(site.begin)
        for thread in (*drainers, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        over.set()
        for thread in drainers:
            thread.join()
    assert errors == []
    capture.drainer(db, site.begin).drain()
    rows = dict(site.rows("SELECT id, side FROM coins"))
    assert {int(key): row["side"] for key, row in history_of(db, "coins").items()} == rows
    for key in range(1, 5):
        found = [each.event for each in db.table("coins").history(key)]
        values = [(getattr(event, "row", None) or event.set)["side"] for event in found]
        assert values == ["a", *map(str, range(1, len(values)))], "each change once, in order"


PROGRAM = """
import sys
from pathlib import Path
import backstory
from backstory.capture import Capture, Captured, transaction_on
from tests.capture.databases import sqlite_site
site = sqlite_site(Path(sys.argv[1]))
capture = Capture([Captured("coins", ("id",))])
with backstory.connect(Path(sys.argv[1]) / "history.db") as db:
    drainer = capture.drainer(db, site.begin)
    print("ready", flush=True)
    while True:
        capture.copy(site.begin, rows=5, again=True)
        drainer.drain()
"""


def test_a_process_that_is_killed_leaves_its_work_to_the_next(tmp_path: Path, long: bool) -> None:
    site = sqlite_site(tmp_path)
    capture = Capture([Captured("coins", ("id",))])
    site.run("CREATE TABLE coins (id integer PRIMARY KEY, side text)")
    with site.begin() as tx:
        capture.install(tx)
    for turn in range(20 if long else 2):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            for number in range(10):
                site.run(f"INSERT INTO coins VALUES ({100 * turn + number}, 'a')")
                site.run(f"UPDATE coins SET side = 'b{turn}' WHERE id = {100 * turn + number // 2}")
            os.kill(process.pid, signal.SIGKILL)
    with backstory.connect(tmp_path / "history.db") as db:
        capture.copy(site.begin)
        capture.drainer(db, site.begin).drain()
        rows = {str(id): {"side": side} for id, side in site.rows("SELECT id, side FROM coins")}
        assert history_of(db, "coins") == rows
        kinds = [type(each.event).__name__ for each in db.table("coins").history("102")]
        assert kinds == ["RowInserted", "RowChanged"]


def test_a_thread_drains_until_the_end_of_its_block(site: Site, db: Database, capture: Capture) -> None:
    from backstory.capture import Running

    with Running(capture.drainer(db, site.begin), every=60) as running:
        site.run("UPDATE coins SET side = 'b' WHERE id = 1")
        running.wake()
        until(lambda: db.head().position == 1)
        site.run("UPDATE coins SET side = 'c' WHERE id = 1")
    assert db.table("coins")["1"]["side"] == "c"


def test_statements_of_one_millisecond_are_not_taken_for_what_is_in_the_log_already(
    tmp_path: Path, db: Database
) -> None:
    site = sqlite_site(tmp_path)
    capture = Capture([Captured("coins", ("id",))])
    site.run("CREATE TABLE coins (id integer PRIMARY KEY, side text)")
    with site.begin() as tx:
        capture.install(tx)
    site.run("INSERT INTO coins VALUES (1, 'a')")
    kept = site.rows("SELECT * FROM backstory_outbox")
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    with (
        site.begin() as tx
    ):  # as if the drainer had died before the deletion, and somebody had written meanwhile
        tx.executemany(f"INSERT INTO backstory_outbox VALUES ({', '.join('?' * len(kept[0]))})", kept)
        tx.execute("INSERT INTO coins VALUES (2, 'b')")
        tx.execute("UPDATE backstory_outbox SET at = (SELECT min(at) FROM backstory_outbox)")
    drainer.drain()
    assert history_of(db, "coins") == {"1": {"side": "a"}, "2": {"side": "b"}}
    assert len(list(db.read())) == 2


def test_what_a_drainer_that_died_has_not_seen_comes_before_the_next_transaction(
    tmp_path: Path, db: Database
) -> None:
    site = sqlite_site(tmp_path)
    capture = Capture([Captured("coins", ("id",))])
    site.run("CREATE TABLE coins (id integer PRIMARY KEY, side text)")
    with site.begin() as tx:
        capture.install(tx)
    site.run("INSERT INTO coins VALUES (1, 'a')")
    kept = site.rows("SELECT * FROM backstory_outbox")
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    with site.begin() as tx:
        tx.executemany(f"INSERT INTO backstory_outbox VALUES ({', '.join('?' * len(kept[0]))})", kept)
        tx.execute("UPDATE coins SET side = 'b'")
        tx.execute("UPDATE backstory_outbox SET at = (SELECT min(at) FROM backstory_outbox)")
    with site.begin() as tx:
        capture.say(tx, author="ann")
        tx.execute("UPDATE coins SET side = 'c'")
        capture.hush(tx)
    drainer.drain()
    sides = [getattr(each.event, "row", None) or each.event.set for each in db.table("coins").history("1")]
    assert [each["side"] for each in sides] == ["a", "b", "c"]
