"""Importing CSV."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backstory.errors import SourceError
from backstory.history.check.verify import verify
from backstory.store import Log
from backstory.stores.memory import MemoryStore
from backstory.transfer import Columns, InputFile, load, open_input, read_csv
from backstory.transfer.formats.columns import Reading
from backstory.transfer.formats.table import inferred
from backstory.transfer.load import LoadReport
from tests.transfer.conftest import STORE_KEY, Skipped, Source, data, reasons

COLUMNS = Columns(type="status", time="at", author="user", message="note", tags={"order": "order"})
HEADER = "order,status,at,user,note,cents\n"
ROWS = HEADER + (
    "o-1,Placed,2026-11-01T10:00:00+01:00,ann,first,500\n"
    "o-2,Placed,2026-11-03 10:00:00Z,bob,,\n"
    'o-1,Paid,2026-11-02,ann,"a, ""b""\nc",500\n'
)


def test_a_row_is_a_commit_and_goes_in_by_its_time(file: Source, log: Log) -> None:
    assert load(log, read_csv(file(ROWS), COLUMNS, key=STORE_KEY)) == LoadReport(commits=3, events=3)
    assert [(event.type, event.tags) for event in log.read()] == [
        ("Placed", ("order:o-1",)),
        ("Paid", ("order:o-1",)),
        ("Placed", ("order:o-2",)),
    ]
    assert data(log.read()) == [
        {"order": "o-1", "cents": "500"},
        {"order": "o-1", "cents": "500"},
        {"order": "o-2"},
    ]
    first, second, _ = log.commits()
    assert (first.author, first.message, first.authored) == (
        "ann",
        "first",
        datetime(2026, 11, 1, 9, tzinfo=UTC),
    )
    assert second.message == 'a, "b"\nc'


def test_it_goes_in_as_it_lies_where_that_is_asked_for(file: Source, log: Log) -> None:
    load(log, read_csv(file(ROWS), COLUMNS, Reading(in_file_order=True), key=STORE_KEY))
    assert [event.tags[0] for event in log.read()] == ["order:o-1", "order:o-2", "order:o-1"]


@pytest.mark.parametrize("empty", ["", "  "])
def test_a_row_whose_time_is_empty_has_a_place_only_in_the_order_of_the_file(
    file: Source, log: Log, rejects: Skipped, empty: str
) -> None:
    text = ROWS.replace("2026-11-03 10:00:00Z", empty)
    load(log, read_csv(file(text), COLUMNS, key=STORE_KEY), on_reject=rejects.append)
    assert [(line, "--order file" in why) for line, why in reasons(rejects)] == [(3, True)]
    now = datetime(2026, 11, 27, tzinfo=UTC)
    other = MemoryStore().log()
    for added in (3, 0):
        source = read_csv(file(text), COLUMNS, Reading(in_file_order=True), key=STORE_KEY, clock=lambda: now)
        assert load(other, source).commits == added
    assert [event.tags[0] for event in other.read()] == ["order:o-1", "order:o-2", "order:o-1"]
    assert [commit.authored.day for commit in other.commits()] == [1, 27, 2]


def test_the_columns_of_process_mining_are_known(file: Source, log: Log) -> None:
    text = "case:concept:name,concept:name,time:timestamp,org:resource,cost\nc-1,Pay,2026-11-01,Ann,5\n"
    load(log, read_csv(file(text), key=STORE_KEY))
    [commit], [event] = log.commits(), log.read()
    assert (event.type, event.tags, commit.author) == ("Pay", ("case:c-1", "resource:Ann"), "Ann")
    assert data([event]) == [{"case:concept:name": "c-1", "org:resource": "Ann", "cost": "5"}]


def test_rows_without_type_or_time_are_taken_in_order(file: Source, log: Log) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    source = "a,b\n1,2\n1,2\n"
    assert (
        load(
            log, read_csv(file(source), reading=Reading(type="Noted"), clock=lambda: now, key=STORE_KEY)
        ).commits
        == 2
    )
    assert load(log, read_csv(file(source), reading=Reading(type="Noted"), key=STORE_KEY)) == LoadReport(
        known=2
    )
    assert [(event.type, commit.time) for event, commit in zip(log.read(), log.commits(), strict=True)] == [
        ("Noted", now)
    ] * 2


def test_a_second_run_adds_nothing_and_grown_or_sorted_files_add_what_is_new(file: Source, log: Log) -> None:
    rows = [f"o-1,Paid,2026-11-0{day},ann,,5\n" for day in (1, 2, 2, 3)]
    assert load(log, read_csv(file(HEADER + "".join(rows)), COLUMNS, key=STORE_KEY)).commits == 4
    assert load(log, read_csv(file(HEADER + "".join(rows)), COLUMNS, key=STORE_KEY)) == LoadReport(known=4)
    changed = [*reversed(rows), "o-1,Paid,2026-11-02,ann,,5\n", "o-1,Paid,2026-11-09,ann,,5\n"]
    assert load(log, read_csv(file(HEADER + "".join(changed)), COLUMNS, key=STORE_KEY)) == LoadReport(
        commits=2, events=2, known=4, earlier=1
    )


def test_an_id_column_tells_rows_apart(file: Source, log: Log) -> None:
    text = "id,what\n7,a\n8,a\n"
    assert load(log, read_csv(file(text), Columns(id="id"), key=STORE_KEY)).commits == 2
    assert load(log, read_csv(file(text + "9,a\n"), Columns(id="id"), key=STORE_KEY)) == LoadReport(
        commits=1, events=1, known=2
    )
    assert data(log.read(limit=1)) == [{"id": "7", "what": "a"}]


def test_each_row_that_cannot_be_read_is_named_with_its_first_line(
    file: Source, log: Log, rejects: Skipped
) -> None:
    text = HEADER + (
        'o-1,Placed,2026-11-01,ann,"two\nlines",5\n'
        "o-1,Placed,2026-11-01\n"
        "o-1,Placed,soon,ann,,5\n"
        "o-1,,2026-11-01,ann,,5\n"
        'o-1,Placed,2026-11-01,ann,"two\nlines",5,6\n'
        "\n"
        "o-1,Placed,,ann,,5\n"
    )
    report = load(log, read_csv(file(text), COLUMNS, key=STORE_KEY), on_reject=rejects.append)
    assert (report.commits, report.skipped) == (1, 5)
    assert reasons(rejects) == [
        (4, "the row has 3 cells, the header has 6"),
        (5, "column \"at\": 'soon' is not an ISO 8601 time"),
        (6, 'column "status": the row\'s type is empty'),
        (7, "the row has 7 cells, the header has 6"),
        (
            10,
            'column "at": the row\'s time is empty, so only the order of the file (--order file) has a place for it',
        ),
    ]
    assert rejects[3].raw == 'o-1,Placed,2026-11-01,ann,"two\nlines",5,6'
    with pytest.raises(SourceError, match="source:4: the row has 3 cells"):
        load(log, read_csv(file(text), COLUMNS, key=STORE_KEY))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(file: Source, log: Log, delimiter: str) -> None:
    load(log, read_csv(file(f'"a,;|"{delimiter}b c{delimiter}d\n1{delimiter}2{delimiter}3\n'), key=STORE_KEY))
    assert data(log.read()) == [{"a,;|": "1", "b c": "2", "d": "3"}]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8-sig", "\ufeffä\nö\n".encode()),
        ("cp1252", "ä\nö\n".encode("cp1252")),
        ("utf-16", "ä\r\nö\r\n".encode("utf-16")),
    ],
)
def test_encodings_are_read(file: Source, log: Log, encoding: str, content: bytes) -> None:
    load(log, read_csv(file(content), reading=Reading(encoding=encoding), key=STORE_KEY))
    assert data(log.read()) == [{"ä": "ö"}]


def test_a_row_that_is_not_in_the_encoding_is_rejected(file: Source, log: Log, rejects: Skipped) -> None:
    content = b"a,b\ncaf\xe9,1\nfine,2\n"
    load(log, read_csv(file(content), key=STORE_KEY), on_reject=rejects.append)
    assert data(log.read()) == [{"a": "fine", "b": "2"}]
    why = "the cell is not utf-8; name the file's own encoding, such as cp1252 or utf-16"
    assert reasons(rejects) == [(2, f'column "a": {why}')]
    with pytest.raises(SourceError, match="no encoding is known"):
        load(log, read_csv(file(content), reading=Reading(encoding="klingon"), key=STORE_KEY))


def test_times_without_a_zone_take_the_one_that_is_given(file: Source, log: Log) -> None:
    reading = Reading(zone=ZoneInfo("Europe/Amsterdam"), time_format="%d.%m.%Y %H:%M")
    load(log, read_csv(file("at\n01.07.2026 12:00\n"), Columns(time="at"), reading, key=STORE_KEY))
    assert next(log.commits()).authored == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_line_separators_of_unicode_do_not_end_a_row(file: Source, log: Log) -> None:
    load(log, read_csv(file("a,b\r\nx\u2028y\x0bz\x85,1\r\n"), key=STORE_KEY))
    assert data(log.read()) == [{"a": "x\u2028y\x0bz\x85", "b": "1"}]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("5", 5),
        ("-1.5", -1.5),
        ("true", True),
        ("True", True),
        ("null", None),
        ("007", "007"),
        ("x", "x"),
        ("[1]", "[1]"),
        ('"a"', '"a"'),
        ("1e999", "1e999"),
        ("9" * 30, "9" * 30),
        ("\udc80", "\udc80"),
    ],
)
def test_a_cell_is_inferred_only_where_nothing_is_lost(cell: str, value: Any) -> None:
    assert inferred(cell) == value
    assert type(inferred(cell)) is type(value)


def test_empty_cells_are_left_out_or_kept(file: Source, log: Log) -> None:
    load(log, read_csv(file("a,b\n1,\n"), reading=Reading(infer=True), key=STORE_KEY))
    load(log, read_csv(file("a,b\n2,\n"), reading=Reading(keep_empty=True), key=STORE_KEY))
    assert data(log.read()) == [{"a": 1}, {"a": "2", "b": ""}]


def test_the_same_rows_read_in_another_way_are_no_second_events(file: Source, log: Log) -> None:
    load(log, read_csv(file("a,b\n1,\n"), key=STORE_KEY))
    with pytest.raises(SourceError, match="was used for other content"):
        load(log, read_csv(file("a,b\n1,\n"), reading=Reading(infer=True), key=STORE_KEY))


@pytest.mark.parametrize(
    ("text", "columns", "why"),
    [
        ("", None, "there is no header"),
        ("\n", None, "there is no header"),
        ("a,b,a\n", None, "two columns are named 'a'"),
        ("a,b\n", Columns(time="c"), "there is no column 'c', only a, b"),
    ],
)
def test_a_header_that_cannot_be_is_named(
    file: Source, log: Log, text: str, columns: Columns | None, why: str
) -> None:
    with pytest.raises(SourceError, match=why):
        load(log, read_csv(file(text), columns, key=STORE_KEY))


def test_the_permits_of_a_town_come_in_whole(data_dir: Path) -> None:
    """The receipt phase of building permits: 8,577 events in 1,434 cases."""
    store = MemoryStore()
    for expected in (LoadReport(commits=8_577, events=8_577), LoadReport(known=8_577)):
        with open_input(data_dir / "receipt.csv") as file:
            assert load(store.log(), read_csv(file, key=STORE_KEY)) == expected
    assert len({event.tags[0] for event in store.log().read()}) == 1_434
    assert verify(store).sound


@pytest.mark.parametrize(
    "text",
    [
        "id,what\r1,A\r2,B\r",
        "\ufeffid,what\r\n1,A\r\n2,B",
        "sep=;\nid;what\n1;A\n2;B\n",
        '\ufeff"id",what\n1,A\n2,B',
    ],
    ids=["CR", "byte order mark", "sep", "byte order mark before a quote"],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16"])
def test_what_spreadsheets_write_is_understood(file: Source, log: Log, text: str, encoding: str) -> None:
    load(log, read_csv(file(text.encode(encoding)), reading=Reading(encoding=encoding), key=STORE_KEY))
    assert data(log.read()) == [{"id": "1", "what": "A"}, {"id": "2", "what": "B"}]


def test_every_line_break_inside_of_a_cell_stays_as_it_is(file: Source, log: Log) -> None:
    load(log, read_csv(file('a,b\r"1\r2","3\n4\r\n5"\r6,7'), key=STORE_KEY))
    assert data(log.read()) == [{"a": "1\r2", "b": "3\n4\r\n5"}, {"a": "6", "b": "7"}]


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b'a,"b\n', 1, "the header cannot be read: unexpected end of data"),
        (b"caf\xe9,b\n1,2\n", 1, "the header is not utf-8; name the file's own encoding"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "the header is not utf-8; name the file's own encoding"),
        (b"sep=;\n", 1, "there is no header"),
        (b'sep=;\na;"b\n1;2\n', 2, "the header cannot be read: unexpected end of data"),
    ],
)
def test_a_header_that_cannot_be_read_is_an_error_with_its_line(
    file: Source, log: Log, content: bytes, line: int, why: str
) -> None:
    with pytest.raises(SourceError, match=why) as caught:
        load(log, read_csv(file(content), key=STORE_KEY))
    assert caught.value.line == line


def test_a_cell_of_white_space_is_empty(file: Source, log: Log, rejects: Skipped) -> None:
    columns = Columns(id="id", tags={"who": "who"})
    text = "id,who,note\n1, ,\u00a0\n ,ann,x\n"
    load(log, read_csv(file(text), columns, key=STORE_KEY), on_reject=rejects.append)
    assert [(event.tags, event.data) for event in log.read()] == [((), b'{"id":"1"}')]
    assert reasons(rejects) == [(3, 'column "id": the row\'s id is empty')]


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("['880001','880004']", ("item:880001", "item:880004")),
        ('["880004", "a b"]', ("item:880004", "item:a b")),
        ("('b', 'a', 'b')", ("item:a", "item:b")),
        ("{'a'}", ("item:a",)),
        ("[7]", ("item:7",)),
        ("['a\\d']", ("item:a\\d",)),
        ('["it\'s"]', ("item:it's",)),
        ("[]", ()),
        ("  ", ()),
        ("", ()),
    ],
)
def test_each_element_of_a_list_cell_makes_a_tag(
    file: Source, log: Log, cell: str, tags: tuple[str, ...]
) -> None:
    quoted = cell.replace('"', '""')
    text = f'id,items\n1,"{quoted}"\n'
    load(log, read_csv(file(text), Columns(id="id", tags={"item[]": "items"}), key=STORE_KEY))
    [event] = log.read()
    assert event.tags == tags
    [kept] = data([event])
    assert {f"item:{value}" for value in kept.get("items", [])} == set(tags)


@pytest.mark.parametrize(
    "cell", ["a", "7", "['a'", "[1.5]", "[None]", "[['a']]", "['']", "{'a': 1}", "[" * 9999, "[true]", "f()"]
)
def test_a_cell_that_is_no_list_of_tags_is_rejected(
    file: Source, log: Log, rejects: Skipped, cell: str
) -> None:
    columns = Columns(tags={"item[]": "items"})
    load(
        log,
        read_csv(file(f"id;items\n1;{cell}\n2;['b']\n"), columns, key=STORE_KEY),
        on_reject=rejects.append,
    )
    assert [event.tags for event in log.read()] == [("item:b",)]
    [(line, why)] = reasons(rejects)
    assert (line, 'column "items": ' in why) == (2, True), why


def test_columns_stay_in_the_data_where_they_are_tags_and_may_have_another_name_or_be_left_out(
    file: Source, log: Log
) -> None:
    columns = Columns(
        type="what",
        author="by",
        id="id",
        tags={"account": ("source", "target"), "by": "by"},
        fields={"nr": "id", "kind": "what"},
        drop=["iban", "note"],
    )
    text = "id,what,source,target,by,iban,note,cents\n1,Moved,a-1,b-2,ann,NL1,x,5\n"
    load(log, read_csv(file(text), columns, key=STORE_KEY))
    [event] = log.read()
    assert (event.type, event.tags) == ("Moved", ("account:a-1", "account:b-2", "by:ann"))
    assert data([event]) == [
        {"nr": "1", "kind": "Moved", "source": "a-1", "target": "b-2", "by": "ann", "cents": "5"}
    ]


def test_two_columns_cannot_have_one_name_in_the_data(file: Source, log: Log) -> None:
    with pytest.raises(SourceError, match="the columns a and b would both be the field 'b'"):
        load(log, read_csv(file("a,b\n1,2\n"), Columns(fields={"b": "a"}), key=STORE_KEY))


def test_a_row_beyond_the_limit_ends_the_file(log: Log, rejects: Skipped) -> None:
    text = b'a,b\n1,2\n3,"' + b"4,5\n" * 300
    load(
        log,
        read_csv(InputFile("source", io.BytesIO(text), limit=1000), key=STORE_KEY),
        on_reject=rejects.append,
    )
    assert data(log.read()) == [{"a": "1", "b": "2"}]
    why = (
        "the row has more than 1,000 bytes, the limit of a record; is a quote missing? The rest was not read"
    )
    assert reasons(rejects) == [(3, why)]


def test_a_form_of_times_that_names_a_part_twice_is_a_reject(file: Source, log: Log) -> None:
    with pytest.raises(SourceError, match="is not a time of the form %Y %Y"):
        load(
            log,
            read_csv(file("t\n2026 2026\n"), Columns(time="t"), Reading(time_format="%Y %Y"), key=STORE_KEY),
        )
