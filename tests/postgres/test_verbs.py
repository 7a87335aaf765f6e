"""States, commands, branches and merges on PostgreSQL: what is above the contract, unchanged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backstory import connect
from backstory.conformance.sample import decided, fact, one
from backstory.errors import Conflict
from backstory.history.check.verify import verify
from backstory.store import ALL, append, create_log
from backstory.stores.postgres import PostgresStore
from backstory.stores.postgres.server import Server
from backstory.values.query import Query
from examples.bank.account import Account
from examples.bank.deposit import deposit
from examples.bank.events import Deposited
from examples.bank.withdraw import withdraw
from tests.patience import until
from tests.postgres.server import running, schema_of


def paid(account: str, cents: int) -> Iterator[Deposited]:
    yield Deposited(account, cents)


def test_states_branches_marks_and_merges_are_as_on_any_store(tmp_path: Path) -> None:
    with connect(running().address(schema_of(tmp_path))) as db:
        first = db.append(*paid("a-7", 500))
        db.append(*paid("a-7", 200), author="ann", message="rent")
        assert db.load(Account("a-7")).balance == 700
        assert db.load(Account("a-7"), at="main~1").balance == 500
        assert db.load(Account("a-7"), at=first.hash.hex()[:8]).balance == 500
        db.mark("q3", at=1)
        trial = db.branch("what-if")
        trial.append(*paid("a-7", 300))
        db.append(*paid("b-1", 5))
        assert db.merge("what-if").done
        assert db.load(Account("a-7")).balance == 1000
        assert db.load(Account("a-7"), at="q3").balance == 500
        assert verify(db.store).problems == []


def test_an_append_is_durable_where_the_session_would_not_wait(tmp_path: Path) -> None:
    schema = schema_of(tmp_path)
    with running().admin() as admin:
        connect(running().address(schema)).close()
        admin.execute("SET synchronous_commit = off")
        with admin.transaction():
            admin.execute(f"SELECT {schema}.take_lock(0)".encode())
            assert admin.execute("SHOW synchronous_commit").fetchall() == [("on",)]


def test_a_condition_on_every_event_sees_only_those_of_the_log_itself(tmp_path: Path) -> None:
    with closing(PostgresStore(running().address(schema_of(tmp_path)))) as store:
        one(store.log())
        log = store.log(create_log(store, store.log().head()))
        assert append(log, decided(query=ALL, after=0))[0].position == 2
        with pytest.raises(Conflict):
            append(log, decided(query=ALL, after=1))


def test_a_command_takes_one_call_of_the_server_unless_another_process_wrote_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, calls = running().address(schema_of(tmp_path)), 0
    with connect(address) as db, connect(address) as other:
        for account in ("a", "b", "a", "b"):
            db.execute(deposit(Account(account), 5))
        run = Server.run

        def counted(server: Server, work: Any, **how: Any) -> Any:
            nonlocal calls
            calls += 1
            return run(server, work, **how)

        monkeypatch.setattr(Server, "run", counted)
        for account in ("a", "b", "a", "b"):
            db.execute(deposit(Account(account), 5))
        assert calls == 4
        other.append(*paid("a", 100))
        calls = 0
        db.execute(withdraw(Account("a"), 110))
        assert calls > 1
        monkeypatch.undo()
        assert db.load(Account("a")).balance == 10
        assert db.load(Account("b")).balance == 20


def test_a_long_read_is_fetched_ahead_and_leaves_no_thread(tmp_path: Path) -> None:
    def ahead() -> bool:
        return any(thread.name == "backstory-ahead" for thread in threading.enumerate())

    with closing(PostgresStore(running().address(schema_of(tmp_path)))) as store:
        log = store.log()
        for _ in range(6):
            one(log, *[fact("A", "x:1")] * 1_500)
        for backwards in (False, True):
            positions = [event.position for event in log.read(Query.of(tags=["x:1"]), backwards=backwards)]
            assert positions == sorted(range(1, 9_001), reverse=backwards)
        reading = log.read()
        seen = [next(reading).position for _ in range(2_000)]
        assert seen == list(range(1, 2_001))
        del reading
        until(lambda: not ahead())
        assert list(log.read(limit=0)) == []


def test_what_goes_wrong_while_fetching_ahead_is_told_to_who_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(PostgresStore(running().address(schema_of(tmp_path)))) as store:
        log = store.log()
        for _ in range(4):
            one(log, *[fact("A")] * 1_500)
        reading = log.read()
        for _ in range(400):  # two chunks are used, the next is on its way
            next(reading)
        monkeypatch.setattr(Server, "run", lambda *_, **__: pytest.fail("fetched in a thread of its own"))
        with pytest.raises(pytest.fail.Exception, match="of its own"):
            list(reading)


def test_units_of_many_threads_lose_nothing_and_make_nothing_up(tmp_path: Path) -> None:
    with connect(running().address(schema_of(tmp_path))) as db:
        db.append(*paid("a", 100), *paid("b", 100))

        def move(number: int) -> None:
            one, other = ("a", "b") if number % 2 else ("b", "a")
            for _ in range(5):
                with db.atomic(attempts=1_000) as tx:
                    tx.execute(withdraw(Account(one), 3))
                    tx.execute(deposit(Account(other), 3))

        threads = [threading.Thread(target=move, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert db.load(Account("a")).balance == db.load(Account("b")).balance == 100
        assert len(list(db.commits())) == 41
        assert verify(db.store).problems == []
