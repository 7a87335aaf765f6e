"""States, commands, branches and merges on PostgreSQL: what is above the contract, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backstory import connect
from backstory.history.verify import verify
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
