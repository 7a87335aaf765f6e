"""Projections in another database than the log's: each event changes the rows exactly once there, too."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from backstory import Database, Projection, Tx, connect
from backstory.errors import DefinitionError, ProjectionError, StoreRefused
from backstory.projections import operate
from backstory.projections.catalog import LostError
from backstory.projections.check import check
from backstory.projections.elsewhere import DuckDB, Postgres, SqliteFile
from backstory.projections.feed import Step
from backstory.stores.postgres.address import parsed
from tests.postgres.schemas import schemas
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders
from tests.projections.test_runner import feed_of, to_end

KINDS = ["sqlite file", "postgres", "engine of sqlite", "engine of postgres", "duckdb"]
ROOT = Path(__file__).parents[2]

DYING = """
import os, signal, sys
from pathlib import Path
from backstory import connect
from tests.projections.test_elsewhere import place_of, orders_in
from backstory.projections.names import Own
kind, folder, at = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
count = 0
def dying(method):
    def call(*arguments):
        global count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*arguments)
    return call
Own.execute = dying(Own.execute)
with connect(str(folder / "shop.db")) as db:
    Sales = orders_in(place_of(kind, folder))
    with db.run(Sales, lease=0.2):
        db.wait(Sales, timeout=60)
"""


def place_of(kind: str, folder: Path) -> Any:
    """A database of this kind."""
    conninfo = os.environ.get("SALES", "")
    if kind == "sqlite file":
        return SqliteFile(folder / "sales.db")
    if kind == "duckdb":
        return DuckDB(folder / "sales.duckdb")
    if kind == "postgres":
        return Postgres(conninfo)
    sqlalchemy = pytest.importorskip("sqlalchemy")
    if kind == "engine of sqlite":
        return sqlalchemy.create_engine(f"sqlite:///{folder / 'engine.db'}")
    import psycopg

    return sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo))


def orders_in(place: Any) -> type[Orders]:
    """The orders, in this database."""

    class Sales(Orders, into=place):
        tables = str(Orders.tables).replace(" at ", ' "at" ')  # a keyword in DuckDB

    return Sales


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of database."""
    name = str(request.param)
    if "duckdb" in name:
        pytest.importorskip("duckdb")
    if "postgres" in name:
        address = schemas()._server.address("sales")
        monkeypatch.setenv("SALES", parsed(address).conninfo)
        schemas().open(tmp_path)
    return name


