"""Importing IEEE XES."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backstory.decide.latest import Latest
from backstory.decide.loading import Loader
from backstory.errors import SourceError
from backstory.history.check.verify import verify
from backstory.store import Log
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.transfer import InputFile, Known, Rejected, load, open_input, read_xes
from backstory.transfer.load import LoadReport
from backstory.transfer.order import in_order
from backstory.transfer.source import no_progress
from tests.transfer.conftest import STORE_KEY, Skipped, Source, data, reasons


def event(name: str, time: str, *more: str) -> str:
    """An event."""
    return (
        f'<event><string key="concept:name" value="{name}"/><date key="time:timestamp" value="{time}"/>'
        f"{''.join(more)}</event>"
    )


def trace(name: str, *parts: str) -> str:
    """A trace."""
    return f'<trace><string key="concept:name" value="{name}"/>{"".join(parts)}</trace>'


def xes(*parts: str) -> str:
    """A log, with what the events of the standard's extensions look like and what is no event."""
    head = '<extension name="Time" prefix="time" uri="x"/><global scope="event"><string key="a" value="b"/></global>'
    return f'<?xml version="1.0"?>\n<log xmlns="http://www.xes-standard.org/">{head}{"".join(parts)}</log>'


RESOURCE = '<string key="org:resource" value="Ann"/>'
DONE = '<string key="lifecycle:transition" value="complete"/>'


def test_an_event_is_a_commit_at_its_time_by_its_resource(file: Source, log: Log) -> None:
    text = xes(
        trace(
            "c 1",
            '<int key="amount" value="5"/>',
            event("Submit", "2026-11-01T10:00:00.5+01:00", RESOURCE, DONE),
        )
    )
    assert load(log, read_xes(file(text), key=STORE_KEY)) == LoadReport(commits=1, events=1)
    [commit], [found] = log.commits(), log.read()
    assert (commit.author, commit.authored) == ("Ann", datetime(2026, 11, 1, 9, 0, 0, 500_000, tzinfo=UTC))
    assert (found.type, found.tags) == ("Submit", ("case:c 1", "resource:Ann"))
    assert data([found]) == [
        {
            "case:concept:name": "c 1",
            "case:amount": 5,
            "concept:name": "Submit",
            "time:timestamp": "2026-11-01T10:00:00.5+01:00",
            "org:resource": "Ann",
            "lifecycle:transition": "complete",
        }
    ]


def test_history_goes_by_time_across_cases_and_equal_times_by_place(file: Source, log: Log) -> None:
    text = xes(
        trace("1", event("a", "2026-11-01T10:00:00Z"), event("d", "2026-11-03T10:00:00Z")),
        trace("2", event("b", "2026-11-01T10:00:00Z"), event("c", "2026-11-02T10:00:00Z")),
    )
    load(log, read_xes(file(text), key=STORE_KEY))
    assert [found.type for found in log.read()] == ["a", "b", "c", "d"]
    assert all(commit.time == commit.authored for commit in log.commits())


def test_attributes_keep_their_kinds_and_nested_ones_are_reachable(file: Source, log: Log) -> None:
    attributes = """
        <int key="i" value="7"/><float key="f" value="1.5"/><boolean key="b" value="true"/><id key="id" value="x"/>
        <int key="odd" value="seven"/><float key="nan" value="NaN"/><int key="huge" value="99999999999999999999"/>
        <string key="s" value="1 &lt; 2"><string key="unit" value="EUR"><int key="digits" value="2"/></string></string>
        <list key="l"><values><string key="k" value="1"/><string key="k" value="2"/></values></list>
        <container key="c"><string key="k" value="1"/></container>"""
    load(log, read_xes(file(xes(trace("1", event("a", "2026-11-01T10:00:00Z", attributes)))), key=STORE_KEY))
    [found] = data(log.read())
    del found["case:concept:name"], found["concept:name"], found["time:timestamp"]
    assert found == {
        "i": 7,
        "f": 1.5,
        "b": True,
        "id": "x",
        "odd": "seven",
        "nan": "NaN",
        "huge": "99999999999999999999",
        "s": "1 < 2",
        "s/unit": "EUR",
        "s/unit/digits": 2,
        "l": [{"k": "1"}, {"k": "2"}],
        "c": {"k": "1"},
    }


