"""Units of writes in PostgreSQL: who may do what, and that nobody waits in a circle."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backstory.conformance.sample import decided, fact, one
from backstory.errors import (
    Conflict,
    HistoryMoved,
    MainFixed,
    NotThere,
    RefMoved,
    StoreReadOnly,
    StoreRefused,
)
from backstory.history.check.verify import verify
from backstory.refs import MAIN_MOVES, MAIN_REF
from backstory.store import append, create_log, set_ref, write
from backstory.stores.postgres import PostgresStore, roles
from backstory.unit import Append, DropLog, Holds, SetRef, Unit, Withhold, Written
from backstory.values.commit import DATA, ORIGIN
from backstory.values.query import Query
from tests.postgres.server import ROOT, running, schema_of


@pytest.fixture
def name(tmp_path: Path) -> str:
    return schema_of(tmp_path)


@pytest.fixture
def owner(name: str) -> Iterator[PostgresStore]:
    """The store of the schema's owner, with one commit."""
    with closing(PostgresStore(running().address(name))) as store:
        one(store.log(), fact("A", "x:1"))
        yield store


@pytest.fixture
def user(name: str, owner: PostgresStore) -> Iterator[Callable[[str], PostgresStore]]:
    """The store of a user who has one of the roles."""
    opened = []
    with running().admin() as admin:
        admin.execute(roles(name).encode())
        for role in ("reader", "writer"):
            admin.execute(f"CREATE ROLE {name}_{role}_user LOGIN IN ROLE {name}_{role}".encode())

    def open(role: str) -> PostgresStore:
        opened.append(PostgresStore(running().address(name, user=f"{name}_{role}_user")))
        return opened[-1]

    yield open
    for store in opened:
        store.close()


def test_a_writer_changes_no_setting_and_moves_main_only_where_one_allows_it(
    owner: PostgresStore, user: Callable[[str], PostgresStore]
) -> None:
    writer = user("writer")
    number = create_log(writer, ORIGIN)
    assert set_ref(writer, "branch/trial", str(number), old=None)
    with pytest.raises(StoreRefused, match="only the owner of the schema"):
        set_ref(writer, MAIN_MOVES, "yes", old=None)
    with pytest.raises(MainFixed):
        set_ref(writer, MAIN_REF, str(number), old="0")
    assert set_ref(owner, MAIN_MOVES, "yes", old=None)
    assert set_ref(writer, MAIN_REF, str(number), old="0")
    with pytest.raises(StoreRefused, match="only the owner of the schema"):
        set_ref(writer, MAIN_MOVES, None, old="yes")


@pytest.mark.parametrize("ref", ["setting/x", MAIN_MOVES, MAIN_REF])
def test_a_writer_who_calls_the_function_by_hand_does_not_either(
    name: str, user: Callable[[str], PostgresStore], ref: str
) -> None:
    address = user("writer").server.address
    with psycopg.connect(address.conninfo, autocommit=True) as eve:
        old = "0" if ref == MAIN_REF else None
        with pytest.raises(psycopg.Error, match="only the owner of the schema") as refused:
            eve.execute(f"SELECT {name}.set_ref(%s, '1', %s)".encode(), (ref, old))
        assert refused.value.sqlstate == "BS001"


def test_withholding_and_dropping_are_the_owners(
    owner: PostgresStore, user: Callable[[str], PostgresStore]
) -> None:
    writer = user("writer")
    [commit], number = list(owner.log().commits()), create_log(writer, ORIGIN)
    for step in (Withhold(0, commit.id, (DATA,)), DropLog(number)):
        with pytest.raises(StoreRefused, match="only the owner of the schema"):
            write(writer, step)
    assert list(writer.log().commits()) == [commit]
    assert list(writer.logs()) == [0, number]
    write(owner, Withhold(0, commit.id, (DATA,)), DropLog(number))
    assert [event.data for event in writer.log().read()] == [b""]
    assert list(writer.logs()) == [0]
    assert verify(owner).problems == []
    with pytest.raises(NotThere):
        write(writer, Append(number, [decided()]))


def test_a_writer_keeps_caches_and_a_reader_reads_them(user: Callable[[str], PostgresStore]) -> None:
    writer, reader = user("writer"), user("reader")
    writer.caches.set("snapshot/a", b"1")
    assert reader.caches.get("snapshot/a") == b"1"
    for value in (b"2", None):
        with pytest.raises(StoreReadOnly, match="may not"):
            reader.caches.set("snapshot/a", value)
    writer.caches.set("snapshot/a", None)
    assert list(reader.caches.names()) == []


