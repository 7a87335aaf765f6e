"""Export and import of Backstory's own format and of CloudEvents."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstory.errors import SourceError
from backstory.history.check.verify import verify
from backstory.store import Log, append, write
from backstory.stores.memory import MemoryStore
from backstory.transfer import InputFile, LoadReport, cloudevent_lines, load, own_lines, read_jsonl
from backstory.unit import Withhold
from backstory.values.commit import DATA, METADATA, Draft, draft, from_micros, withheld
from backstory.values.event_data import RESERVED, encoded
from backstory.values.query import Clause, Condition, Query
from tests.transfer.conftest import STORE_KEY, Skipped, Source, data, reasons

DAY = datetime(2026, 11, 1, tzinfo=UTC)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NAME = TEXT.filter(bool)
TYPE = NAME.filter(lambda type: not type.startswith(RESERVED))
KEY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\0:,"'), min_size=1)
TAG = st.builds("{}:{}".format, KEY, NAME)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)
JSON = st.builds(
    lambda value, indent: msgspec.json.format(msgspec.json.encode(value), indent=indent),
    OBJECTS,
    st.sampled_from([0, 2, -1]),
)
CLAUSES = st.builds(Clause.of, st.lists(NAME, max_size=2), st.lists(TAG, max_size=2))
EVENTS = st.builds(
    lambda type, data, tags, version: encoded(type, data, tuple(tags), version),
    TYPE,
    JSON,
    st.lists(TAG, max_size=3),
    st.integers(1, 9),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Draft]:
    """Drafts that go into an empty log one after the other, conditions included."""
    drafts: list[Draft] = []
    position = 0
    for number in range(draw(st.integers(0, 4))):
        events = draw(st.lists(EVENTS, min_size=1, max_size=3))
        queries = st.builds(lambda clauses: Query(tuple(clauses)), st.lists(CLAUSES, max_size=2))
        made = draft(
            events,
            id=f"{number}{draw(TEXT)}"[:200],
            time=draw(st.integers(-(2**50), 2**52).map(from_micros)),
            condition=draw(st.none() | st.builds(Condition, queries, st.just(position))),
            author=draw(TEXT),
            message=draw(TEXT),
            command=draw(st.none() | OBJECTS),
            metadata=draw(OBJECTS | st.just(b'{"a":\r\n1}')),
            secret=draw(st.binary(min_size=16, max_size=16)),
        )
        drafts.append(msgspec.structs.replace(made, signature=draw(st.binary(max_size=3))))
        position += len(events)
    return drafts


@given(histories())
def test_an_export_imports_as_the_same_commits_with_the_same_hashes(history: list[Draft]) -> None:
    first, second = MemoryStore(), MemoryStore()
    for each in history:
        append(first.log(), each)
    lines = list(own_lines(first.log()))
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") and b"\r" not in line for line in lines)
    report = load(second.log(), read_jsonl(_file(b"".join(lines)), key=STORE_KEY), future=True)
    assert report.commits == len(history)
    assert list(second.log().commits()) == list(first.log().commits())
    assert list(second.log().read()) == list(first.log().read())
    assert verify(second).sound
    again = load(second.log(), read_jsonl(_file(b"".join(lines)), key=STORE_KEY), future=True)
    assert again == LoadReport(known=len(history))


def withheld_somewhere(history: list[Draft], chance: Random) -> MemoryStore:
    """A store with this history, of which parts are withheld by chance."""
    store = MemoryStore()
    for each in history:
        places = [place for place in range(DATA + len(each.events)) if chance.random() < 0.5]
        append(store.log(), withheld(each, places))
    return store


@given(histories(), st.randoms(use_true_random=False))
def test_what_is_withheld_stays_withheld_in_an_export_that_imports(
    history: list[Draft], chance: Random
) -> None:
    first, second = withheld_somewhere(history, chance), MemoryStore()
    text = b"".join(own_lines(first.log()))
    assert load(second.log(), read_jsonl(_file(text), key=STORE_KEY), future=True).commits == len(history)
    assert list(second.log().commits()) == list(first.log().commits())
    assert list(second.log().read()) == list(first.log().read())
    assert verify(second).sound


@given(histories(), st.randoms(use_true_random=False))
def test_a_cloudevent_whose_data_is_withheld_has_none(history: list[Draft], chance: Random) -> None:
    log = withheld_somewhere(history, chance).log()
    for event, line in zip(log.read(), cloudevent_lines(log), strict=True):
        assert ("data" in msgspec.json.decode(line)) is bool(event.data)


def test_a_line_without_a_secret_gets_a_new_one_and_is_known_the_second_time(log: Log) -> None:
    line = b'{"id":"c1","author":"ann","events":[{"type":"Noted"}]}\n'
    assert load(log, read_jsonl(_file(line), key=STORE_KEY)) == LoadReport(commits=1, events=1)
    assert load(log, read_jsonl(_file(line), key=STORE_KEY)) == LoadReport(known=1)
    [commit] = log.commits()
    assert len(commit.secret) == 16


@pytest.mark.parametrize(
    ("secret", "why"),
    [("xy", "not written in hex"), ("00" * 15, "and is neither"), ("00" * 16, "in its content hash")],
)
def test_a_secret_that_is_not_the_one_of_the_commit_is_a_reject(bank: Log, secret: str, why: str) -> None:
    header, first, *_ = own_lines(bank)
    line = {**msgspec.json.decode(first), "secret": secret}
    with pytest.raises(SourceError, match=why):
        load(MemoryStore().log(), read_jsonl(_file(header + msgspec.json.encode(line)), key=STORE_KEY))


def test_a_signature_that_is_no_hex_is_a_reject(bank: Log) -> None:
    header, first, *_ = own_lines(bank)
    line = first.replace(b'"content":', b'"signature":"xy","content":')
    with pytest.raises(SourceError, match="the signature is not written in hex"):
        load(MemoryStore().log(), read_jsonl(_file(header + line), key=STORE_KEY))


@given(histories())
def test_cloudevents_are_valid_and_bring_data_tags_and_versions_back(history: list[Draft]) -> None:
    first, second = MemoryStore(), MemoryStore()
    for each in history:
        append(first.log(), each)
    lines = list(cloudevent_lines(first.log(), source="urn:here"))
    for line in lines:
        attributes = msgspec.json.decode(line)
        assert attributes["specversion"] == "1.0"
        for name, value in attributes.items():
            assert re.fullmatch("[a-z0-9]{1,20}", name)
            assert name == "data" or isinstance(value, int) or not re.search("[\0-\x1f\x7f-\x9f]", value)
    load(second.log(), read_jsonl(_file(b"".join(lines)), key=STORE_KEY), future=True)
    before, after = list(first.log().read()), list(second.log().read())
    assert data(after) == data(before)
    assert [(event.tags, event.version) for event in after] == [
        (event.tags, event.version) for event in before
    ]


def _file(content: bytes) -> InputFile:
    return InputFile("source", io.BytesIO(content), len(content))


@pytest.fixture
def bank(log: Log) -> Log:
    """Three commits."""
    for number in range(1, 4):
        events = [encoded("Deposited", b'{"cents": %d}' % number, ("account:a-7",))] * number
        append(log, draft(events, id=f"c{number}", time=DAY, author="ann", message="pay"))
    return log


def test_a_part_continues_the_part_before_it(bank: Log) -> None:
    copy = MemoryStore().log()
    for part in (own_lines(bank, upto=3), own_lines(bank, after=3)):
        load(copy, read_jsonl(_file(b"".join(part)), key=STORE_KEY))
    assert copy.head() == bank.head()
    assert list(own_lines(bank, after=99)) == [b'{"backstory":1,"after":99}\n']


@pytest.mark.parametrize("batch", [1, 3, 5000])
def test_commits_of_a_batch_that_would_meet_each_other_go_in_together(batch: int) -> None:
    query, source = Query.of(tags=["account:a"]), MemoryStore()

    def decided(id: str, after: int, tag: str = "account:a") -> Draft:
        return draft(
            [encoded("Moved", b"{}", (tag,))] * 2, id=id, time=DAY, condition=Condition(query, after)
        )

    append(source.log(), decided("first", 0))
    append(source.log(), decided("a", 2), decided("between", 2, "account:b"), decided("b", 2))
    append(source.log(), decided("c", 8), decided("d", 8))
    append(source.log(), decided("last", 12))
    lines = list(own_lines(source.log()))
    assert [b'"more":true' in line for line in lines[1:]] == [False, True, True, False, True, False, False]
    copy = MemoryStore().log()
    assert load(copy, read_jsonl(_file(b"".join(lines)), key=STORE_KEY), batch=batch).commits == 7
    assert copy.head() == source.log().head()
    again = load(copy, read_jsonl(_file(b"".join(lines)), key=STORE_KEY), batch=batch)
    assert (again.commits, again.known) == (0, 7)


@pytest.mark.parametrize(("after", "begin"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 4), (5, 5)])
def test_a_part_begins_with_a_whole_batch(after: int, begin: int) -> None:
    source, query = MemoryStore().log(), Query.of(tags=["account:a"])

    def decided(id: str, after: int, tag: str = "account:a") -> Draft:
        return draft([encoded("Moved", b"{}", (tag,))], id=id, time=DAY, condition=Condition(query, after))

    append(source, decided("first", 0))
    append(source, decided("a", 1), decided("between", 1, "account:b"), decided("b", 1))
    append(source, decided("other", 4, "account:b"))
    append(source, decided("last", 5))
    part = b"".join(own_lines(source, after=after))
    assert b'"id":"first"' in part or begin
    for before in {begin, after} - {2, 3}:  # no log ends in the middle of a batch
        copy = MemoryStore().log()
        load(copy, read_jsonl(_file(b"".join(own_lines(source, upto=before))), key=STORE_KEY))
        assert load(copy, read_jsonl(_file(part), key=STORE_KEY)).commits == 6 - before
        assert copy.head() == source.head()


def test_data_stands_in_its_line_readably(bank: Log) -> None:
    lines = list(own_lines(bank))
    assert lines[0].startswith(b'{"backstory":1,"upto":6,"hash":"')
    assert b'"events":[{"type":"Deposited","tags":["account:a-7"],"data":{"cents": 1}}]' in lines[1]


def test_a_line_that_was_edited_or_reformatted_is_found(bank: Log, log: Log, rejects: Skipped) -> None:
    lines = list(own_lines(bank))
    edited = [lines[0], lines[1].replace(b'{"cents": 1}', b'{"cents":1}'), *lines[2:]]
    copy = MemoryStore().log()
    with pytest.raises(SourceError, match="source:2: commit c1 differs from the exported one"):
        load(copy, read_jsonl(_file(b"".join(edited)), key=STORE_KEY))
    assert copy.head().position == 0


def test_a_file_that_was_cut_off_is_found(bank: Log, rejects: Skipped) -> None:
    lines = list(own_lines(bank))
    copy = MemoryStore().log()
    load(copy, read_jsonl(_file(b"".join(lines[:-1])), key=STORE_KEY), on_reject=rejects.append)
    assert reasons(rejects) == [(3, "the file ends at position 3, its header promises 6: it was cut off")]
    load(copy, read_jsonl(_file(b"".join(lines)), key=STORE_KEY))
    assert copy.head() == bank.head()
    rejects.clear()
    load(copy, read_jsonl(_file(b"".join(lines)[:-9]), key=STORE_KEY), on_reject=rejects.append)
    assert [line for line, _ in reasons(rejects)] == [4, 4]


def test_a_commit_that_the_log_refuses_is_a_reject(bank: Log, rejects: Skipped) -> None:
    other = MemoryStore().log()
    append(other, draft([encoded("Deposited", b"{}")], id="c1", time=DAY))
    append(
        bank,
        draft([encoded("Closed", b"{}")], id="c4", time=DAY, condition=Condition(Query.of(["Closed"]), 6)),
    )
    report = load(
        other, read_jsonl(_file(b"".join(own_lines(bank))), key=STORE_KEY), on_reject=rejects.append
    )
    assert (report.commits, report.skipped) == (3, 1)
    [(line, why)] = reasons(rejects)
    assert (line, "was used for other content" in why) == (2, True)


def test_lines_written_by_hand_need_little(file: Source, log: Log) -> None:
    text = '{"events":[{"type":"Noted"}]}\n\n{"events":[{"type":"Noted"}],"id":"x","time":"2026-11-01T10:00:00"}\n'
    assert load(log, read_jsonl(file(text), clock=lambda: DAY, key=STORE_KEY)).commits == 2
    assert load(log, read_jsonl(file(text), key=STORE_KEY)) == LoadReport(known=2)
    first, second = log.commits()
    assert (first.time, second.id, second.authored) == (DAY, "x", datetime(2026, 11, 1, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"events":', "the object does not end in this line"),
        (r'{"events":[{"type":"A","data":{"x":"\ud800"}}]}', "invalid utf-16 surrogate pair"),
        (r'{"events":[{"type":"\udc00"}]}', "invalid utf-16 surrogate pair"),
        (r'{"events":[{"type":"\ud800', "the object does not end in this line"),
        ("5", "Expected `object`"),
        ('{"id":"x"}', "missing required field `events`"),
        ('{"events":[]}', "at least one event"),
        ('{"events":[{"type":""}]}', "needs a type"),
        ('{"events":[{"type":"A","data":[1]}]}', "not a JSON object"),
        ('{"events":[{"type":"A","data":"[1]"}]}', "not a JSON object"),
        ('{"events":[{"type":"A","data":""}]}', "an event without data"),
        ('{"events":[{"type":"A","tags":["x"]}]}', "a tag is key:value"),
        ('{"events":[{"type":"A"}],"metadata":[]}', "metadata is not a JSON object"),
        ('{"backstory":2,"new":1}', "the file has format 2"),
        ('{"backstory":1,"new":1}', "unknown field `new`"),
        ('{"events":[{"type":"A"}],"user":"ann"}', "unknown field `user`"),
        ('{"events":[{"type":"A","tag":["a:1"]}]}', "unknown field `tag` - at `$.events[0]`"),
        ('{"events":[{"type":"A"}],"condition":{"query":[],"upto":1}}', "unknown field `upto`"),
        ('{"events":[{"type":"A"}],"condition":{"query":[{"type":["A"]}]}}', "unknown field `type`"),
        ('{"events":[{"type":"A"}],"condition":{"query":[{"tags":["x"]}]}}', "a tag is key:value"),
        ('{"specversion":"0.3","type":"A","source":"s","id":"1"}', "only 1.0 is known"),
        ('{"specversion":"1.0","type":"A","source":"s"}', "missing required field `id`"),
        ('{"specversion":"1.0","type":"A","source":"s","id":""}', "has a source and an id"),
        ('{"specversion":"1.0","type":"A","source":"s","id":"1","time":"soon"}', "Invalid RFC3339"),
    ],
)
def test_a_line_that_cannot_be_read_is_rejected_and_the_next_comes_in(
    file: Source, log: Log, rejects: Skipped, line: str, why: str
) -> None:
    report = load(
        log, read_jsonl(file(line + '\n{"events":[{"type":"A"}]}'), key=STORE_KEY), on_reject=rejects.append
    )
    assert (report.commits, report.skipped) == (1, 1)
    assert rejects[0].error.line == 1
    assert why in rejects[0].error.why
    assert rejects[0].raw == line


@pytest.mark.parametrize("before", ["", "\n \n", "\ufeff"])
@pytest.mark.parametrize("indent", [1, 2])
def test_an_object_over_several_lines_is_told_what_it_is(
    file: Source, log: Log, rejects: Skipped, indent: int, before: str
) -> None:
    pretty = msgspec.json.format('{"events":[{"type":"A"}]}', indent=indent)
    load(log, read_jsonl(file(before + pretty + pretty), key=STORE_KEY), on_reject=rejects.append)
    [(line, why)] = reasons(rejects)
    assert (log.head().position, line) == (0, before.count("\n") + 1)
    assert why.startswith(
        "this is an object over several lines, and none of it was read. JSON Lines have one object"
    )


def test_a_line_that_ends_inside_of_its_object_says_so(file: Source, log: Log, rejects: Skipped) -> None:
    text = '{"events":\n[{"type":"A"}]}\n{"events":[{"type":"B"}]}\n{\n'
    load(log, read_jsonl(file(text), key=STORE_KEY), on_reject=rejects.append)
    assert [event.type for event in log.read()] == ["B"]
    assert [line for line, _ in reasons(rejects)] == [1, 2, 4]
    assert (
        "the object does not end in this line. JSON Lines have one object to a line" in rejects[0].error.why
    )


@pytest.mark.parametrize("before", ["", "\n\n", "\ufeff"])
def test_an_array_over_several_lines_is_read(file: Source, log: Log, rejects: Skipped, before: str) -> None:
    text = f'{before}[\n  {{"events": [\n    {{"type": "A"}}]}},\n  5]\n'
    load(log, read_jsonl(file(text), key=STORE_KEY), on_reject=rejects.append)
    assert [event.type for event in log.read()] == ["A"]
    assert [line for line, _ in reasons(rejects)] == [before.count("\n") + 4]


CLOUD = {
    "specversion": "1.0",
    "type": "com.example.placed",
    "source": "/orders",
    "id": "A-1",
    "subject": "order/7",
    "time": "2026-11-01T10:00:00Z",
    "datacontenttype": "application/json",
    "traceparent": "00-x",
    "data": {"total": 1.50},
}


def cloud(**changes: Any) -> str:
    """A CloudEvent as a line."""
    return msgspec.json.encode({**CLOUD, **changes}).decode()


def test_a_cloudevent_keeps_what_it_says(file: Source, log: Log) -> None:
    load(log, read_jsonl(file(cloud()), key=STORE_KEY))
    [commit], [event] = log.commits(), log.read()
    assert (event.type, event.tags, event.data) == (
        "com.example.placed",
        ("subject:order/7",),
        b'{"total":1.5}',
    )
    assert commit.authored == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert commit.metadata == {
        "source": "/orders",
        "id": "A-1",
        "subject": "order/7",
        "datacontenttype": "application/json",
        "traceparent": "00-x",
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data_base64": "AAA="}, "data or data_base64, and not both"),
        ({"data": None, "data_base64": "!!"}, "data_base64 is not base64"),
        ({"data": None, "data_base64": "AAA"}, "data_base64 is not base64"),
    ],
)
def test_a_cloudevent_whose_data_could_be_two_things_or_nothing_is_rejected(
    file: Source, log: Log, rejects: Skipped, changes: dict[str, Any], why: str
) -> None:
    load(log, read_jsonl(file(cloud(**changes)), key=STORE_KEY), on_reject=rejects.append)
    [(line, said)] = reasons(rejects)
    assert (line, why in said) == (1, True), said


def test_an_import_counts_none_of_what_another_one_brought_in_meanwhile(file: Source) -> None:
    store = MemoryStore()
    text = "".join(f"{cloud(id=str(number))}\n" for number in range(6))

    class Overtaken:
        """A log that another import of the same file writes to first."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store.log(), name)

        def append(self, batches: Any) -> Any:
            load(store.log(), read_jsonl(file(text), key=STORE_KEY))
            return store.log().append(batches)

    log: Any = Overtaken()
    report = load(log, read_jsonl(file(text), key=STORE_KEY))
    assert (report.commits, report.events, report.known) == (0, 0, 6)
    assert store.log().head().position == 6


