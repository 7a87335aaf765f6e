"""States, commands, branches and merges on PostgreSQL: what is above the contract, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backstory import connect
from backstory.conformance.sample import decided, one
from backstory.errors import Conflict
from backstory.history.verify import verify
from backstory.store import ALL, append
from backstory.stores.postgres import PostgresStore
from examples.bank.account import Account
from examples.bank.events import Deposited
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
        log = store.log(store.create_log(store.log().head()))
        assert append(log, decided(query=ALL, after=0))[0].position == 2
        with pytest.raises(Conflict):
            append(log, decided(query=ALL, after=1))