def test_what_is_missing_has_a_fallback_or_is_rejected(file: Source, log: Log, rejects: Skipped) -> None:
    text = xes(
        '<trace><event><date key="time:timestamp" value="2026-11-01T10:00:00"/></event></trace>',
        "\n",
        trace("2", '<event><string key="concept:name" value="timeless"/></event>'),
        "\n",
        trace("3", event("a", "soon")),
        trace("4"),
        event("alone", "2026-11-02T10:00:00Z"),
    )
    load(log, read_xes(file(text), key=STORE_KEY), on_reject=rejects.append)
    assert [(found.type, found.tags) for found in log.read()] == [("event", ("case:trace-1",)), ("alone", ())]
    assert reasons(rejects) == [
        (
            3,
            "the event has no time:timestamp, so only the order of the file (--order file) has a place for it",
        ),
        (4, "time:timestamp: 'soon' is not an ISO 8601 time"),
    ]
    assert '"concept:name":"timeless"' in rejects[0].raw


def test_events_without_a_time_come_in_by_the_order_of_the_file(
    file: Source, log: Log, rejects: Skipped
) -> None:
    now = datetime(2026, 11, 3, 12, tzinfo=UTC)
    timeless = '<event><string key="concept:name" value="{}"/></event>'.format
    same = trace("1", timeless("b"), timeless("a"), timeless("a"))
    loose = timeless("a") * 2
    text = xes(same, same, loose, trace("2", event("c", "2026-11-01T10:00:00Z"), event("d", "soon")))

    def read() -> LoadReport:
        source = read_xes(file(text), key=STORE_KEY, in_file_order=True, clock=lambda: now)
        return load(log, source, on_reject=rejects.append, clock=lambda: now)

    assert read() == LoadReport(commits=9, events=9, skipped=1, earlier=1)
    assert [found.type for found in log.read()] == [*"baa", *"baa", *"aa", "c"]
    assert [commit.authored for commit in log.commits()] == [now] * 8 + [
        datetime(2026, 11, 1, 10, tzinfo=UTC)
    ]
    assert reasons(rejects) == [(2, "time:timestamp: 'soon' is not an ISO 8601 time")]
    assert read() == LoadReport(known=9, skipped=1)
    text = xes(same, same, loose, trace("2", event("c", "2026-11-01T10:00:00Z"), timeless("e")))
    assert read() == LoadReport(commits=1, events=1, known=9)


def test_equal_events_in_no_trace_or_in_traces_of_one_name_are_all_taken(file: Source, log: Log) -> None:
    same = event("a", "2026-11-01T10:00:00Z")
    text = xes(same, same, trace("1", same), trace("1", same, same))
    assert load(log, read_xes(file(text), key=STORE_KEY)) == LoadReport(commits=5, events=5)
    assert load(log, read_xes(file(text), key=STORE_KEY)) == LoadReport(known=5)


def test_a_second_run_adds_nothing_and_a_grown_log_adds_what_is_new(file: Source, log: Log) -> None:
    twice = event("a", "2026-11-01T10:00:00Z")
    first = xes(trace("1", twice, twice), trace("2", event("b", "2026-11-05T10:00:00Z")))
    assert load(log, read_xes(file(first), key=STORE_KEY)).commits == 3
    assert load(log, read_xes(file(first), key=STORE_KEY)) == LoadReport(known=3)
    grown = xes(
        trace("1", twice, event("late", "2026-11-01T12:00:00Z"), twice),
        trace("2", event("b", "2026-11-05T10:00:00Z")),
    )
    assert load(log, read_xes(file(grown), key=STORE_KEY)) == LoadReport(
        commits=1, events=1, known=3, earlier=1
    )


def test_an_event_that_now_says_something_else_is_an_error_not_a_second_event(file: Source, log: Log) -> None:
    load(log, read_xes(file(xes(trace("1", event("a", "2026-11-01T10:00:00Z")))), key=STORE_KEY))
    with pytest.raises(SourceError, match="was used for other content"):
        load(
            log, read_xes(file(xes(trace("1", event("a", "2026-11-01T10:00:00Z", RESOURCE)))), key=STORE_KEY)
        )