EXTENSIONS = st.dictionaries(
    st.from_regex(r"ext[a-z0-9]{0,5}", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)
    | st.integers(-(2**31), 2**31 - 1)
    | st.booleans(),
    max_size=3,
)
WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)


@st.composite
def foreign(draw: st.DrawFn) -> dict[str, Any]:
    """An event of another program."""
    optional = {
        "subject": WORD,
        "datacontenttype": st.sampled_from(["application/json", "text/plain"]),
        "dataschema": st.just("urn:schema"),
        **draw(
            st.sampled_from(
                [
                    {"data": VALUES | st.floats(allow_nan=False, allow_infinity=False)},
                    {"data_base64": st.just("AAE=")},
                    {},
                ]
            )
        ),
    }
    event = draw(st.fixed_dictionaries({"id": WORD, "source": WORD, "type": WORD}, optional=optional))
    time = draw(st.datetimes(datetime(2000, 1, 1), datetime(2026, 1, 1))).isoformat() + "Z"  # noqa: DTZ001
    return {"specversion": "1.0", "time": time, **event, **draw(EXTENSIONS)}


@settings(max_examples=60)
@given(st.lists(foreign(), max_size=4, unique_by=lambda event: (event["source"], event["id"])), st.booleans())
def test_cloudevents_go_out_as_they_came_in(events: list[dict[str, Any]], pretty: bool) -> None:
    first, second = MemoryStore().log(), MemoryStore().log()
    batch = msgspec.json.encode(events)
    content = (
        msgspec.json.format(batch)
        if pretty
        else b"".join(msgspec.json.encode(event) + b"\n" for event in events)
    )
    assert load(first, read_jsonl(_file(content), key=STORE_KEY)).commits == len(events)
    lines = list(cloudevent_lines(first, source="urn:here"))
    came_in = [{name: value for name, value in event.items() if value is not None} for event in events]
    assert list(map(_timed, map(msgspec.json.decode, lines))) == list(map(_timed, came_in))
    assert load(first, read_jsonl(_file(b"".join(lines)), key=STORE_KEY)) == LoadReport(known=len(events))
    load(second, read_jsonl(_file(b"".join(lines)), key=STORE_KEY))
    assert list(cloudevent_lines(second)) == lines


