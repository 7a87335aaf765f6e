"""Connections that are killed, and a server that is: nothing twice, nothing lost, and readers that skip nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from backstory.conformance.sample import decided, fact, one
from backstory.errors import Conflict, IdReused, StoreError, StoreLocked, StoreReadOnly
from backstory.history.check.verify import verify
from backstory.store import append, create_log, set_ref, write
from backstory.stores.postgres import PostgresStore
from backstory.stores.postgres import calls as calls_module
from backstory.stores.postgres import server as server_module
from backstory.stores.postgres.rows import Rows
from backstory.unit import Append, SetRef, new_log
from backstory.values.query import Query
from tests.patience import PATIENCE, until
from tests.postgres.server import PostgresServer, running, started

WRITERS = 6

IDLE, INTRANS = TransactionStatus.IDLE, TransactionStatus.INTRANS


@pytest.fixture(scope="module")
def own() -> Iterator[PostgresServer]:
    """A server that the tests of this module may kill."""
    server = started()
    yield server
    server.close()


def write_under(address: str, trouble: Callable[[], object], each: int, times: int) -> None:
    """Append from several threads over two stores, with trouble so many times; check that all is there once, and sound.

    There is trouble again when enough was written since the last time, so that it comes as often on any machine.
    """
    stores = [PostgresStore(f"{address}&timeout={PATIENCE}") for _ in range(2)]
    promised: dict[str, int] = {}
    written: SimpleQueue[bool] = SimpleQueue()
    seen: list[int] = []
    done = threading.Event()

    def write(writer: int) -> None:
        log = stores[writer % 2].log()
        own = Query.of(tags=[f"writer:{writer}"])
        after = 0
        for turn in range(each):
            events = [fact("Wrote", f"writer:{writer}", "hot:1")] * (1 + turn % 3)
            draft = decided(*events, id=f"{writer}-{turn}", query=own, after=after)
            [commit] = append(log, draft)  # a conflict here would be our own commit, tried twice
            promised[commit.id] = after = commit.position
            written.put(True)

    def follow() -> None:
        log = stores[0].log()
        while not done.is_set() or log.head().position > len(seen):
            upto = log.wait(len(seen), timeout=0.5)
            seen.extend(event.position for event in log.read(after=len(seen), upto=upto))

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        following = pool.submit(follow)
        writing = [pool.submit(write, writer) for writer in range(WRITERS)]
        for future in writing:
            future.add_done_callback(lambda future: written.put(future.exception() is None))
        for _ in range(times):
            if not all(written.get() for _ in range(WRITERS * each // (times + 1))):
                break
            trouble()
        for future in writing:
            future.exception()
        done.set()
        for future in writing:
            future.result()
        following.result()
    log = stores[0].log()
    assert {commit.id: commit.position for commit in log.commits()} == promised
    assert len(promised) == WRITERS * each
    assert seen == list(range(1, log.head().position + 1))
    assert verify(stores[0]).problems == []
    for store in stores:
        store.close()


def test_connections_that_are_killed_lose_nothing_and_write_nothing_twice(own: PostgresServer) -> None:
    with closing(own.admin()) as admin:

        def kill() -> None:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'backstory' AND random() < 0.5"
            )

        write_under(own.address("killed"), kill, 40, times=40)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_is_restarted_under_load_loses_nothing(
    own: PostgresServer, mode: str, long: bool
) -> None:
    def restart() -> None:
        own.stop(mode)
        own.start()

    write_under(own.address(f"restarted_{mode}"), restart, 400 if long else 100, times=10 if long else 3)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Every other answer is lost, of an append alone and of a COMMIT; says which were lost."""
    lost: list[bool] = []
    execute, leave = psycopg.Cursor.execute, psycopg.Transaction.__exit__

    def lose() -> None:
        lost.append(len(lost) % 2 == 0)
        if lost[-1]:
            raise psycopg.OperationalError("the answer was lost")

    def executing(self: Any, *arguments: Any, **more: Any) -> Any:
        result = execute(self, *arguments, **more)
        if ".append(" in str(arguments[0]) and self.connection.info.transaction_status == IDLE:
            lose()
        return result

    def leaving(self: Any, *error: Any) -> Any:
        result = leave(self, *error)
        lose()
        return result

    monkeypatch.setattr(psycopg.Cursor, "execute", executing)
    monkeypatch.setattr(psycopg.Transaction, "__exit__", leaving)
    return lost