def test_both_values_of_a_repeated_key_are_kept_and_the_first_counts(file: Source, log: Log) -> None:
    more = '<string key="org:resource" value="Bob"><string key="role" value="clerk"/></string>'
    taken = '<string key="k#more" value="theirs"/><int key="k" value="1"/><int key="k" value="2"/>'
    text = xes(trace("1", event("a", "2026-11-01T10:00:00Z", RESOURCE, more, RESOURCE, taken)))
    load(log, read_xes(file(text), key=STORE_KEY))
    [commit], [found] = log.commits(), data(log.read())
    assert (commit.author, found["org:resource"]) == ("Ann", "Ann")
    assert found["org:resource#more"] == [
        {"org:resource": "Bob", "org:resource/role": "clerk"},
        {"org:resource": "Ann"},
    ]
    assert (found["k"], found["k#more"]) == (1, [{"k#more": "theirs"}, {"k": 2}])


def test_an_attribute_of_the_event_does_not_hide_one_of_its_trace(file: Source, log: Log) -> None:
    theirs = '<string key="case:concept:name" value="1"/><string key="case:x" value="event"/>'
    text = xes(trace("1", '<string key="x" value="trace"/>', event("a", "2026-11-01T10:00:00Z", theirs)))
    load(log, read_xes(file(text), key=STORE_KEY))
    [found] = data(log.read())
    assert (found["case:concept:name"], found["case:x"]) == ("1", "trace")
    assert found["case:x#more"] == [{"case:x": "event"}]
    assert "case:concept:name#more" not in found


def test_a_log_whose_elements_have_a_prefix_is_read(file: Source, log: Log) -> None:
    plain = xes(trace("1", event("a", "2026-11-01T10:00:00Z", "<x:event/>")))
    text = plain.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?").replace("<x:x:", "<y:")
    load(log, read_xes(file(text.replace("xmlns=", "xmlns:x=")), key=STORE_KEY))
    assert [(found.type, found.tags) for found in log.read()] == [("a", ("case:1",))]


def test_each_prefix_of_the_logs_namespace_is_known(file: Source, log: Log) -> None:
    plain = xes(trace("1", event("a", "2026-11-01T10:00:00Z")), event("b", "2026-11-02T10:00:00Z"))
    head = 'xmlns:x="http://www.xes-standard.org/" xmlns='
    text = plain.replace("<event", "<x:event").replace("</event", "</x:event").replace("xmlns=", head)
    load(log, read_xes(file(text), key=STORE_KEY))
    assert [(found.type, found.tags) for found in log.read()] == [("a", ("case:1",)), ("b", ())]


INSIDE = event("inside", "2026-11-01T11:00:00Z")


@pytest.mark.parametrize(
    "parts",
    [
        (
            trace(
                "1",
                event("a", "2026-11-01T10:00:00Z"),
                "\n",
                trace("2", INSIDE),
                "\n",
                event("b", "2026-11-02"),
            ),
        ),
        (
            trace(
                "1",
                event("a", "2026-11-01T10:00:00Z", "\n", trace("2", INSIDE)),
                "\n",
                event("b", "2026-11-02"),
            ),
        ),
        (trace("1", event("a", "2026-11-01T10:00:00Z", "\n", INSIDE), "\n", event("b", "2026-11-02")),),
        (event("a", "2026-11-01T10:00:00Z"), "\n", f"<log>{INSIDE}</log>", "\n", event("b", "2026-11-02")),
    ],
    ids=["trace in a trace", "trace in an event", "event in an event", "log in a log"],
)
def test_an_event_in_no_place_for_one_is_rejected_and_the_others_come_in(
    file: Source, log: Log, rejects: Skipped, parts: tuple[str, ...]
) -> None:
    load(log, read_xes(file(xes(*parts)), key=STORE_KEY), on_reject=rejects.append)
    assert [found.type for found in log.read()] == ["a", "b"]
    assert reasons(rejects) == [(3, "the event stands neither in a trace of the log nor in the log itself")]