def _timed(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "time": datetime.fromisoformat(event["time"])}


def test_what_another_store_exported_goes_out_of_this_one_with_its_id_and_its_tags(
    bank: Log, log: Log
) -> None:
    store = MemoryStore().log()
    lines = list(cloudevent_lines(bank, source="urn:bank"))
    load(store, read_jsonl(_file(b"".join(lines)), key=STORE_KEY))
    again = list(map(msgspec.json.decode, cloudevent_lines(store, source="urn:other")))
    assert again == list(map(msgspec.json.decode, lines))


def test_a_cloudevent_whose_metadata_is_withheld_goes_out_as_one_of_this_store(file: Source) -> None:
    store = MemoryStore()
    load(store.log(), read_jsonl(file(cloud()), key=STORE_KEY))
    write(store, Withhold(0, next(store.log().commits()).id, (METADATA,)))
    [line] = map(msgspec.json.decode, cloudevent_lines(store.log(), source="urn:here"))
    assert (line["source"], line["data"]) == ("urn:here", {"total": 1.5})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"data": 5}, {"value": 5}),
        ({"data": "text"}, {"value": "text"}),
        ({"data": None}, {}),
        ({"data_base64": "AAE=", "data": None}, {"base64": "AAE="}),
    ],
)
def test_data_that_is_no_object_is_wrapped(
    file: Source, log: Log, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    load(log, read_jsonl(file(cloud(**changes)), key=STORE_KEY))
    assert data(log.read()) == [expected]


def test_an_attribute_that_is_null_counts_as_absent(file: Source, log: Log) -> None:
    absent = dict.fromkeys(("subject", "datacontenttype", "time", "traceparent", "backstorytags", "data"))
    load(log, read_jsonl(file(cloud(**absent)), clock=lambda: DAY, key=STORE_KEY))
    [commit], [event] = log.commits(), log.read()
    assert (event.tags, event.data, commit.authored) == ((), b"{}", DAY)
    assert commit.metadata == {"source": "/orders", "id": "A-1", "data": "none"}


def test_source_and_id_make_a_cloudevent_known(file: Source, log: Log) -> None:
    load(log, read_jsonl(file(cloud()), key=STORE_KEY))
    assert load(log, read_jsonl(file(cloud() + "\n" + cloud(id="A-2")), key=STORE_KEY)) == LoadReport(
        commits=1, events=1, known=1
    )


def test_a_batch_is_an_array(file: Source, log: Log, rejects: Skipped) -> None:
    text = f"[\n{cloud(id='1')},\n{cloud(id='2')},\n5]"
    load(log, read_jsonl(file(text), key=STORE_KEY), on_reject=rejects.append)
    assert log.head().position == 2
    assert [line for line, _ in reasons(rejects)] == [4]
    with pytest.raises(SourceError, match="not a JSON array"):
        load(log, read_jsonl(file("[1"), key=STORE_KEY))


def test_kinds_of_lines_may_be_mixed_and_a_byte_order_mark_is_no_harm(file: Source, log: Log) -> None:
    load(log, read_jsonl(file("\ufeff" + cloud() + "\r\n" + '{"events":[{"type":"A"}]}\r\n'), key=STORE_KEY))
    assert [event.type for event in log.read()] == ["com.example.placed", "A"]