@pytest.fixture
def place(kind: str, tmp_path: Path) -> Iterator[Any]:
    """A database of this kind, without tables."""
    made = place_of(kind, tmp_path)
    if "postgres" in kind:
        import psycopg

        with psycopg.connect(os.environ["SALES"], autocommit=True) as connection:
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'backstory_')"
            ).fetchall()
            for [name] in found:
                connection.execute(f'DROP SCHEMA "{name}" CASCADE'.encode())
    yield made
    (getattr(made, "dispose", None) or made.close)()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A log in a SQLite file."""
    with connect(str(tmp_path / "shop.db")) as opened:
        yield opened


def test_rows_are_kept_and_rebuilt_elsewhere(db: Database, place: Any, tmp_path: Path) -> None:
    sales = orders_in(place)
    db.append(*(OrderPlaced(f"o-{number}", number) for number in range(20)))
    with db.run(sales):
        commit = db.append(OrderPaid("o-3"))
        assert db.rows(sales, ALL, after=commit, timeout=60) == db.rows(sales, ALL, live=True)
        db.rebuild(sales)
        commit = db.append(OrderPaid("o-4"))
        assert db.rows(sales, ALL, after=commit, timeout=60) == db.rows(sales, ALL, live=True)
    operate.prune(db.views, db.views.group_of(sales))
    assert [row.generation for row in db.views.home(db.views.group_of(sales)).rows()] == [2]
    assert not (tmp_path / "shop.views").exists()


def test_a_batch_that_fails_leaves_nothing_and_is_done_once(db: Database, place: Any) -> None:
    sales = orders_in(place)
    db.append(OrderPlaced("o-1", 1))
    db.append(OrderPlaced("o-2", -1))
    db.append(OrderPlaced("o-3", 3))
    feed = feed_of(db, sales)
    assert to_end(feed) is Step.KEPT
    assert (feed.row.state, feed.row.position) == ("stopped", 1)
    group = db.views.group_of(sales)
    operate.skip(db.views, group, 2, "a test order")
    operate.resume(db.views, group)
    to_end(feed)
    assert [row[0] for row in db.rows(sales, ALL)] == ["o-1", "o-3"]


def test_who_lost_the_lease_writes_nothing_elsewhere(db: Database, place: Any) -> None:
    sales = orders_in(place)
    db.append(OrderPlaced("o-1", 1))
    late = feed_of(db, sales, lease=0.001, owner="late")
    new = feed_of(db, sales, lease=60, owner="late")
    with pytest.raises(LostError):
        late.step()
    to_end(new)
    assert db.rows(sales, ALL) == [("o-1", 1, "placed")]


def test_another_log_is_noticed_elsewhere(db: Database, place: Any, tmp_path: Path) -> None:
    sales = orders_in(place)
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, sales))
    with connect(str(tmp_path / "other.db")) as other:
        other.append(OrderPlaced("o-2", 2))
        assert to_end(feed_of(other, sales)) is Step.KEPT
        with pytest.raises(ProjectionError, match="another history"):
            other.rows(sales, ALL)


def test_a_process_that_feeds_elsewhere_may_die_at_any_statement(
    db: Database, kind: str, place: Any, tmp_path: Path, long: bool
) -> None:
    getattr(place, "close", lambda: None)()
    for at in range(1, 12, 1 if long else 4):
        db.append(OrderPlaced(f"o-{at}", at), OrderPaid(f"o-{at}"))
        subprocess.run(
            [sys.executable, "-c", DYING, kind, str(tmp_path), str(at)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
    sales = orders_in(place)
    with db.run(sales, lease=0.2):
        db.wait(sales, timeout=60)
    assert db.rows(sales, ALL) == db.rows(sales, ALL, live=True)


class Totals(Projection):
    events = (OrderPlaced,)
    tables = "CREATE TABLE totals (customer TEXT, cents BIGINT)"
    sql: ClassVar[Mapping[str, str]] = {
        "sqlite": "INSERT INTO totals SELECT type, sum(data->>'cents') FROM events GROUP BY type",
        "postgresql": "INSERT INTO totals SELECT type, sum((data->>'cents')::bigint) FROM events GROUP BY type",
        "duckdb": "INSERT INTO totals SELECT type, sum((data->>'cents')::BIGINT) FROM events GROUP BY type",
    }


def test_declared_sql_runs_elsewhere(db: Database, place: Any, kind: str) -> None:
    if kind == "engine of sqlite" and sqlite3.sqlite_version_info < (3, 38):
        pytest.skip("this SQLite has no ->>")

    class There(Totals, into=place):
        pass

    db.append(OrderPlaced("o-1", 1), OrderPlaced("o-2", 2))
    to_end(feed_of(db, There))
    assert db.rows(There, "SELECT * FROM totals") == [("shop.placed", 3)]


def test_a_projection_elsewhere_is_not_inline_and_into_is_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="cannot be inline"):
        connect(str(tmp_path / "a.db"), inline=[orders_in(SqliteFile(tmp_path / "b.db"))])
    with connect(str(tmp_path / "c.db")) as db, pytest.raises(DefinitionError, match="into= is a SqliteFile"):
        db.rows(orders_in("sales.db"), ALL)


def test_an_engine_of_an_unknown_database_is_refused(tmp_path: Path) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")

    class Odd:
        name, driver = "mysql", "pymysql"

    engine = sqlalchemy.create_engine("sqlite://")
    engine.dialect = Odd()
    with connect(str(tmp_path / "a.db")) as db, pytest.raises(DefinitionError, match=r"mysql\+pymysql"):
        db.rows(orders_in(engine), ALL)


def test_tables_elsewhere_are_compared_with_their_events(db: Database, place: Any) -> None:
    sales = orders_in(place)
    db.append(OrderPlaced("o-1", 1), OrderPlaced("o-2", 2))
    to_end(feed_of(db, sales))
    home = db.views.home(db.views.group_of(sales))
    found = check(db.views, home.group)
    assert found is not None
    assert (found.rows, found.problems) == (2, [])
    with home.writing(1) as tx:
        home.own(tx, 1).execute("DELETE FROM orders WHERE id = 'o-2'")
    found = check(db.views, home.group)
    assert found is not None
    assert len(found.problems) == 1


def test_text_in_sql_is_the_same_in_each_database(place: Any) -> None:
    class Notes(Projection, into=place):
        tables = "CREATE TABLE notes (note TEXT, number BIGINT)"

        def apply(self, event: OrderPlaced, tx: Tx) -> None:
            tx.execute("INSERT INTO notes VALUES ('why?? 100% it''s ?; -- no', ?)", (event.cents,))
            tx.execute("INSERT INTO notes VALUES ('a;b??', 2)")

    with connect() as db, db.run(Notes):
        last = db.append(OrderPlaced("o-1", 1))
        rows = db.rows(Notes, "SELECT note, number FROM notes ORDER BY number", after=last, timeout=60)
    assert rows == [("why?? 100% it's ?; -- no", 1), ("a;b??", 2)]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:se%cret@localhost/x",
        "postgresql://u:se cret@localhost:1/x",
        "postgrsql://u:secret@localhost/x",
        "postgresql://u:se@secret@localhost:1/x",
        "postgresql://u:secret@[::1/x",
        "host=localhost password='secret",
        "host=localhost password=secret secret",
    ],
)
def test_no_error_about_the_address_of_a_database_has_its_password(address: str) -> None:
    with connect() as db:
        db.append(OrderPlaced("o-1", 1))
        with pytest.raises(DefinitionError, match=r"in a password write @ as %40") as wrong:
            db.rows(orders_in(Postgres(address)), ALL, timeout=0)
    assert "cret" not in "".join(traceback.format_exception(wrong.value)).replace(f"{address!r}", "")