def test_the_events_of_a_trace_that_was_cut_off_are_rejected_with_their_lines(
    file: Source, log: Log, rejects: Skipped
) -> None:
    text = xes(trace("1", event("a", "2026-11-01")), "\n", trace("2", event("b", "2026-11-02")))
    load(log, read_xes(file(text.removesuffix("</trace></log>")), key=STORE_KEY), on_reject=rejects.append)
    assert [found.type for found in log.read()] == ["a"]
    assert [line for line, _ in reasons(rejects)] == [3, 3]
    assert "not well-formed" in rejects[0].error.why
    assert rejects[1].error.why == "the end of this event's trace was not read, so the event was left out"


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ('<int key="time:timestamp" value="5"/>', "time:timestamp is a date, not 5"),
        (
            '<list key="time:timestamp"><values><int key="a" value="1"/></values></list>',
            "time:timestamp is a date, not [{'a': 1}]",
        ),
        (
            '<list key="concept:name"><values><int key="a" value="1"/></values></list>',
            "concept:name is a text, not a list or a container",
        ),
        ('<container key="org:resource"/>', "org:resource is a text, not a list or a container"),
    ],
)
def test_an_attribute_of_another_type_is_rejected(
    file: Source, log: Log, rejects: Skipped, attributes: str, why: str
) -> None:
    text = xes(trace("1", f"<event>{attributes}</event>", event("a", "2026-11-01T10:00:00Z")))
    load(log, read_xes(file(text), key=STORE_KEY), on_reject=rejects.append)
    assert [found.type for found in log.read()] == ["a"]
    assert reasons(rejects) == [(2, why)]


@pytest.mark.parametrize("encoding", ["utf-7", "shift-jis", "rot13", "no such"])
def test_an_encoding_that_cannot_be_read_is_named(file: Source, log: Log, encoding: str) -> None:
    with pytest.raises(
        SourceError, match=r"source:1: (the file's encoding cannot be read|this is not well-f)"
    ):
        load(log, read_xes(file(f'<?xml version="1.0" encoding="{encoding}"?><log/>'), key=STORE_KEY))


def test_a_long_attribute_is_read_whole_and_one_beyond_the_limit_is_not(log: Log, rejects: Skipped) -> None:
    text = xes(
        trace("1", event("a", "2026-11-01T10:00:00Z", f'<string key="k" value="{"x" * 1_000_000}"/>')),
        trace("2", event("b", "2026-11-02T10:00:00Z")),
    ).encode()
    load(log, read_xes(InputFile("source", io.BytesIO(text)), key=STORE_KEY))
    assert [len(found.get("k", "")) for found in data(log.read())] == [1_000_000, 0]
    small = InputFile("source", io.BytesIO(text), limit=500_000)
    load(MemoryStore().log(), read_xes(small, key=STORE_KEY), on_reject=rejects.append)
    why = "an event or an attribute has more than 500,000 bytes, the limit of a record; the rest was not read"
    assert reasons(rejects)[0] == (2, why)


@pytest.mark.parametrize(
    "part",
    [
        "<!-- {} -->",
        '<trace><string key="k" value="{}"/></trace>',
        "<trace><event>{}",
        "<trace><event><values/>{}",
    ],
)
def test_no_part_of_a_file_is_beyond_the_limit(log: Log, part: str) -> None:
    many = '<string key="k" value="x"/><values/>' * 20_000
    text = xes(part.format(many if "event" in part else "x" * 400_000)).encode()
    with pytest.raises(SourceError, match="the limit of a record"):
        load(log, read_xes(InputFile("source", io.BytesIO(text), limit=200_000), key=STORE_KEY))


def test_records_larger_than_the_buffer_of_the_sorter_come_back_whole() -> None:
    rows = [(n, bytes([n]) * 700_000) for n in (3, 1, 2)]
    assert list(in_order(iter(rows), no_progress, run=1)) == [payload for _, payload in sorted(rows)]


