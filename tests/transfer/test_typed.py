"""Importing into the events of an application."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import pytest

from backstory import Event, Personal, Tag, Tagged, register, upcast
from backstory.application import collect
from backstory.store import Log
from backstory.transfer import Columns, Reading, checked, load, read_csv, read_jsonl, read_xes
from backstory.transfer.typed import Events
from backstory.values.codec import PLAIN
from tests.transfer.conftest import STORE_KEY, Skipped, Source, reasons


class Priority(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Place(msgspec.Struct, frozen=True):
    city: str


class Raised(Event, name="typed.raised"):
    ticket: Tag[str]
    subject: str
    priority: Priority = Priority.LOW
    minutes: int = 0
    cost: Decimal | None = None
    ratio: float | None = None
    due: date | None = None
    seen: datetime | None = None
    urgent: bool = False
    items: Annotated[tuple[str, ...], Tagged("item")] = ()
    place: Place | None = None
    number: Literal[1, 2] | None = None
    by: Personal[str] = ""


class Closed(Event, name="typed.closed", version=2):
    ticket: Tag[str]
    why: str

    @upcast(1)
    @staticmethod
    def from_1(data: dict[str, Any]) -> dict[str, Any]:
        return {"ticket": data["ticket"], "why": ""}


class Renamed(Event, name="typed.renamed", rename="camel"):
    first_name: Tag[str]
    year_born: int


class Assigned(Event, name="typed.assigned"):
    ticket: Tag[str]
    agent: Tag[str | None]
    note: str | None = "none"
    who: str = "nobody"


@dataclass(frozen=True)
class AssignedToo:
    ticket: Tag[str]
    agent: Tag[str | None]
    note: str | None = "none"
    who: str = "nobody"


register(AssignedToo, name="typed.assigned.too")


@dataclass(frozen=True)
class Plain:
    ticket: Tag[str]
    n: int


register(Plain, name="typed.plain")


@pytest.fixture
def events() -> Events:
    """The events of an application."""
    return collect("helpdesk", [Raised, Closed, Renamed, Plain, Assigned, AssignedToo]).event


def imported(
    log: Log, file: Source, text: str, events: Events, rejects: Skipped, **columns: Any
) -> list[Any]:
    """The events that a table makes."""
    reading = Reading(type="typed.raised", zone=ZoneInfo("Europe/Amsterdam"), events=events)
    load(log, read_csv(file(text), Columns(**columns), reading, key=STORE_KEY), on_reject=rejects.append)
    return list(map(PLAIN.decode, log.read()))


def test_a_row_becomes_the_event_that_its_class_would_write(
    file: Source, log: Log, events: Events, rejects: Skipped
) -> None:
    text = (
        "id,subject,priority,minutes,cost,ratio,due,seen,urgent,items,place,number,by\n"
        '007,5,high, 12 ,1.10,0.5,2026-05-20,2026-05-20 07:07,True,"[\'a\',\'b\']","{""city"":""Delft""}",2,Ann\n'
        "8,[draft] x,,,,,,2026-05-20T07:07:00Z,,[],,,\n"
    )
    first, second = imported(log, file, text, events, rejects, fields={"ticket": "id"})
    assert first == Raised(
        "007",
        "5",
        Priority.HIGH,
        12,
        Decimal("1.10"),
        0.5,
        date(2026, 5, 20),
        datetime(2026, 5, 20, 5, 7, tzinfo=UTC),
        True,
        ("a", "b"),
        Place("Delft"),
        2,
        "Ann",
    )
    assert second == Raised("8", "[draft] x", seen=datetime(2026, 5, 20, 7, 7, tzinfo=UTC))
    assert [PLAIN.encode(event).data for event in (first, second)] == [event.data for event in log.read()]
    assert [event.tags for event in log.read()] == [("item:a", "item:b", "ticket:007"), ("ticket:8",)]
    assert rejects == []


def test_an_empty_cell_of_a_field_without_a_default_is_null_where_the_field_may_be_none(
    file: Source, log: Log, events: Events, rejects: Skipped
) -> None:
    for type in ("typed.assigned", "typed.assigned.too"):
        reading = Reading(type=type, events=events)
        load(log, read_csv(file("ticket,agent,note,who\n7,, ,\n"), Columns(), reading, key=STORE_KEY))
    assert list(map(PLAIN.decode, log.read())) == [
        Assigned("7", None, "none", "nobody"),
        AssignedToo("7", None, "none", "nobody"),
    ]
    load(
        log,
        read_csv(
            file("ticket,agent,note,who\n,ann,,\n"),
            Columns(),
            Reading(type="typed.assigned", events=events),
            key=STORE_KEY,
        ),
        on_reject=rejects.append,
    )
    assert reasons(rejects) == [
        (2, "column \"ticket\": the cell is empty, and the field 'ticket' has no default")
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1,,,", "column \"subject\": the cell is empty, and the field 'subject' has no default"),
        ("1,x,12.5,", "column \"minutes\": '12.5' does not fit the field: Expected `int`, got `str`"),
        ("1,x,1_0,", "column \"minutes\": '1_0' does not fit the field"),
        ("1,x,,vip", "column \"vip\": typed.raised has no field 'vip', only ticket, subject, priority"),
        (",x,,", 'column "ticket": the cell is empty'),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_with_its_line_and_column(
    file: Source, log: Log, events: Events, rejects: Skipped, row: str, why: str
) -> None:
    text = f"ticket,subject,minutes,vip\n{row}\n2,fine,,\n"
    assert imported(log, file, text, events, rejects) == [Raised("2", "fine")]
    [(line, said)] = reasons(rejects)
    assert (line, why in said) == (2, True), said


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("priority", "urgent"),
        ("cost", "1,10"),
        ("cost", "1_0"),
        ("ratio", "nan"),
        ("ratio", "inf"),
        ("due", "20.05.2026"),
        ("seen", "soon"),
        ("urgent", "yes"),
        ("items", "a"),
        ("items", "[1"),
        ("items", "{'a': 1}"),
        ("items", "['']"),
        ("items", r"['\ud800']"),
        ("place", "[]"),
        ("number", "3"),
    ],
)
def test_no_cell_is_taken_as_another_value_than_it_says(
    file: Source, log: Log, events: Events, rejects: Skipped, field: str, cell: str
) -> None:
    text = f"ticket;subject;{field}\n1;x;{cell}\n"
    assert imported(log, file, text, events, rejects) == []
    assert len(rejects) == 1


def test_a_type_that_the_application_does_not_have_is_rejected(
    file: Source, log: Log, events: Events, rejects: Skipped
) -> None:
    text = "kind,ticket,why\ntyped.close,1,x\ntyped.closed,1,x\n"
    assert imported(log, file, text, events, rejects, type="kind") == [Closed("1", "x")]
    [(line, why)] = reasons(rejects)
    assert line == 2
    assert why.startswith("helpdesk has no event 'typed.close'; did you mean typed.closed")


def test_other_kinds_of_classes_are_read_too(
    file: Source, log: Log, events: Events, rejects: Skipped
) -> None:
    text = "kind,firstName,yearBorn,ticket,n\ntyped.renamed,Ann,1999,,\ntyped.plain,,,t-1,5\n"
    assert imported(log, file, text, events, rejects, type="kind") == [Renamed("Ann", 1999), Plain("t-1", 5)]
    assert rejects == []


def test_a_column_that_is_taken_out_or_has_another_name_can_be_a_field(
    file: Source, log: Log, events: Events, rejects: Skipped
) -> None:
    text = "nr,seen,what,inner\n1,2026-05-20T07:07:00Z,x,secret\n"
    columns = {
        "time": "seen",
        "drop": ["inner"],
        "fields": {"ticket": "nr", "seen": "seen", "subject": "what"},
    }
    moment = datetime(2026, 5, 20, 7, 7, tzinfo=UTC)
    assert imported(log, file, text, events, rejects, **columns) == [Raised("1", "x", seen=moment)]
    assert next(log.commits()).authored == moment


def test_a_class_that_has_grown_makes_no_second_events_of_the_same_rows(
    file: Source, log: Log, rejects: Skipped
) -> None:
    class Grown(Event, name="typed.growing"):
        ticket: Tag[str]

    def read(cls: type[Event]) -> None:
        reading = Reading(type="typed.growing", events=collect("app", [cls]).event)
        source = read_csv(file("ticket\n1\n"), Columns(time=None), reading, key=STORE_KEY)
        load(log, source, on_reject=rejects.append)

    read(Grown)

    class Again(Event, name="typed.growing"):
        ticket: Tag[str]
        more: int = 0

    read(Again)
    assert log.head().position == 1
    assert "was used for other content" in rejects[0].error.why


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ('{"type":"typed.closed","version":2,"tags":["ticket:1"],"data":{"ticket":"1","why":"x"}}', None),
        ('{"type":"typed.closed","tags":["ticket:1"],"data":{"ticket":"1"}}', None),
        ('{"type":"typed.closed","version":3,"data":{}}', "typed.closed has version 3, and its class 2"),
        ('{"type":"typed.closed","version":2,"data":{"ticket":"1"}}', "missing required field `why`"),
        (
            '{"type":"typed.closed","version":2,"data":{"ticket":"1","why":"x"}}',
            "typed.closed of these data has the tag ticket:1, which is not there",
        ),
        (
            '{"type":"typed.closed","version":2,"tags":["ticket:1"],"data":{"ticket":"1","why":"x","wy":"y"}}',
            "typed.closed has no field 'wy'; it has ticket, why",
        ),
        ('{"type":"Other"}', "helpdesk has no event 'Other'"),
    ],
)
def test_lines_are_checked_against_their_classes(
    file: Source, log: Log, events: Events, rejects: Skipped, event: str, why: str | None
) -> None:
    source = checked(read_jsonl(file(f'{{"events":[{event}]}}\n'), key=STORE_KEY), events)
    load(log, source, on_reject=rejects.append)
    if why is None:
        assert (log.head().position, rejects) == (1, [])
    else:
        [(line, said)] = reasons(rejects)
        assert (line, log.head().position, why in said) == (1, 0, True), said


def test_events_of_processes_are_checked_against_their_classes(
    file: Source, log: Log, events: Events, rejects: Skipped
) -> None:
    text = (
        '<log><event><string key="concept:name" value="typed.closed"/><date key="time:timestamp" value="2026-01-01"/>'
        "</event></log>"
    )
    load(log, checked(read_xes(file(text), key=STORE_KEY), events), on_reject=rejects.append)
    assert "typed.closed (version 1) cannot be read" in rejects[0].error.why
