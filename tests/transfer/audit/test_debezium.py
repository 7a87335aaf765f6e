"""Change events of Debezium: with a schema or without, keys beside them or not, delivered once or twice."""

from __future__ import annotations

import base64
import json
from typing import Any

import apsw
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


def test_numbers_keep_all_of_their_digits_and_times_go_beyond_a_day(
    db: Database, file: Source, rejects: list[Rejected]
) -> None:
    exact = 10**37 + 1
    decimal = "org.apache.kafka.connect.data.Decimal"
    fields = [
        {"field": "price", "name": decimal, "parameters": {"scale": "2"}},
        {"field": "any", "name": "io.debezium.data.VariableScaleDecimal"},
        {"field": "late", "name": "io.debezium.time.MicroTime"},
        {"field": "early", "name": "io.debezium.time.Time"},
    ]
    encoded = base64.b64encode(exact.to_bytes(17, "big", signed=True)).decode()
    row = {
        "id": 7,
        "price": encoded,
        "any": {"scale": 36, "value": encoded},
        "late": 90_000_000_001,
        "early": -1_000,
    }
    wrapped = {
        "schema": {"fields": [{"field": "after", "fields": fields}]},
        "payload": event("c", None, row, 1),
    }
    take(db, file, rejects, wrapped)
    assert db.table("people")["7"] == {
        "price": "1" + "0" * 35 + ".01",
        "any": "10." + "0" * 35 + "1",
        "late": "25:00:00.000001",
        "early": "-00:00:01",
    }


@pytest.mark.parametrize(
    ("name", "value", "scale", "why"),
    [
        ("org.apache.kafka.connect.data.Decimal", "AQ==", "-999999999", "no -999,999,999 digits after"),
        ("org.apache.kafka.connect.data.Decimal", "AQ==", "999999999999", "digits after the point"),
        ("io.debezium.time.Timestamp", 10**30, "0", "is beyond what io.debezium.time.Timestamp can be"),
        ("io.debezium.data.VariableScaleDecimal", {"scale": 2}, "0", "a part has another form"),
    ],
)
def test_a_value_that_its_schema_cannot_mean_is_a_reject(
    db: Database, file: Source, rejects: list[Rejected], name: str, value: Any, scale: str, why: str
) -> None:
    fields = [{"field": "v", "name": name, "parameters": {"scale": scale}}]
    payload = event("c", None, {"id": 7, "v": value}, 1)
    wrapped = {"schema": {"fields": [{"field": "after", "fields": fields}]}, "payload": payload}
    assert take(db, file, rejects, wrapped).skipped == 1
    assert why in str(rejects[0].error)


def test_two_changes_of_one_place_that_say_two_things_are_not_taken_for_one(
    db: Database, file: Source, rejects: list[Rejected]
) -> None:
    other = event("u", ANN, ANNA | {"city": "Genf"}, 2)
    report = take(db, file, rejects, event("c", None, ANN, 1), event("u", ANN, ANNA, 2), other)
    assert (report.commits, report.known, report.skipped) == (2, 0, 1)
    assert "says something else of this row" in str(rejects[0].error)


def test_a_temporary_folder_that_is_full_is_said_so(
    db: Database, file: Source, rejects: list[Rejected], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstory.transfer.formats.audit.folding.temporary", small)
    lines = [event("c", None, {"id": n, "name": "x" * 3_000}, n) for n in range(1, 100)]
    with pytest.raises(OSError, match="no room left; SQLITE_TMPDIR names another one"):
        take(db, file, rejects, *lines)


def small() -> apsw.Connection:
    """A database that is full soon."""
    database = apsw.Connection("")
    database.execute("PRAGMA max_page_count = 20")
    return database
