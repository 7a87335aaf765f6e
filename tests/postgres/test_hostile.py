"""A writer who calls the functions of a store by hand, with what no client of ours would send: history stays sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from backstory.conformance.sample import decided, fact, one, positions
from backstory.errors import StoreRefused
from backstory.history.check.verify import verify
from backstory.store import create_log
from backstory.stores.postgres import PostgresStore, roles
from backstory.stores.postgres.append_call import Offer, appending, arguments, piece
from backstory.stores.postgres.wire import (
    BYTEA,
    INT8,
    TEXT,
    BytesDumper,
    bigint,
    blob,
    integers,
    joined,
    long,
)
from backstory.unit import Batch
from backstory.values.query import Query
from tests.postgres.server import running, schema_of

DRAFTS = [[decided(fact("A", "x:1"), query=Query.of(["A"]), after=5)], [decided(fact("B", "x:2"))]]
PLACES = {
    "run_end": 2,
    "batch_end": 3,
    "draft_end": 5,
    "authored": 7,
    "query": 12,
    "after": 13,
    "secret": 14,
    "clause_end": 17,
    "version": 21,
    "tags": 22,
    "tag_end": 24,
}

LIES: dict[str, dict[str, bytes]] = {
    "more events than there are": {"draft_end": integers([1, 9])},
    "fewer events than there are": {"draft_end": integers([1, 1])},
    "a commit of a negative size": {"draft_end": integers([-1, 2])},
    "a commit of no size": {"draft_end": integers([2, 2])},
    "a commit that never ends": {"draft_end": integers([2**31 - 1, 2])},
    "more drafts than there are": {"batch_end": integers([1, 9])},
    "a time that is none": {"authored": joined(INT8, 2, [long(2**63 - 1), long(0)])},
    "a condition that is not JSON": {"query": joined(TEXT, 2, [blob(b"{"), blob(None)])},
    "a condition that is no list": {"query": joined(TEXT, 2, [blob(b"{}"), blob(None)])},
    "a condition without a position": {"after": joined(INT8, 2, [long(None), long(None)])},
    "a position without a condition": {"query": joined(TEXT, 2, [blob(None), blob(None)])},
    "a secret that is too short": {"secret": joined(BYTEA, 2, [blob(bytes(15)), blob(bytes(16))])},
    "a version that is none": {"version": joined(INT8, 2, [long(0), long(1)])},
    "tags that are not JSON": {"tags": joined(TEXT, 2, [blob(b"{"), blob(b"[]")])},
    "tags that are no list": {"tags": joined(TEXT, 2, [blob(b"1"), blob(b"[]")])},
}
"""What is sent in place of what belongs there."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PostgresStore]:
    with closing(PostgresStore(running().address(schema_of(tmp_path)))) as store:
        for _ in range(5):
            one(store.log(), fact("A", "x:1"))
        yield store


@pytest.fixture
def call(store: PostgresStore) -> Iterator[Callable[..., Any]]:
    """Executes SQL as a user who has the role of a writer, and nothing else."""
    schema = store.server.address.schema
    with running().admin() as admin:
        admin.execute(roles(schema).encode())
        admin.execute(f"CREATE ROLE {schema}_eve LOGIN IN ROLE {schema}_writer".encode())
    host, port = str(running().socket), running().port
    with psycopg.connect(
        host=host, port=port, user=f"{schema}_eve", dbname="postgres", autocommit=True
    ) as eve:
        eve.adapters.register_dumper(bytes, BytesDumper)
        eve.execute("SET statement_timeout = '120s'")
        yield lambda sql, *arguments: eve.execute(sql.format(schema=schema).encode(), arguments).fetchall()


@pytest.fixture
def send(call: Callable[..., Any]) -> Callable[..., Any]:
    """Calls `append` as that user."""
    return lambda *arguments: call("SELECT * FROM " + appending("{schema}", len(arguments)), *arguments)


def called(log: int, batches: Sequence[Batch]) -> list[bytes]:
    """The arguments of an append of these batches."""
    pieces = [piece(draft) for batch in batches for draft in batch]
    given = arguments(0, [Offer(log, batch) for batch in batches], pieces)
    return [each for each in given if each is not None]


def sent(store: PostgresStore, lies: dict[str, bytes]) -> list[bytes]:
    """The arguments of an append of two batches, some of them in place of what they should be."""
    honest = called(0, DRAFTS)
    for name, lie in lies.items():
        honest[PLACES[name]] = lie
    return honest


def is_sound(store: PostgresStore, before: int) -> bool:
    """Whether nothing was added, what is there is whole, and the next append is good."""
    assert positions(store.log().read()) == list(range(1, before + 1))
    assert one(store.log(), fact("C")).position == before + 1
    return verify(store).problems == []