BOMB = '<!DOCTYPE log [<!ENTITY a "aaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><log><string key="x" value="&b;"/></log>'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "a document type or an entity has no place in XES"),
        ('<!DOCTYPE log SYSTEM "http://127.0.0.1:9/x.dtd"><log/>', "a document type or an entity"),
        ("<log>" + "<list>" * 70, "nested deeper"),
        (
            xes('<trace><event><string key="a" value="b">' + '<string key="a" value="b">' * 70),
            "nested deeper",
        ),
        ("<html><trace/></html>", "begins with <html>"),
        ("not XML", "not well-formed"),
        ("", "not well-formed"),
        (xes(trace("1", '<event><string value="x"/></event>')), "<string> has no key"),
        (xes().removesuffix("</log>"), "not well-formed"),
    ],
)
def test_a_hostile_or_broken_file_is_refused(file: Source, log: Log, text: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        load(log, read_xes(file(text), key=STORE_KEY))
    assert log.head().position == 0


def test_a_file_that_was_cut_off_gives_what_it_has_and_says_so(
    file: Source, log: Log, rejects: Skipped
) -> None:
    whole = gzip.compress(
        xes(*(trace(str(n), event("a", "2026-11-01T10:00:00Z")) for n in range(2000))).encode()
    )
    with pytest.raises(SourceError, match="cut off"):
        load(log, read_xes(file(whole[:-10]), key=STORE_KEY))
    load(log, read_xes(file(whole[:-10]), key=STORE_KEY), on_reject=rejects.append)
    assert 1900 < log.head().position <= 2000
    assert "cut off" in rejects[0].error.why


def test_sorting_spills_to_a_file_and_loses_nothing() -> None:
    reject = Rejected(SourceError("x", 1, "why"))
    rows = [(n * 7919 % 1000, f"{n:04}".encode() * 3) for n in range(5000)]
    ordered = list(in_order(iter([*rows[:100], reject, *rows[100:]]), no_progress, run=10_000))
    assert ordered[0] is reject
    assert ordered[1:] == [payload for _, payload in sorted(rows, key=lambda row: row[0])]


def test_an_import_that_was_stopped_goes_on_where_it_stopped(file: Source, tmp_path: Path) -> None:
    text = xes(*(trace(str(n), event("a", f"2026-11-01T10:{n:02}:00Z")) for n in range(60)))
    with_store = SqliteStore(tmp_path / "a.db")
    source = read_xes(file(text), key=STORE_KEY)
    half = (item for _, item in zip(range(30), source, strict=False))

    def stopped() -> object:
        yield from half
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(with_store.log(), stopped(), batch=10)  # type: ignore[arg-type]
    assert with_store.log().head().position == 30
    assert load(with_store.log(), read_xes(file(text), key=STORE_KEY)) == LoadReport(
        commits=30, events=30, known=30
    )
    with_store.close()


def test_known_commits_are_counted(log: Log) -> None:
    assert load(log, [Known(3)]) == LoadReport(known=3)


def beginning(path: Path, target: Path, cases: int) -> Path:
    """A file of the first cases only."""
    parts = gzip.decompress(path.read_bytes()).split(b"</trace>", cases)
    target.write_bytes(b"</trace>".join([*parts[:-1], b"</log>"]))
    return target


def test_the_loans_of_a_bank_come_in_whole(data_dir: Path, tmp_path: Path, long: bool) -> None:
    """The BPI Challenge 2012: 262,200 events in 13,087 applications; the first 1,000 of them in short runs."""
    path, events, applications = data_dir / "bpic2012.xes.gz", 262_200, 13_087
    if not long:
        path, events, applications = beginning(path, tmp_path / "loans.xes", 1_000), 21_902, 1_000
    store = SqliteStore(tmp_path / "loans.db")
    log = store.log()
    for expected in (LoadReport(commits=events, events=events), LoadReport(known=events)):
        with open_input(path) as file:
            assert load(log, read_xes(file, key=STORE_KEY)) == expected
    cases = {tag for event in log.read() for tag in event.tags if tag.startswith("case:")}
    assert len(cases) == applications
    state = Loader(log).load(Latest("case:173688"))
    assert state.events == 26
    assert state.fields["case:AMOUNT_REQ"].value == "20000"
    assert state.fields["concept:name"].value == "W_Valideren aanvraag"
    assert verify(store).sound
    store.close()