def test_what_was_kept_and_whose_answer_was_lost_is_not_written_twice(
    own: PostgresServer, forgetful: list[bool]
) -> None:
    with closing(PostgresStore(own.address("answer"))) as store:
        log = store.log()
        forgetful.clear()
        seats = Query.of(["Booked"])
        assert append(log, decided(fact("Booked"), query=seats))[0].position == 1
        assert create_log(store, store.origin()) == 1
        assert set_ref(store, "a", "1", old=None)
        assert set_ref(store, "a", None, old="1")
        made = new_log(log.head())
        steps = (made, Append(made, [decided()]), Append(0, [decided()]), SetRef("branch/b", made, None))
        written = write(store, *steps)
        assert forgetful == [True, False] * 5
        forgetful.clear()
        assert written.logs == (2,)
        assert store.logs() == [0, 1, 2]
        assert [store.log(number).head().position for number in store.logs()] == [2, 0, 2]
        assert store.refs.get("branch/b") == "2"
        assert write(store, *steps) == written


def test_a_backend_that_is_killed_in_the_middle_of_a_unit_leaves_nothing_of_it(
    own: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after each of its statements in turn: what is left is all or nothing, and in the end all."""
    with closing(PostgresStore(own.address("middle"))) as store, closing(own.admin()) as admin:
        execute = psycopg.Cursor.execute
        left = 0

        def killing(self: Any, *arguments: Any, **more: Any) -> Any:
            nonlocal left
            result = execute(self, *arguments, **more)
            if self.connection.info.transaction_status == INTRANS:
                left -= 1
                if left == 0:
                    pid = self.connection.info.backend_pid
                    execute(admin.cursor(), "SELECT pg_terminate_backend(%s, 5000)", (pid,))
            return result

        monkeypatch.setattr(psycopg.Cursor, "execute", killing)
        for statement in range(1, 30):
            made, name = new_log(store.log().head()), f"branch/{statement}"
            left, before = statement, store.log().head().position
            write(store, made, Append(made, [decided()]), Append(0, [decided()]), SetRef(name, made, None))
            number = int(store.refs.get(name) or "")
            assert list(store.logs()) == list(range(statement + 1))
            assert store.log().head().position == store.log(number).head().position == before + 1
            if left > 0:
                break
        else:
            raise AssertionError("a unit has fewer statements than this")
        assert statement > 5
        assert verify(store).problems == []


def test_a_server_that_stays_away_is_reported_and_used_again_when_it_is_back(own: PostgresServer) -> None:
    with closing(PostgresStore(own.address("away") + "&timeout=0.3")) as store:
        log = store.log()
        draft = decided(id="once")
        append(log, draft)
        own.stop()
        try:
            with pytest.raises(StoreError, match="same ids"):
                append(log, draft)
            for read in (lambda: log.wait(1), log.head, lambda: list(log.read())):
                with pytest.raises(StoreError, match="cannot be reached") as told:
                    read()
                assert "kept" not in str(told.value)
        finally:
            own.start()
        store.server.patience = PATIENCE  # it is there now, however slowly it answers
        assert append(log, draft)[0].position == 1


def test_a_replica_or_a_read_only_database_takes_no_writes_and_may_be_read(own: PostgresServer) -> None:
    address = own.address("readonly")
    with closing(PostgresStore(address)) as store:
        one(store.log())
    with closing(PostgresStore(address + "&options=-c%20default_transaction_read_only%3Don")) as store:
        assert len(list(store.log().read())) == 1
        with pytest.raises(StoreReadOnly):
            one(store.log())
    with pytest.raises(StoreError, match="backstory init"):
        PostgresStore(own.address("nothing") + "&options=-c%20default_transaction_read_only%3Don")


def test_a_statement_timeout_is_reported_after_a_few_tries_and_nothing_is_kept() -> None:
    address = running().address("slow")

    def limit(connection: psycopg.Connection[Any]) -> None:
        connection.execute("SET statement_timeout = 50")

    with (
        closing(PostgresStore(address)) as store,
        closing(PostgresStore(address)) as limited,
        closing(running().admin()) as admin,
    ):
        limited.server.run(limit)
        limited.server.checks.append(limit)
        with admin.transaction():
            admin.execute("SELECT slow.take_lock(0)")
            with pytest.raises(StoreLocked):
                one(limited.log())
        assert store.log().head().position == 0
        assert one(store.log()).position == 1


def test_a_database_that_is_serializable_by_default_is_written_all_the_same() -> None:
    options = "&options=-c%20default_transaction_isolation%3Dserializable"
    with closing(PostgresStore(running().address("serializable") + options)) as store:
        log = store.log()

        def write(writer: int) -> None:
            for _ in range(10):
                one(log, fact("A", f"writer:{writer}"))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        assert set_ref(store, "a", "1", old=None)
        assert log.head().position == 40
        assert verify(store).problems == []


def test_a_reader_misses_nothing_of_what_sixteen_writers_append(long: bool) -> None:
    stores = [PostgresStore(running().address("sixteen")) for _ in range(4)]
    total = 10_000
    seen: list[int] = []

    def write(writer: int) -> None:
        log = stores[writer % 4].log()
        for turn in range(total // 16):
            append(log, decided(fact("Wrote", f"writer:{writer}"), id=f"{writer}-{turn}"))

    def follow() -> None:
        log = stores[0].log()
        while len(seen) < total:
            upto = log.wait(len(seen), PATIENCE)
            seen.extend(event.position for event in log.read(after=len(seen), upto=upto))

    with ThreadPoolExecutor(17) as pool:
        following = pool.submit(follow)
        list(pool.map(write, range(16)))
        following.result()
    assert seen == list(range(1, total + 1))
    for store in stores:
        store.close()


def test_all_who_wait_share_one_thread_which_ends_when_nobody_waits() -> None:
    def looking() -> int:
        return sum(thread.name == "backstory-follow" for thread in threading.enumerate())

    with closing(PostgresStore(running().address("waiting"))) as store, ThreadPoolExecutor(6) as pool:
        other = store.log(create_log(store, store.origin()))
        before = looking()
        waiting = [pool.submit(log.wait, 0, PATIENCE) for log in [store.log()] * 3 + [other] * 2]
        until(lambda: looking() > before)
        assert looking() == before + 1
        one(store.log())
        with closing(PostgresStore(running().address("waiting"))) as elsewhere:
            one(elsewhere.log(1))
        assert [future.result() for future in waiting] == [1] * 5
        until(lambda: looking() == before)


def test_no_more_connections_are_opened_than_the_address_says() -> None:
    address = running().address("few") + "&pool=2&application_name=few"
    with closing(PostgresStore(address)) as store, closing(running().admin()) as admin:
        log = store.log()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: [one(log), list(log.read())], range(40)))
        rows = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'few'"
        ).fetchall()
        assert rows[0][0] <= 2
    with suppress(StoreError):
        log.head()


def test_transactions_that_read_the_log_do_not_wait_for_each_other_with_all_connections() -> None:
    with closing(PostgresStore(running().address("nested") + "&pool=2")) as store:
        log, begin = store.log(), threading.Barrier(4)

        def work(_: int) -> int:
            begin.wait(PATIENCE)
            with store.tables.transaction() as tx:
                tx.rows("SELECT pg_sleep(0.05)")  # so that the others would be in theirs
                return log.head().position

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(4))) == [0] * 4


def test_a_serialization_failure_and_the_likes_are_tried_again() -> None:
    with closing(PostgresStore(running().address("failing"))) as store, closing(running().admin()) as admin:
        # A sequence is not rolled back: every other statement that inserts a commit fails.
        admin.execute(
            b"""
            CREATE SEQUENCE failing.tries;
            CREATE FUNCTION failing.fail() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                _codes text[] := ARRAY['40001', '40P01', '57P01', '53300', '08006'];
                _try bigint := nextval('failing.tries');
            BEGIN
                IF _try % 2 = 1 THEN
                    RAISE EXCEPTION 'it passes' USING ERRCODE = _codes[1 + (_try / 2) % 5];
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER fail AFTER INSERT ON failing.commits EXECUTE FUNCTION failing.fail();
            """
        )
        log = store.log()
        for turn in range(5):
            assert one(log).position == turn + 1
        assert admin.execute("SELECT last_value FROM failing.tries").fetchall() == [(10,)]
        assert verify(store).problems == []


def test_an_append_that_a_deadlock_ends_is_tried_again() -> None:
    """Somebody holds a table and wants the log's lock; the append holds that lock and wants the table."""
    address = running().address("deadlock")
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with (
        closing(PostgresStore(address + "&options=-c%20deadlock_timeout%3D10")) as store,
        closing(running().admin()) as admin,
        closing(running().admin()) as other,
        ThreadPoolExecutor(2) as pool,
    ):

        def waiting() -> int:
            return len(other.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall())

        log = store.log()
        one(log)
        [[before]] = other.execute(deadlocks).fetchall()
        admin.execute("SET deadlock_timeout = '1h'")
        with admin.transaction():
            admin.execute("LOCK TABLE deadlock.tags IN ACCESS EXCLUSIVE MODE")
            with other.transaction():  # keeps the append from the other's table until the other waits, too
                other.execute("LOCK TABLE deadlock.commits IN EXCLUSIVE MODE")
                appending = pool.submit(one, log, fact("Booked", "seat:1"))
                until(lambda: waiting() == 1)
                locking = pool.submit(admin.execute, "SELECT deadlock.take_lock(0)")
                until(lambda: waiting() == 2)
            locking.result()  # the append looks for a deadlock first, and gives in
        assert appending.result().position == 2
        until(lambda: other.execute(deadlocks).fetchall() != [(before,)])
        assert other.execute(deadlocks).fetchall() == [(before + 1,)]
        assert verify(store).problems == []


@pytest.mark.parametrize("most", [1, 400, 64_000_000])
def test_a_group_that_is_too_large_for_one_call_is_several_of_one_transaction(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MOST_BYTES", most)
    with closing(PostgresStore(running().address(f"parts_{most}"))) as store:
        query = Query.of(tags=["x:1"])
        ids = ["a", "b", "c", "a", "d"]
        drafts = [decided(fact("A", f"x:{number % 2}"), id=id, query=query) for number, id in enumerate(ids)]
        drafts[3] = drafts[0]
        verdicts = store.log().append([[draft] for draft in drafts])
        assert [type(verdict).__name__ for verdict in verdicts] == [
            "tuple",
            "tuple",
            "Conflict",
            "tuple",
            "Conflict",
        ]
        assert verdicts[3] == verdicts[0]
        assert [event.position for event in store.log().read()] == [1, 2]
        assert verify(store).problems == []


def test_a_write_in_another_isolation_is_refused_by_the_database() -> None:
    PostgresStore(running().address("isolated")).close()
    with closing(running().admin()) as admin, admin.transaction():
        admin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(psycopg.errors.InvalidTransactionState):
            admin.execute("SELECT isolated.take_lock(0)")


def test_a_conflict_whose_events_cannot_be_read_is_one_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another batch of the same call is in the log: an error would say that nothing is."""

    def broken(*_: object, **__: object) -> Any:
        raise StoreError("not now")

    with closing(PostgresStore(running().address("unreadable"))) as store:
        log = store.log()
        one(log, fact("A", "x:1"))
        known = decided(id="known")
        append(log, known)
        monkeypatch.setattr(Rows, "events", broken)
        monkeypatch.setattr(Rows, "by_ids", broken)
        late = decided(query=Query.of(tags=["x:1"]))
        conflict, retry, new = log.append([[late], [known], [decided(id="new")]])
        assert isinstance(conflict, Conflict)
        assert conflict.events == ()
        assert isinstance(retry, IdReused)
        assert isinstance(new, tuple)
        monkeypatch.undo()
        assert [commit.id for commit in log.commits()][1:] == ["known", "new"]


def test_whoever_waits_too_long_for_a_connection_is_told_so(
    own: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "TURN", 0.05)
    monkeypatch.setattr(server_module, "SLICE", 0.02)
    with closing(PostgresStore(own.address("turns") + "&pool=2")) as store, store.server.lent():
        assert store.log().head().position == 0  # the last one is for calls
        with pytest.raises(StoreLocked, match="all 2 connections are in use"), store.server.lent():
            raise AssertionError


def test_a_machine_that_stands_still_ends_nobody_s_wait_for_a_connection(own: PostgresServer) -> None:
    class AfterIt:
        """A queue in which all that waited find that their time is over, and then somebody gives a turn back."""

        waits = 0

        def get(self, _: bool, timeout: float) -> None:
            self.waits += 1
            if self.waits == 1:
                raise Empty

    queue: Any = AfterIt()
    turn: list[None] = []
    with closing(PostgresStore(own.address("still"))) as store:
        store.server._wait_for(queue, turn, 0.0)
    assert (turn, queue.waits) == ([None], 2)