def test_what_the_role_may_not_is_only_refused_to_who_asked_for_it(
    user: Callable[[str], PostgresStore],
) -> None:
    """Also where threads write together, because group commit writes each call alone then."""
    writer, begin = user("writer"), threading.Barrier(8)

    def work(thread: int) -> bool:
        begin.wait(60)
        try:
            write(writer, SetRef("setting/x" if thread == 3 else f"note/{thread}", "1", None))
        except StoreRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [thread != 3 for thread in range(8)]


def test_a_dropped_log_is_no_lost_history_to_who_had_it_open(name: str, owner: PostgresStore) -> None:
    with closing(PostgresStore(running().address(name))) as other:
        number = create_log(owner, ORIGIN)
        one(other.log(number))
        write(owner, DropLog(number))
        other.server._drop_idle()
        assert one(other.log()).position == 2
        [outcome] = other.write([Unit((Append(number, [decided()]),))])
        assert isinstance(outcome, NotThere)


def test_a_commit_that_must_be_there_is_judged_in_the_call_that_appends(owner: PostgresStore) -> None:
    """Also where it is of a batch before it in the same call."""
    log = owner.log()
    first, draft = log.head(), decided()
    [known] = append(log, draft)
    ahead = decided(id="ahead")
    [commits] = log.append([[ahead]])
    assert isinstance(commits, tuple)
    held = [Holds(0, point.position, point.hash) for point in (first, known.point, commits[0].point)]
    wrong = [Holds(0, known.position, first.hash), Holds(0, 99, first.hash), Holds(0, 0, first.hash)]
    for guard in (*held, Holds(0, 0, ORIGIN.hash)):
        assert isinstance(owner.write([Unit((Append(0, [decided()]), guard))])[0], Written)
    for guard in wrong:
        assert isinstance(owner.write([Unit((Append(0, [decided()]), guard))])[0], HistoryMoved)
    assert isinstance(owner.write([Unit((Append(0, [draft]), wrong[0]))])[0], Written)


def test_appends_to_several_logs_are_one_statement_and_each_has_its_outcome(
    owner: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = create_log(owner, ORIGIN)
    set_ref(owner, "branch/b", str(number), old=None)
    guard, moved = SetRef("branch/b", str(number), str(number)), SetRef("branch/b", "9", "9")
    owner.log(number)
    statements = []
    execute = psycopg.Cursor.execute

    def counting(self: Any, *arguments: Any, **more: Any) -> Any:
        statements.append(arguments[0])
        return execute(self, *arguments, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    steps = [
        (Append(number, [decided(id="a")]), guard),
        (Append(0, [decided(id="b")]),),
        (Append(number, [decided(id="c")]), moved),
        (Append(0, [decided(query=Query.of(["A"]), id="d")]),),
        (Append(number, [decided(id="e")]),),
    ]
    said = owner.write([Unit(each) for each in steps])
    assert len(statements) == 2  # the other one reads the events of the conflict
    assert [type(each) for each in said] == [Written, Written, RefMoved, Conflict, Written]
    assert [commit.id for commit in owner.log(number).commits()] == ["a", "e"]
    assert owner.log().head().position == 2


WRITER = """
import random, sys
from backstory.conformance.sample import decided
from backstory.values.commit import ORIGIN
from backstory.store import write
from backstory.stores.postgres import PostgresStore
from backstory.unit import Append, SetRef, new_log

store, worker = PostgresStore(sys.argv[1]), sys.argv[2]
choice = random.Random(worker)
for turn in range(int(sys.argv[3])):
    logs = choice.sample(range(5), choice.randint(1, 4))
    refs = choice.sample(["a", "b", "c", "d"], choice.randint(0, 3))
    steps = [Append(log, [decided(id=f"{worker}.{turn}.{log}")]) for log in logs]
    steps += [SetRef(f"{ref}/{worker}.{turn}", "1", None) for ref in refs]
    steps += [SetRef("guard", None, None)] * choice.randint(0, 1)
    if choice.random() < 0.2:
        made = new_log(ORIGIN)
        steps += [made, Append(made, [decided(id=f"{worker}.{turn}")])]
    choice.shuffle(steps)
    write(store, *steps)
"""


def test_units_over_several_logs_of_several_processes_wait_in_no_circle(
    name: str, owner: PostgresStore, long: bool
) -> None:
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    for _ in range(4):
        create_log(owner, ORIGIN)
    turns = 200 if long else 25
    with running().admin() as admin:
        before = admin.execute(deadlocks).fetchall()
        working = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, running().address(name), str(worker), str(turns)], cwd=ROOT
            )
            for worker in range(4)
        ]
        assert [process.wait(120) for process in working] == [0] * 4
        admin.execute("SELECT pg_stat_force_next_flush()")
        assert admin.execute(deadlocks).fetchall() == before
    assert verify(owner).problems == []
