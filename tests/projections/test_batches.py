"""Batches: what a step reads, and what declared SQL is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from backstory import Event, Projection, Tag, upcast
from backstory.projections.feed import Feed, Step
from backstory.values.codec import Codec
from backstory.values.event_data import EventData, RecordedEvent
from tests.projections.conftest import Opener
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders, StockCounted
from tests.projections.test_runner import feed_of, to_end


class Weighed(Event, name="shop.weighed", version=2):
    parcel: Tag[str]
    grams: int

    @upcast(1)
    @staticmethod
    def _from_kilograms(data: dict[str, Any]) -> dict[str, Any]:
        return {"parcel": data["parcel"], "grams": 1_000 * data["kilograms"]}


class Weights(Projection):
    events = (Weighed,)
    tables = "CREATE TABLE weights (parcel TEXT, grams BIGINT, version BIGINT, author TEXT)"
    sql: ClassVar[Mapping[str, str]] = {
        "sqlite": "INSERT INTO weights SELECT data->>'parcel', data->>'grams', version, author FROM events",
        "postgresql": """
            INSERT INTO weights SELECT data->>'parcel', (data->>'grams')::bigint, version, author FROM events
        """,
    }


class Backwards:
    """Data that stand the wrong way round in the log."""

    def seal(self, event: EventData) -> bytes:
        return b'"' + event.data.hex().encode() + b'"'

    def open(self, record: RecordedEvent) -> bytes:
        return bytes.fromhex(record.data.strip(b'"').decode())


def test_declared_sql_sees_old_events_as_their_class_has_them_now(connect: Opener) -> None:
    db = connect()
    db.append(EventData("shop.weighed", 1, ("parcel:p-1",), b'{"parcel":"p-1","kilograms":2}'), author="ann")
    db.append(Weighed("p-2", 300), author="bob")
    to_end(feed_of(db, Weights))
    rows = [("p-1", 2_000, 2, "ann"), ("p-2", 300, 2, "bob")]
    assert db.rows(Weights, "SELECT * FROM weights ORDER BY parcel") == rows


class Times(Projection):
    events = (Weighed,)
    tables = "CREATE TABLE times (parcel TEXT, late BOOLEAN, year TEXT)"
    sql: ClassVar[Mapping[str, str]] = {
        "sqlite": "INSERT INTO times SELECT data->>'parcel', time > authored, substr(authored, 1, 4) FROM events",
        "postgresql": """
            INSERT INTO times SELECT data->>'parcel', time > authored, to_char(authored, 'YYYY') FROM events
        """,
    }


def test_declared_sql_sees_when_an_event_happened_and_when_the_log_had_it(connect: Opener) -> None:
    db = connect()
    db.append(Weighed("p-1", 1), at=datetime(2019, 5, 1, tzinfo=UTC))
    db.append(Weighed("p-2", 2), at=datetime(2021, 5, 1, tzinfo=UTC))
    db.append(Weighed("p-3", 3), at=datetime(2020, 5, 1, tzinfo=UTC))
    to_end(feed_of(db, Times))
    rows = db.rows(Times, "SELECT parcel, late, year FROM times ORDER BY parcel")
    assert rows == [("p-1", False, "2019"), ("p-2", False, "2021"), ("p-3", True, "2020")]


def test_declared_sql_sees_the_data_that_a_codec_opens(connect: Opener) -> None:
    db = connect(codec=Codec([Backwards()]))
    db.append(Weighed("p-1", 300))
    assert b"grams" not in next(iter(db.store.log().read())).data
    to_end(feed_of(db, Weights))
    assert db.rows(Weights, "SELECT parcel, grams FROM weights") == [("p-1", 300)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_events_of_others_in_between_change_nothing(connect: Opener, size: int) -> None:
    db = connect()
    for number in range(12):
        db.append(OrderPlaced(f"o-{number}", number), OrderPaid(f"o-{number}"))
        if number % 4 == 2:
            db.append(*(StockCounted(f"a-{number}") for _ in range(5)))
    first = feed_of(db, Orders)
    feed = Feed(first.home, db.views.source, first.row, size=size)
    assert to_end(feed) is Step.AT_END
    assert db.rows(Orders, ALL) == db.rows(Orders, ALL, live=True)
    db.append(StockCounted("a"), OrderPlaced("p-1", 1))
    assert to_end(feed) is Step.AT_END
    assert len(db.rows(Orders, ALL)) == 13


def test_a_class_says_how_many_events_are_one_transaction(connect: Opener) -> None:
    class Small(Orders):
        batch = 2

    db = connect()
    for number in range(5):
        db.append(OrderPlaced(f"o-{number}", number))
    feed = feed_of(db, Small)
    assert feed.step() is Step.MOVED
    assert feed.row.position == 2
