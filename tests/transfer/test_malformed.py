"""Whatever a file holds, an import of it ends with entries and rejects, each with its line."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstory.errors import SourceError
from backstory.store import Log
from backstory.stores.memory import MemoryStore
from backstory.transfer import Columns, InputFile, LoadReport, load, read_csv, read_jsonl, read_xes
from backstory.transfer.formats.columns import Reading
from backstory.transfer.source import Source as Items
from backstory.values.commit import EARLIEST, LATEST
from backstory.values.event_data import DEPTH
from tests.transfer.conftest import STORE_KEY, Skipped, Source, reasons

Reader = Callable[[InputFile], Items]

lines = partial(read_jsonl, key=STORE_KEY)
log_of_processes = partial(read_xes, key=STORE_KEY)

NOTED = '{"events":[{"type":"Noted"}]}'
EVENT = '<event><string key="concept:name" value="a"/><date key="time:timestamp" value="{}"/></event>'


def read_times(file: InputFile) -> Items:
    """A CSV file with a column of times."""
    return read_csv(file, Columns(time="t"), key=STORE_KEY)


FORMATS: dict[str, tuple[Reader, str]] = {
    "own": (lines, '{{"events":[{{"type":"A"}}],"time":"{}"}}'),
    "CloudEvents": (lines, '{{"specversion":"1.0","id":"1","source":"s","type":"t","time":"{}"}}'),
    "XES": (log_of_processes, f"<log>{EVENT}</log>"),
    "CSV": (read_times, "t\n{}\n"),
}
"""Of each format a reader, and a record with a place for its time."""

formats = pytest.mark.parametrize(("read", "record"), FORMATS.values(), ids=FORMATS)


@formats
@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+12:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_time_that_some_zone_could_not_show_is_rejected(
    file: Source, log: Log, rejects: Skipped, read: Reader, record: str, time: str
) -> None:
    load(log, read(file(record.format(time))), on_reject=rejects.append, future=True)
    assert "a commit's time lies between 0001-01-02 and 9999-12-30 in UTC" in rejects[0].error.why
    assert rejects[0].error.line >= 1


@formats
def test_the_first_and_the_last_time_are_taken(file: Source, read: Reader, record: str) -> None:
    for time in (EARLIEST, LATEST):
        log = MemoryStore().log()
        load(log, read(file(record.format(time.isoformat()))), future=True)
        assert [commit.authored for commit in log.commits()] == [time]


@formats
def test_a_commit_of_the_future_is_rejected_unless_it_is_meant(
    file: Source, log: Log, rejects: Skipped, read: Reader, record: str
) -> None:
    def clock() -> datetime:
        return datetime(2026, 11, 1, 12, tzinfo=UTC)

    tomorrow, later = ((clock() + timedelta(days=1, seconds=n)).isoformat() for n in (0, 1))
    load(log, read(file(record.format(later))), on_reject=rejects.append, clock=clock)
    assert "is more than a day ahead of the clock" in rejects[0].error.why
    assert load(log, read(file(record.format(tomorrow))), clock=clock).commits == 1
    assert load(MemoryStore().log(), read(file(record.format(later))), clock=clock, future=True).commits == 1


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "line",
    [
        '{"events":[{"type":"A","data":{"x":' + DEEP + "}}]}",
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"unknown":' + DEEP + ',"events":[{"type":"A"}]}',
        '{"command":{"x":' + DEEP + '},"events":[{"type":"A"}]}',
        '{"metadata":{"x":' + DEEP + '},"events":[{"type":"A"}]}',
        '{"events":[{"type":"A","data":{"x":' + "[" * DEPTH + "]" * DEPTH + "}}]}",
        '{"metadata":{"x":' + "[" * DEPTH + "]" * DEPTH + '},"events":[{"type":"A"}]}',
        '{"specversion":"1.0","id":"1","source":"s","type":"t","data":' + DEEP + "}",
        '{"specversion":"1.0","id":"1","source":"s","type":"t","extension":' + DEEP + "}",
        '{"specversion":"1.0","id":"1","source":"s","type":"t","x":' + "[" * DEPTH + "]" * DEPTH + "}",
    ],
    ids=lambda line: line[:40],
)
def test_what_is_nested_too_deeply_is_rejected_and_the_next_line_comes_in(
    file: Source, log: Log, rejects: Skipped, line: str
) -> None:
    assert (
        load(log, read_jsonl(file(f"{line}\n{NOTED}"), key=STORE_KEY), on_reject=rejects.append).commits == 1
    )
    [(number, why)] = reasons(rejects)
    assert number == 1
    assert "nested" in why


def test_a_batch_that_is_nested_too_deeply_is_an_error(file: Source, log: Log) -> None:
    with pytest.raises(
        SourceError, match="this is not a JSON array, and none of it was read: it is nested too deeply"
    ):
        load(log, read_jsonl(file(f"[{DEEP}]"), key=STORE_KEY))


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_beyond_the_limit_is_rejected_and_the_next_one_comes_in(
    log: Log, rejects: Skipped, packed: bool
) -> None:
    text = f'{{"events":[{{"type":"{"x" * 200_000}"}}]}}\n{NOTED}\n'.encode()
    file = InputFile("source", io.BytesIO(gzip.compress(text) if packed else text), limit=1000)
    assert load(log, read_jsonl(file, key=STORE_KEY), on_reject=rejects.append).commits == 1
    assert reasons(rejects) == [(1, "this line has more than 1,000 bytes, the limit of a record")]


def test_a_batch_beyond_the_limit_is_an_error(log: Log) -> None:
    text = ("[\n" + ",\n".join([NOTED] * 100) + "]").encode()
    with pytest.raises(SourceError, match="the array of events, which is read whole, has more than 1 MiB"):
        load(log, read_jsonl(InputFile("source", io.BytesIO(text * 400), limit=1 << 20), key=STORE_KEY))


def test_what_a_file_says_twice_counts_once(file: Source, log: Log) -> None:
    cloud = '{"specversion":"1.0","id":"1","source":"s","type":"t"}\n'
    assert load(log, read_jsonl(file(cloud * 3), key=STORE_KEY)) == LoadReport(commits=1, events=1, known=2)
    rows = "id,what\n1,A\n1,A\n2,B\n"
    report = load(MemoryStore().log(), read_csv(file(rows), Columns(id="id"), key=STORE_KEY))
    assert report == LoadReport(commits=2, events=2, known=1)


SAMPLES: list[tuple[Reader, bytes]] = [
    (
        lines,
        b'{"backstory":1,"upto":1}\n{"events":[{"type":"A","tags":["a:1"],"data":{"x":[1.5,null]}}],',
    ),
    (
        lines,
        b'{"id":"i","time":"2026-11-01T10:00:00Z","events":[{"type":"A"}],"condition":{"query":[{}]}}\n',
    ),
    (
        lines,
        b'[{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-11-01T10:00:00Z","data":{}}]',
    ),
    (
        log_of_processes,
        f'<?xml version="1.0" encoding="utf-8"?><log><trace>{EVENT.format("2026-11-01")}'.encode(),
    ),
    (log_of_processes, f'<log><trace><list key="l"><values>{EVENT}</values></list></trace></log>'.encode()),
    (read_times, b't;"a"\r\n2026-11-01T10:00:00+01:00;"x;\r\ny"\n'),
    (
        lambda file: read_csv(file, reading=Reading(encoding="utf-16", infer=True), key=STORE_KEY),
        "a,b\n1,2\n".encode("utf-16"),
    ),
]

ODD = [
    b"\0",
    b"\xff",
    b'"',
    b"<",
    b">",
    b"&#0;",
    b"\r",
    b"\n",
    b"[" * 2000,
    b"{",
    b"}",
    b"9" * 5000,
    b"-",
    b"\\ud800",
]


@settings(max_examples=300)
@given(
    st.sampled_from(SAMPLES),
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 20), st.sampled_from(ODD) | st.binary(max_size=4))
    ),
)
def test_damage_anywhere_in_a_file_ends_in_entries_and_rejects(
    sample: tuple[Reader, bytes], changes: list[tuple[int, int, bytes]]
) -> None:
    read, content = sample
    for place, length, new in changes:
        content = content[:place] + new + content[place + length :]
    rejects: Skipped = []
    try:
        report = load(
            MemoryStore().log(), read(InputFile("x", io.BytesIO(content))), on_reject=rejects.append
        )
    except SourceError:  # of a header, without which nothing can be read
        return
    assert report.skipped == len(rejects)