@pytest.mark.parametrize("lie", LIES)
def test_what_would_break_the_log_is_refused(
    store: PostgresStore, send: Callable[..., Any], lie: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        send(*sent(store, LIES[lie]))
    assert not isinstance(refused.value, psycopg.errors.QueryCanceled)
    assert is_sound(store, 5)


def test_a_look_for_the_head_does_not_reach_into_another_log(
    store: PostgresStore, send: Callable[..., Any]
) -> None:
    """Else an empty log would go on where the one before it ends, without its lock."""
    number = create_log(store, store.origin())
    honest = called(number, [[decided(fact("A"))]])
    for near in (-(1 << 40), -(1 << 62), 1 << 62, None):
        lie = [*honest[:1], None if near is None else bigint(near), *honest[2:]]
        try:
            send(*lie)
        except psycopg.errors.NumericValueOutOfRange:
            continue
    assert [event.position for event in store.log(number).read()] == [1]
    assert is_sound(store, 5)


def test_a_tag_stands_for_no_event_but_its_own(store: PostgresStore, send: Callable[..., Any]) -> None:
    """Else nobody could store an event with that tag at the position that somebody took."""
    for event in (2, 100, 0, -3, 2**31 - 1):
        honest = called(0, [[decided(fact("A", "x:1"))]])
        honest[25], honest[27] = integers([event]), integers([7] * 100)
        send(*honest)
    for _ in range(120):
        one(store.log(), fact("A", "x:1"))
    assert positions(store.log().read()) == list(range(1, 131))
    assert {problem.split(" is missing")[0][-3:].strip() for problem in store.problems()} == {
        f"#{number}" for number in range(6, 11)
    }


@pytest.mark.parametrize("place", ["run_end", "batch_end", "draft_end", "clause_end", "tag_end"])
@pytest.mark.parametrize("end", [2**31 - 1, -(2**31)])
def test_no_end_that_lies_keeps_the_lock(
    store: PostgresStore, send: Callable[..., Any], place: str, end: int
) -> None:
    lies = {"run_end": integers([1, 2]), place: integers([end, 2])}
    if place == "run_end":  # only says what may be judged at once
        send(*sent(store, lies))
        assert is_sound(store, 7)
    else:
        with pytest.raises(psycopg.errors.DataException):
            send(*sent(store, lies))
        assert is_sound(store, 5)


def test_runs_that_go_backwards_are_judged_one_by_one(store: PostgresStore, send: Callable[..., Any]) -> None:
    send(*sent(store, {"run_end": integers([0, -1])}))
    assert is_sound(store, 7)


@pytest.mark.parametrize(
    "origin",
    [
        "(1::bigint << 40), decode(repeat('00', 32), 'hex')",
        "-1, decode(repeat('00', 32), 'hex')",
        "0, '\\x00'",
    ],
)
def test_a_log_that_would_reach_into_another_is_refused(
    store: PostgresStore, call: Callable[..., Any], origin: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        call("SELECT {schema}.make_log('mine', " + origin + ", 0)")
    assert is_sound(store, 5)


def test_a_log_at_its_end_takes_no_more(
    store: PostgresStore, call: Callable[..., Any], send: Callable[..., Any]
) -> None:
    last = "SELECT {schema}.make_log('mine', (1::bigint << 40) - 1, decode(repeat('00', 32), 'hex'), 0)"
    [[number]] = call(last)
    create_log(store, store.origin())
    honest = sent(store, {})
    honest[0] = number.to_bytes(4)
    with pytest.raises(psycopg.errors.CheckViolation):
        send(*honest)
    assert list(store.log(number + 1).read()) == []
    assert is_sound(store, 5)


def test_there_are_no_more_logs_than_fit_into_a_key(store: PostgresStore) -> None:
    schema = store.server.address.schema
    last = (1 << 23) - 2
    with running().admin() as admin:
        admin.execute(
            f"UPDATE {schema}.meta SET made = {last + 1};"
            f"INSERT INTO {schema}.logs SELECT {last}, 0, origin_hash, 0, 'last' FROM {schema}.logs".encode()
        )
    assert one(store.log(last), fact("A", "x:1")).position == 1
    with pytest.raises(StoreRefused):
        create_log(store, store.origin())
    assert is_sound(store, 5)


def test_what_cannot_be_stored_is_only_refused_to_who_gave_it(store: PostgresStore) -> None:
    """Its own error, for group commit to write each alone."""
    bad = msgspec.structs.replace(decided(), author="\0")
    with pytest.raises(StoreRefused):
        store.log().append([[bad]])
    assert is_sound(store, 5)
