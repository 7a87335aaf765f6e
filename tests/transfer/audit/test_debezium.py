"""Change events of Debezium: with a schema or without, keys beside them or not, delivered once or twice."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from backstory import Database, connect
from backstory.transfer import Asked, LoadReport, Rejected, load, read_debezium
from tests.transfer.audit.taking import told
from tests.transfer.conftest import STORE_KEY, Source

NOTHING = Asked()


@pytest.fixture
def db() -> Database:
    return connect()


@pytest.fixture
def rejects() -> list[Rejected]:
    return []


def take(
    db: Database, file: Source, rejects: list[Rejected], *lines: object, asked: Asked = NOTHING
) -> LoadReport:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    items = read_debezium(file(text), asked, key=STORE_KEY, log=db.log)
    return load(db.log, items, on_reject=rejects.append)


def event(op: str, before: Any, after: Any, lsn: int, **more: Any) -> dict[str, Any]:
    source = {"connector": "postgresql", "table": "people", "lsn": lsn, "ts_ms": 1_772_000_000_000 + lsn}
    return {"op": op, "before": before, "after": after, "source": source | more, "ts_ms": 1_772_000_009_000}


ANN, ANNA = {"id": 7, "name": "Ann"}, {"id": 7, "name": "Anna"}


def test_changes_become_rows_and_a_tombstone_says_nothing_new(
    db: Database, file: Source, rejects: list[Rejected]
) -> None:
    lines = [event("r", None, ANN, 1), event("u", None, ANNA, 2), event("d", ANNA, None, 3), "null"]
    report = take(db, file, rejects, *lines, {"schema": None, "payload": None})
    assert (report.commits, report.skipped) == (3, 0)
    assert told(db, "people", "7") == [
        ("", "RowInserted", {"name": "Ann"}),
        ("", "RowChanged", {"name": "Anna"}),
        ("", "RowDeleted", {"name": "Anna"}),
    ]
    first = next(iter(db.commits()))
    assert first.authored.microsecond == 1_000
    assert first.metadata["audit"]["source"]["lsn"] == 1


def test_an_event_that_is_delivered_twice_counts_once(
    db: Database, file: Source, rejects: list[Rejected]
) -> None:
    lines = [event("c", None, ANN, 1), event("u", ANN, ANNA, 2)]
    again = [line | {"ts_ms": 1_772_000_999_000} for line in lines]
    report = take(db, file, rejects, *lines, *again, event("d", ANNA, None, 3))
    assert (report.commits, report.known, report.skipped) == (3, 2, 0)
    assert take(db, file, rejects, *again).known == 2


def test_a_schema_tells_times_numbers_and_json(db: Database, file: Source, rejects: list[Rejected]) -> None:
    fields = [
        {"field": "id", "type": "int32"},
        {"field": "price", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}},
        {"field": "day", "name": "io.debezium.time.Date"},
        {"field": "at", "name": "io.debezium.time.MicroTimestamp"},
        {"field": "milli", "name": "io.debezium.time.Timestamp"},
        {"field": "nano", "name": "io.debezium.time.NanoTimestamp"},
        {"field": "hour", "name": "io.debezium.time.MicroTime"},
        {"field": "data", "name": "io.debezium.data.Json"},
        {"field": "none", "name": "io.debezium.time.Date"},
    ]
    row = {
        "id": 7,
        "price": base64.b64encode((-1250).to_bytes(2, "big", signed=True)).decode(),
        "day": 20_514,
        "at": 1_772_000_000_000_001,
        "milli": 1_772_000_000_000,
        "nano": 1_772_000_000_000_000_000,
        "hour": 34_200_000_000,
        "data": '{"a": [1]}',
        "none": None,
    }
    wrapped = {
        "schema": {"fields": [{"field": "after", "fields": fields}]},
        "payload": event("c", None, row, 1),
    }
    assert take(db, file, rejects, wrapped).skipped == 0
    assert db.table("people")["7"] == {
        "price": "-12.50",
        "day": "2026-03-02",
        "at": "2026-02-25T06:13:20.000001",
        "milli": "2026-02-25T06:13:20",
        "nano": "2026-02-25T06:13:20",
        "hour": "09:30:00",
        "data": {"a": [1]},
        "none": None,
    }


def test_a_key_may_stand_beside_the_event(db: Database, file: Source, rejects: list[Rejected]) -> None:
    row = {"city": "Bern", "street": "a/b", "number": 1}
    value = json.dumps(event("c", None, row, 1))
    lines = [
        {"topic": "people", "key": '{"city": "Bern", "street": "a/b"}', "payload": value},
        {"key": {"payload": {"city": "Chur", "street": "c"}}, "value": event("c", None, row, 2)},
    ]
    take(db, file, rejects, *lines)
    assert db.table("people")["Bern/%a%2Fb"] == row
    assert "Chur/c" in db.table("people")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "truncated"),
        ('{"a":1}', "it has no `op`"),
        ("7", "it is no change event"),
        (event("t", None, None, 1), "a truncation names no rows"),
        (event("m", None, None, 1), "is no change of a row"),
        (event("c", None, None, 1), "`after` is null"),
        (event("c", None, [1], 1), "`after` is no row"),
        (event("c", None, {"name": "x"}, 1), "the row has no field 'id'"),
        (event("c", None, {"id": None}, 1), "the row has no key"),
        (event("c", None, ANN, 1) | {"source": {"table": "people"}, "ts_ms": 0}, "it has no time"),
        (event("c", None, ANN, 1) | {"source": {"ts_ms": 1}}, "it names no table"),
        (event("c", None, ANN, 1) | {"source": {"ts_ms": 1, "table": "a b"}}, "a table's name is"),
        (event("c", None, ANN, 1) | {"source": 7}, "a part has another form"),
        (event("c", None, ANN, 1) | {"source": {"ts_us": 10**30, "table": "people"}}, "beyond the year 9999"),
        ({"schema": {"fields": 7}, "payload": event("c", None, ANN, 1)}, "a part has another form"),
    ],
)
def test_a_line_that_says_no_change_is_a_reject_with_its_reason(
    db: Database, file: Source, rejects: list[Rejected], line: object, why: str
) -> None:
    report = take(db, file, rejects, event("c", None, {"id": 1}, 9), line)
    assert (report.commits, report.skipped) == (1, 1)
    assert rejects[0].error.line == 2
    assert why in rejects[0].error.why


def test_a_table_may_get_another_name_and_the_row_may_name_who_wrote(
    db: Database, file: Source, rejects: list[Rejected]
) -> None:
    asked = Asked(tables={"people": "customers"}, author="by", drop=frozenset({"phone"}))
    take(db, file, rejects, event("c", None, ANN | {"by": "eve", "phone": "1"}, 1), asked=asked)
    assert told(db, "customers", "7") == [("eve", "RowInserted", {"name": "Ann", "by": "eve"})]
