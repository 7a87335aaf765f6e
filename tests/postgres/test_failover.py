"""A replica: what may be read of it, and that it takes over without losing or repeating anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from backstory import Database
from backstory.conformance.sample import decided, fact, one
from backstory.errors import AheadOfLog, HistoryLost, StoreMissing, StoreReadOnly
from backstory.history.check.verify import verify
from backstory.history.forget.withholding import withhold
from backstory.store import append
from backstory.stores.postgres import PostgresStore
from backstory.values.query import Query
from tests.patience import PATIENCE, until
from tests.postgres.server import PostgresServer, Replica, started
from tests.postgres.test_failures import write_under
from tests.privacy.test_remembered import Guest, GuestNamed, greet_guest

WATCHED = Query.of(["Watched"])


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with closing(started()) as server:
        yield server


@pytest.fixture
def replica(primary: PostgresServer, tmp_path: Path) -> Iterator[Replica]:
    with closing(primary.replica(primary.folder.parent / "replica")) as server:
        server.start()
        yield server


def either(servers: list[PostgresServer], schema: str) -> str:
    """The address of whichever takes writes."""
    hosts = ",".join(quote(str(server.socket), safe="") for server in servers)
    ports = ",".join(str(server.port) for server in servers)
    return f"postgresql://postgres@/postgres?host={hosts}&port={ports}&target_session_attrs=read-write&schema={schema}"


def copied(address: str) -> PostgresStore:
    """A replica's store, once it is there."""
    opened: list[PostgresStore] = []

    def opens() -> bool:
        with suppress(StoreMissing):
            opened.append(PostgresStore(address, create=False))
        return bool(opened)

    until(opens)
    return opened[0]


def test_a_replica_is_read_and_followed_without_gaps_and_takes_no_writes(
    primary: PostgresServer, replica: Replica
) -> None:
    seen: list[int] = []
    with (
        closing(PostgresStore(primary.address("shop"))) as store,
        closing(copied(replica.address("shop"))) as copy,
    ):
        log = copy.log()
        for turn in range(50):
            one(store.log(), fact("Watched", "x:1"))
            upto = log.wait(len(seen), timeout=PATIENCE if turn == 0 else 0)
            seen += [event.position for event in log.read(WATCHED, after=len(seen), upto=upto)]
            assert seen == list(range(1, upto + 1))
        while len(seen) < 50:
            upto = log.wait(len(seen), timeout=PATIENCE)
            seen += [event.position for event in log.read(WATCHED, after=len(seen), upto=upto)]
        assert log.head() == store.log().head()
        assert verify(copy).problems == []
        with pytest.raises(StoreReadOnly):
            one(log)


def test_a_failover_under_load_loses_nothing_that_was_acknowledged_and_repeats_nothing(
    primary: PostgresServer, replica: Replica
) -> None:
    with closing(primary.admin()) as admin:
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        admin.execute("SELECT pg_reload_conf()")

    def fail() -> None:
        primary.stop("immediate")
        replica.promote()

    write_under(either([primary, replica], "shop"), fail, 100, times=1)


def test_a_log_that_was_brought_back_to_an_earlier_time_goes_on_from_there(primary: PostgresServer) -> None:
    with closing(PostgresStore(primary.address("earlier"))) as store:
        log = store.log()
        for _ in range(3):
            one(log)
        with closing(primary.admin()) as admin:  # as after a recovery to a point in time, or a lost replica
            admin.execute("SET session_replication_role = replica")
            for table in ("tags", "events", "commits"):
                admin.execute(f"DELETE FROM earlier.{table} WHERE key > 1".encode())
        [verdict] = log.append([[decided(query=WATCHED, after=3)]])
        assert isinstance(verdict, AheadOfLog)
        assert one(log).position == 2
        with closing(primary.admin()) as admin:
            admin.execute("SET session_replication_role = replica")
            admin.execute("DELETE FROM earlier.events; DELETE FROM earlier.commits")
        assert one(log).position == 1
        assert verify(store).problems == []


def test_a_store_that_was_put_back_is_noticed_also_where_values_were_withheld(
    primary: PostgresServer,
) -> None:
    with Database(PostgresStore(primary.address("restored"))) as db:
        db.append(GuestNamed("g-1", "Bea"))
        for _ in range(3):
            db.execute(greet_guest(Guest("g-1")))
        with closing(primary.admin()) as admin:
            admin.execute("SET session_replication_role = replica")
            for table in ("tags", "events", "commits"):
                admin.execute(f"DELETE FROM restored.{table} WHERE key > 1".encode())
            admin.execute("CREATE FUNCTION restored.withheld() RETURNS void LANGUAGE sql AS ''")
        for _ in range(2):
            with pytest.raises(HistoryLost, match="#4 is not there any more"):
                db.execute(greet_guest(Guest("g-1")))


def test_withholding_waits_for_no_transaction_that_has_read_a_state(primary: PostgresServer) -> None:
    with Database(PostgresStore(primary.address("read"))) as db, closing(primary.admin()) as reader:
        commit = db.append(GuestNamed("g-1", "Bea"))
        reader.execute("BEGIN")
        reader.execute("SELECT value FROM read.caches WHERE name = 'a'")
        reader.execute(
            "SET LOCAL idle_in_transaction_session_timeout = '60s'"
        )  # else a wait would have no end
        withhold(db.branches, commit, ["data"])
        reader.execute("COMMIT")


def test_a_failover_that_lost_commits_is_noticed_by_who_had_seen_them(
    primary: PostgresServer, replica: Replica
) -> None:
    address = either([primary, replica], "lossy")
    with closing(PostgresStore(address)) as store, closing(PostgresStore(address)) as other:
        [first] = append(store.log(), decided(id="first"))
        other.log().head()
        copied(replica.address("lossy")).close()
        replica.stop()
        append(store.log(), decided(id="lost"))
        primary.stop("immediate")
        replica.start()
        replica.promote()
        for _ in range(2):
            with pytest.raises(HistoryLost, match="#2 is not there any more"):
                append(store.log(), decided(id="after"))
        assert (
            append(other.log(), decided(id="after"))[0].position == 2
        )  # it has seen only what is still there
        with closing(PostgresStore(address)) as again:
            assert [commit.id for commit in again.log().commits()] == [first.id, "after"]
            assert verify(again).problems == []
