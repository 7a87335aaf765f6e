"""Making and migrating the schema, who may do what, and what is never shown."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backstory.cli import main
from backstory.conformance.sample import decided, fact, fill, one
from backstory.errors import (
    NewerFormat,
    NotAStore,
    StoreCorrupt,
    StoreError,
    StoreExists,
    StoreMissing,
    StoreReadOnly,
)
from backstory.history.check.verify import verify
from backstory.store import append, create_log, set_ref
from backstory.stores import open_store
from backstory.stores.postgres import PostgresStore, roles, schema
from backstory.stores.postgres.address import parsed
from backstory.values.query import Query
from tests.postgres.server import PASSWORD, ROOT, running, schema_of

ADDRESS = "postgresql://ann:s3cret%2Fword@db.example.org:5433/shop?schema=orders&sslmode=verify-full&password=hidden"


@pytest.fixture
def name(tmp_path: Path) -> str:
    return schema_of(tmp_path)


@pytest.fixture
def admin() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with running().admin() as connection:
        yield connection


def test_a_store_is_made_once_and_several_may_be_in_one_database(name: str) -> None:
    address, other = running().address(name), running().address(name + "b")
    with pytest.raises(StoreMissing, match="backstory init"):
        open_store(address, create=False)
    with closing(open_store(address, create=True)) as store, closing(open_store(other)) as second:
        one(store.log())
        assert second.log().head().position == 0
    with pytest.raises(StoreExists):
        open_store(address, create=True)
    with closing(open_store(address, create=False)) as store:
        assert store.log().head().position == 1


def test_a_database_that_is_not_there_is_missing() -> None:
    with pytest.raises(StoreMissing, match="no such database"):
        PostgresStore(running().address(database="nowhere"))


def test_a_schema_of_something_else_is_left_alone(name: str, admin: psycopg.Connection[Any]) -> None:
    admin.execute(f"CREATE SCHEMA {name}; CREATE TABLE {name}.customers (name text)".encode())
    with pytest.raises(NotAStore, match=name):
        PostgresStore(running().address(name))


def test_an_empty_schema_that_the_administrator_made_becomes_a_store(
    name: str, admin: psycopg.Connection[Any]
) -> None:
    admin.execute(f"CREATE ROLE {name} LOGIN; CREATE SCHEMA {name} AUTHORIZATION {name}".encode())
    with closing(PostgresStore(running().address(name, user=name))) as store:
        one(store.log())


def test_a_newer_format_is_refused_with_what_to_do(name: str, admin: psycopg.Connection[Any]) -> None:
    PostgresStore(running().address(name)).close()
    admin.execute(f"UPDATE {name}.meta SET format = 99".encode())
    with pytest.raises(NewerFormat, match=r"format 99.*upgrade"):
        PostgresStore(running().address(name))


def test_an_older_format_is_migrated_and_its_history_stays(
    name: str, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(PostgresStore(running().address(name))) as store:
        commit = one(store.log(), fact("A", "x:1"))
    steps = {"format_2.sql": f"CREATE TABLE {name}.added (a integer)".encode()}
    made = schema.sql
    monkeypatch.setattr(schema, "sql", lambda step, of: steps.get(step) or made(step, of))
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, "format_2.sql"))
    monkeypatch.setattr(schema, "FORMAT", 2)
    for added in range(2):
        with closing(PostgresStore(running().address(name))) as store:
            assert next(store.log().commits()) == commit
            assert one(store.log()).position == 2 + added
    rows = admin.execute(f"SELECT format, (SELECT count(*) FROM {name}.added) FROM {name}.meta".encode())
    assert rows.fetchall() == [(2, 0)]


@pytest.fixture
def users(name: str, admin: psycopg.Connection[Any]) -> Callable[[str], str]:
    """A store with the roles, and the address of a user of each."""
    with closing(PostgresStore(running().address(name))) as store:
        one(store.log(), fact("A", "x:1"))
    admin.execute(roles(name).encode())
    for role in ("reader", "writer"):
        admin.execute(f"CREATE ROLE {name}_{role}_user LOGIN IN ROLE {name}_{role}".encode())
    return lambda role: running().address(name, user=f"{name}_{role}_user")


def test_a_reader_reads_and_the_database_refuses_everything_else(
    users: Callable[[str], str], name: str
) -> None:
    with closing(PostgresStore(users("reader"))) as store:
        log = store.log()
        assert len(list(log.read(Query.of(["A"], ["x:1"])))) == 1
        assert len(list(log.read(Query.of(tags=["x:1", "y:2"])))) == 0
        assert log.wait(0) == 1
        assert verify(store).problems == []
        for write in (
            lambda: one(log),
            lambda: set_ref(store, "a", "1", old=None),
            lambda: create_log(store, store.origin()),
        ):
            with pytest.raises(StoreReadOnly, match="may not"):
                write()


def test_a_writer_appends_and_does_nothing_else(users: Callable[[str], str], name: str) -> None:
    with closing(PostgresStore(users("writer"))) as store:
        log = store.log()
        assert one(log, fact("B", "x:1")).position == 2
        assert set_ref(store, "a", "1", old=None)
        assert create_log(store, log.head()) == 1
        assert verify(store).problems == []
    statements = [
        f"{verb} {name}.{table}{rest}"
        for table in ("commits", "events", "tags", "logs", "refs", "meta")
        for verb, rest in (("DELETE FROM", ""), ("TRUNCATE", ""), ("INSERT INTO", " DEFAULT VALUES"))
    ]
    statements += [
        f"UPDATE {name}.commits SET author = 'eve'",
        f"UPDATE {name}.events SET data = '{{}}'",
        f"UPDATE {name}.refs SET value = 'x'",
        f"DROP TABLE {name}.events",
        f"CREATE TABLE {name}.mine (a integer)",
        f"SELECT {name}.take_lock(0)",
    ]
    with psycopg.connect(parsed(users("writer")).conninfo, autocommit=True) as writer:
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                writer.execute(statement.encode())


def test_even_the_owner_does_not_change_history_by_accident(
    name: str, admin: psycopg.Connection[Any]
) -> None:
    with closing(PostgresStore(running().address(name))) as store:
        one(store.log(), fact("A", "x:1"))
    for statement in ("UPDATE {}.events SET data = ''", "DELETE FROM {}.commits", "TRUNCATE {}.tags"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is history"):
            admin.execute(statement.format(name).encode())


def test_who_may_not_make_the_store_is_told_who_has_to(name: str, admin: psycopg.Connection[Any]) -> None:
    admin.execute(f"CREATE ROLE {name} LOGIN".encode())
    with pytest.raises(StoreMissing, match="backstory init"):
        PostgresStore(running().address(name, user=name))


PLANTED = (
    "INSERT INTO {{0}}.commits SELECT {}, 1, 'planted', time, authored, author, message, command, metadata, query,"
    " after, secret, content, hash, signature FROM {{0}}.commits WHERE key = 2"
)

DAMAGE = {
    "is missing in the table of tags": "DELETE FROM {0}.tags WHERE tag = {0}.tag_key('x:1')",
    "where it does not belong": "INSERT INTO {0}.tags VALUES ({0}.tag_key('x:9'), 1, {0}.type_key('A'))",
    "missing": "UPDATE {0}.tags SET type = {0}.type_key('B')",
    "#3 is missing in the table of tags, under the link": (
        "DELETE FROM {0}.tags WHERE tag = {0}.tag_key(',causation:x')"
    ),
    "#3 stands in the table of tags": (
        "INSERT INTO {0}.tags VALUES ({0}.tag_key(',causation:y'), 3, {0}.type_key('A'))"
    ),
    "content hash differs": "UPDATE {}.events SET data = '{{\"a\":2}}'",
    "in no commit": "INSERT INTO {}.events VALUES (1000, 1000, 'A', 1, '[]', '{{}}')",
    "(key -5) is an event in no commit": "INSERT INTO {}.events VALUES (-5, 2, 'A', 1, '[]', '{{}}')",
    "#5 of log 9 is an event in no commit": (
        "INSERT INTO {}.events VALUES ((9::bigint << 40) + 5, 2, 'A', 1, '[]', '{{}}')"
    ),
    "#5 of log 9 is a commit of no log": PLANTED.format("(9::bigint << 40) + 5"),
    "is a commit of no log": PLANTED.format("(-9::bigint << 40) + 5"),
    "#1 of log 1 is a commit of no log": (
        "INSERT INTO {0}.logs SELECT 1, 2, hash, time, 'planted' FROM {0}.commits WHERE key = 2;"
        + PLANTED.format("(1::bigint << 40) + 1")
    ),
    "its hash differs": "UPDATE {}.commits SET hash = content WHERE key = 2",
}


@pytest.mark.parametrize("says", DAMAGE)
def test_damage_is_found(name: str, admin: psycopg.Connection[Any], says: str) -> None:
    with closing(PostgresStore(running().address(name))) as store:
        long = "long:" + "x" * 5000
        one(store.log(), fact("A", "x:1", long), fact("T" * 3000, "x:2", long))
        append(store.log(), decided(fact("A"), metadata={"causation": "x"}))
        fill(store.log())
        assert verify(store).problems == []
        for table in ("events", "commits", "tags"):
            admin.execute(f"ALTER TABLE {name}.{table} DISABLE TRIGGER refuse".encode())
        admin.execute(DAMAGE[says].format(name).encode())
        problems = verify(store).problems
        assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize("table", ["events", "commits"])
def test_rows_of_a_log_that_is_not_there_are_not_taken_for_the_beginning_of_the_next(
    name: str, admin: psycopg.Connection[Any], table: str
) -> None:
    planted = {
        "events": "INSERT INTO {}.events VALUES ((1::bigint << 40) + 3, 2, 'A', 1, '[]', '{{}}')",
        "commits": PLANTED.format("(1::bigint << 40) + 3"),
    }
    with closing(PostgresStore(running().address(name))) as store:
        one(store.log(), fact("A"), fact("A"))
        admin.execute(planted[table].format(name).encode())
        with pytest.raises(StoreCorrupt, match="there are rows of log 1"):
            create_log(store, store.log().head())
        assert store.logs() == [0]
        assert one(store.log()).position == 3


def test_what_is_shown_of_an_address_has_no_password() -> None:
    address = parsed(ADDRESS)
    assert address.shown == "postgresql://ann@db.example.org:5433/shop?schema=orders"
    assert address.schema == "orders"
    for secret in ("s3cret", "hidden"):
        assert secret not in repr(address)
        assert secret in address.conninfo
    assert "schema" not in address.conninfo


WRONG = {
    "port": "postgresql://ann:open%20sesame@127.0.0.1:none/x",
    "parameter": "postgresql://ann:open%20sesame@127.0.0.1/x?nothing=open sesame",
    "escape": "postgresql://ann:open sesame%zz@127.0.0.1/x",
    "schema": "postgresql://ann:open sesame@127.0.0.1/x?schema=A'b",
    "pool": "postgresql://ann:open sesame@127.0.0.1/x?pool=0",
    "nobody there": "postgresql://ann:open sesame@127.0.0.1:1/x?timeout=0",
    "host": "postgresql://ann:open sesame@nowhere.invalid/x",
    "an @ in the password": "postgresql://ann:open@sesame@127.0.0.1:1/x?timeout=0",
    "a slash in the password": "postgresql://ann:open/sesame@127.0.0.1:1/x?timeout=0",
    "a secret of another name": "postgresql://ann@127.0.0.1:1/x?timeout=0&oauth_client_secret=sesame&pass%77ord=sesame",
}


@pytest.mark.parametrize("address", WRONG.values(), ids=WRONG)
def test_no_error_shows_a_password(address: str) -> None:
    with pytest.raises(StoreError) as caught:
        PostgresStore(address)
    shown = "".join(traceback.format_exception(caught.value))
    assert "sesame" not in shown
    assert "127.0.0.1" in shown or "nowhere" in shown


def test_a_password_may_hold_a_question_mark_as_libpq_allows_and_is_not_shown() -> None:
    address = parsed("postgresql://ann:open?sesame@127.0.0.1:1/x?schema=shop&timeout=0")
    assert (address.conninfo, address.schema) == ("postgresql://ann:open?sesame@127.0.0.1:1/x", "shop")
    assert "sesame" not in repr(address)
    assert "open" not in repr(address)


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e30", "-1"])
def test_a_timeout_that_nobody_can_wait_for_is_refused(seconds: str) -> None:
    with pytest.raises(StoreError, match="timeout is in seconds"):
        parsed(f"postgresql://127.0.0.1/x?timeout={seconds}")


def test_our_parameters_may_be_options_which_go_before_the_address() -> None:
    address = parsed(
        "postgresql://127.0.0.1/x?pool=2&timeout=3", schema="shop", pool=5, timeout=None, prepare="off"
    )
    assert (address.schema, address.pool, address.timeout, address.prepare) == ("shop", 5, 3.0, False)
    with closing(open_store(running().address("as_option"), schema="an_option", timeout=20)) as store:
        assert "an_option" in repr(store)


def test_a_word_of_sql_is_no_name_for_a_schema() -> None:
    with pytest.raises(StoreError, match="name another schema"):
        PostgresStore(running().address("order"))


def test_functions_of_somebody_else_in_the_schema_are_left_alone(
    name: str, admin: psycopg.Connection[Any]
) -> None:
    admin.execute(
        f"CREATE SCHEMA {name}; CREATE FUNCTION {name}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'".encode()
    )
    with pytest.raises(NotAStore, match=name):
        PostgresStore(running().address(name))


def test_roles_that_another_database_has_made_do_not_stop_it(
    name: str, admin: psycopg.Connection[Any]
) -> None:
    PostgresStore(running().address(name)).close()
    for _ in range(2):
        admin.execute(roles(name).encode())


def test_a_password_opens_the_store_and_a_wrong_one_does_not(name: str) -> None:
    with closing(PostgresStore(running().tcp_address(name))) as store:
        one(store.log())
        assert PASSWORD not in repr(store) + repr(store.server) + repr(store.__dict__)
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        PostgresStore(running().tcp_address(name, password="open says me"))
    assert "says me" not in f"{caught.value} {caught.value.__cause__}"


VERBS = [
    verb.split()
    for verb in (
        "log", "show", "state account:a-7", "tags", "types", "stats", "verify", "status", "diff main~1 main",
        "grep cents", "branch trial", "switch trial", "switch main", "reflog", "mark here", "--json stats",
        "--json status", "--json verify", "merge trial",
    )
]  # fmt: skip


def test_the_command_line_works_on_an_address_and_shows_no_password(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, file = running().tcp_address(name), str(tmp_path / "bank.db")
    monkeypatch.setenv("BACKSTORY_STORE", address)
    assert main(["init"]) == 0
    assert main(["append", "Deposited", "--tag", "account:a-7", "cents=500", "-m", "first pay"]) == 0
    assert main(["append", "Withdrawn", "--tag", "account:a-7", "cents=200"]) == 0
    lock = str(tmp_path / "schema.lock")
    monkeypatch.chdir(tmp_path)  # where `switch` keeps the branch
    for words in VERBS:
        assert main(words) in (0, 1), words
    assert main(["schema", "lock", "--app", "examples.bank", "--lock", lock]) == 0
    for more in [], ["--json"]:
        assert main([*more, "schema", "check", "--app", "examples.bank", "--lock", lock]) == 1
    for words in ["init"], ["show", "nothing"], ["-s", address + "&nothing=1", "log"]:
        assert main(words) > 0, words
    assert main(["-s", file, "init"]) == 0
    moved = tmp_path / "history.jsonl"
    assert main(["export", "-o", str(moved)]) == 0
    assert main(["-s", file, "import", "jsonl", str(moved)]) == 0
    assert "sesame" not in "".join(capfd.readouterr())
    with closing(open_store(address)) as store, closing(open_store(file)) as copy:
        assert list(copy.log().commits()) == list(store.log().commits())


def test_history_moves_from_sqlite_and_keeps_its_hashes(name: str, tmp_path: Path) -> None:
    file, moved = str(tmp_path / "bank.db"), tmp_path / "history.jsonl"
    with closing(open_store(file)) as store:
        for number in range(300):
            one(store.log(), fact("A", f"x:{number % 7}", data=b'{"n":%d}' % number), fact("B"))
        store.log().append([[decided(query=Query.of(["N"]), after=600)]])
        before = store.log().head()
    address = running().address(name)
    assert main(["-s", address, "init"]) == 0
    assert main(["-s", file, "export", "-o", str(moved)]) == 0
    assert main(["-s", address, "import", "jsonl", str(moved)]) == 0
    with closing(open_store(address)) as store:
        assert store.log().head() == before
        assert verify(store).problems == []


FORKING = """
import os, sys
from backstory.conformance.sample import one
from backstory.stores.postgres import PostgresStore

store = PostgresStore(sys.argv[1])
log = store.log()
one(log)
child = os.fork()
for turn in range(20):
    from backstory.conformance.sample import decided
    [verdict] = log.append([[decided(id=f"{child == 0}-{turn}")]])
    assert isinstance(verdict, tuple), verdict
store.close()
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")
def test_parent_and_child_both_use_the_store_after_a_fork(name: str) -> None:
    address = running().address(name)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING, address],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with closing(PostgresStore(address)) as store:
        assert store.log().head().position == 41
        assert verify(store).problems == []
