"""The lighter road of an append of one event: it writes only where nothing is in the way, and else nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backstory.conformance.sample import decided, fact, one, positions
from backstory.errors import StoreError
from backstory.history.check.verify import verify
from backstory.store import append, create_log, set_ref
from backstory.stores.postgres import PostgresStore
from backstory.stores.postgres.append_call import Offer
from backstory.stores.postgres.lone_call import appending_one, values
from backstory.unit import Batch, Holds, SetRef
from backstory.values.commit import NO_HASH
from backstory.values.query import Query
from tests.postgres.schemas import schemas

BOTH = Query.of(["A"], ["x:1", "y:1"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PostgresStore]:
    with closing(schemas().open(tmp_path)) as store:
        append(store.log(), decided(fact("A", "x:1"), id="first"))
        one(store.log(), fact("A", "x:1"))
        one(store.log(), fact("B", "z:1"))
        set_ref(store, "note/a", "here", old=None)
        yield store


def sent(
    store: PostgresStore, offer: Offer, *, near: int = 0, lies: Mapping[str, bytes | None] | None = None
) -> int | None:
    """The head that the function gives for an offer, some of its values replaced; None where it wrote nothing."""
    given: list[Any] = list(values(offer, near))
    for name, lie in (lies or {}).items():
        given[PLACES[name]] = lie
    sql = appending_one(store.server.address.schema)
    found: int | None = store.server.run(lambda session: session.small.execute(sql, given).fetchall()[0][0])
    return found


PLACES = {"authored": 4, "query": 9, "after": 10, "secret": 11, "content": 12, "version": 16, "tags": 17}


def batch(id: str | None = None) -> Batch:
    """A batch of one event, without a condition."""
    return (decided(fact("A", "x:1"), id=id),)


CLEAR: dict[str, Callable[[PostgresStore], Offer]] = {
    "no condition": lambda _: Offer(0, batch()),
    "decided on the head": lambda _: Offer(0, (decided(fact("A", "x:1"), query=Query.all(), after=3),)),
    "no event with the tag since": lambda _: Offer(
        0, (decided(fact("A"), query=Query.of(["A"], ["x:1"]), after=2),)
    ),
    "only one of two tags has an event since": lambda _: Offer(0, (decided(fact("A"), query=BOTH, after=0),)),
    "the ref has its value": lambda _: Offer(0, batch(), SetRef("note/a", "here", "here")),
    "the ref is not there": lambda _: Offer(0, batch(), SetRef("note/b", None, None)),
    "the commit is there": lambda store: Offer(0, batch(), None, Holds(0, 3, store.log().head().hash)),
}

IN_THE_WAY: dict[str, Callable[[PostgresStore], Offer]] = {
    "the id is known": lambda _: Offer(0, batch(id="first")),
    "an event with the tag since": lambda _: Offer(
        0, (decided(fact("A"), query=Query.of(["A"], ["x:1"]), after=1),)
    ),
    "a type without tags, decided earlier": lambda _: Offer(
        0, (decided(fact("A"), query=Query.of(["C"]), after=1),)
    ),
    "decided ahead of the log": lambda _: Offer(0, (decided(fact("A"), query=BOTH, after=4),)),
    "another parent": lambda _: Offer(0, (replace(decided(fact("A")), parent=NO_HASH),)),
    "the ref has another value": lambda _: Offer(0, batch(), SetRef("note/a", "there", "there")),
    "the ref is gone": lambda _: Offer(0, batch(), SetRef("note/b", "here", "here")),
    "another commit is there": lambda _: Offer(0, batch(), None, Holds(0, 3, NO_HASH)),
    "the log is empty": lambda store: Offer(create_log(store, store.log().head()), batch()),
    "there is no such log": lambda _: Offer(77, batch()),
}


@pytest.mark.parametrize("case", CLEAR)
def test_one_event_is_written_where_nothing_is_in_the_way(store: PostgresStore, case: str) -> None:
    assert sent(store, CLEAR[case](store)) == 3
    assert positions(store.log().read()) == [1, 2, 3, 4]
    assert verify(store).problems == []


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_nothing_is_written_where_anything_may_be_in_the_way(store: PostgresStore, case: str) -> None:
    offer = IN_THE_WAY[case](store)
    assert sent(store, offer) is None
    assert positions(store.log().read()) == [1, 2, 3]
    assert offer.log == 77 or positions(store.log(offer.log).read()) == [1, 2, 3][: 3 * (offer.log == 0)]


def test_a_log_that_ends_before_it_was_seen_last_is_left_to_append(store: PostgresStore) -> None:
    assert sent(store, Offer(0, batch()), near=4) is None
    assert positions(store.log().read()) == [1, 2, 3]


LIES: dict[str, dict[str, bytes | None]] = {
    "a time that is none": {"authored": (2**63 - 1).to_bytes(8)},
    "a condition that is no list": {"query": b"{}", "after": bytes(8)},
    "a condition without a position": {"query": b"[]", "after": None},
    "a position without a condition": {"query": None, "after": bytes(8)},
    "a secret that is too short": {"secret": bytes(15)},
    "no content hash": {"content": None},
    "a content hash that is too short": {"content": bytes(31)},
    "a version that is none": {"version": bytes(8)},
    "tags that are not JSON": {"tags": b"{"},
    "tags that are no list": {"tags": b"1"},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_would_break_the_log_is_refused_here_too(store: PostgresStore, lie: str) -> None:
    with pytest.raises(StoreError):
        sent(store, Offer(0, batch()), lies=LIES[lie])
    assert positions(store.log().read()) == [1, 2, 3]
    assert verify(store).problems == []
