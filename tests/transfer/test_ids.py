"""Ids of imported commits: the same again in one store, and they tell nothing of the data."""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations

import msgspec
import pytest

from backstory.conformance.sample import START, fact
from backstory.local import import_key
from backstory.refs import STORE
from backstory.store import Log, Store, append
from backstory.stores.memory import MemoryStore
from backstory.transfer import (
    Columns,
    LoadReport,
    clone,
    cloudevent_lines,
    load,
    own_lines,
    read_csv,
    read_jsonl,
    read_xes,
)
from backstory.transfer.ids import KeyedIds, Repeats
from backstory.transfer.source import Source as Items
from backstory.values.commit import draft
from tests.transfer.conftest import STORE_KEY, Skipped, Source, reasons

MAIL = "ann@example.org"
ROWS = f"key,at\n{MAIL},2026-11-01\nbob@example.org,2026-11-02\n"
LINES = '{"events":[{"type":"A","data":{"of":"ann@example.org"}}],"time":"2026-11-01T10:00:00Z"}\n'
CLOUD = '{"specversion":"1.0","id":"7","source":"/orders","type":"t","time":"2026-11-01T10:00:00Z"}'
XES = (
    '<log><trace><string key="concept:name" value="%s"/><event>%s<string key="concept:name" value="a"/>'
    '<date key="time:timestamp" value="2026-11-01T10:00:00Z"/></event></trace></log>'
)
CHANCE = "8a6e0804-2bd0-4672-b79d-d97027f9071a"
OF_A_NAME = "886313e1-3b8a-5372-9b90-0c9aee199e5d"


def keyed(file: Source, key: bytes) -> dict[str, Items]:
    """What has no id of its own that any store may know, in each format."""
    return {
        "csv with a key": read_csv(file(ROWS), Columns(id="key", time="at"), key=key),
        "csv with times": read_csv(file(ROWS), Columns(time="at"), key=key),
        "csv": read_csv(file(ROWS), clock=lambda: START, key=key),
        "jsonl": read_jsonl(file(LINES), key=key),
        "xes": read_xes(file(XES % (MAIL, "")), key=key),
    }


def ids(source: Items) -> list[str]:
    """The ids that a source gives."""
    log = MemoryStore().log()
    load(log, source)
    return [commit.id for commit in log.commits()]


@pytest.mark.parametrize("kind", ["csv with a key", "csv with times", "csv", "jsonl", "xes"])
def test_an_id_follows_from_the_data_and_the_key_of_the_store(file: Source, kind: str) -> None:
    [first, again, other] = [ids(keyed(file, key)[kind]) for key in (STORE_KEY, STORE_KEY, bytes([1] * 32))]
    assert first == again
    assert not {*first} & {*other}
    assert all(id.startswith(f"backstory.{kind.split(maxsplit=1)[0]}.") for id in first)


def test_no_id_is_a_plain_digest_of_what_was_imported(file: Source) -> None:
    parts = ["csv", "Row", MAIL, f'{{"key":"{MAIL}"}}']
    guesses = [list(some) for size in range(1, 5) for some in combinations(parts, size)]
    digests = [sha256(msgspec.json.encode(guess)).hexdigest()[:16] for guess in guesses]
    for source in keyed(file, STORE_KEY).values():
        for id in ids(source):
            assert MAIL not in id
            assert not any(digest in id for digest in digests)


def test_a_name_that_chance_made_stands_in_the_id_as_it_is(file: Source) -> None:
    rows = f"key\n{CHANCE.upper()}\n{OF_A_NAME}\n"
    [chance, of_a_name] = ids(read_csv(file(rows), Columns(id="key"), key=STORE_KEY))
    assert chance == f"backstory.csv.Row.{CHANCE}"
    assert OF_A_NAME not in of_a_name
    identity = '<id key="identity:id" value="%s"/>'
    assert ids(read_xes(file(XES % ("c-1", identity % CHANCE)), key=STORE_KEY)) == [f"backstory.xes.{CHANCE}"]
    [number] = ids(read_xes(file(XES % ("c-1", identity % "7")), key=STORE_KEY))
    assert number == KeyedIds("xes", STORE_KEY).of("7")


def test_a_cloudevent_has_its_source_and_its_id(file: Source) -> None:
    assert ids(read_jsonl(file(CLOUD), key=STORE_KEY)) == ["backstory.cloudevents./orders 7"]
    long = CLOUD.replace('"7"', f'"{"7" * 300}"')
    [id] = ids(read_jsonl(file(long), key=STORE_KEY))
    assert len(id) == 200


def test_what_is_imported_into_a_clone_again_is_known_by_a_name_of_its_own(file: Source) -> None:
    first, second = MemoryStore(), MemoryStore()
    rows = f"key\n{CHANCE}\n"
    for store in (first, second):
        report = [
            load(
                store.log(),
                read_csv(file(rows), Columns(id="key"), key=import_key(store), clock=lambda: START),
            ),
            load(store.log(), read_jsonl(file(CLOUD), key=import_key(store))),
        ]
        if store is first:
            clone(first, second)
    assert report == [LoadReport(known=1), LoadReport(known=1)]


@pytest.mark.parametrize("kind", ["csv with a key", "csv with times", "csv", "jsonl", "xes"])
def test_what_comes_in_twice_because_the_key_is_another_is_noticed(file: Source, kind: str) -> None:
    first, second = MemoryStore(), MemoryStore()
    once = load(first.log(), keyed(file, import_key(first))[kind])
    clone(first, second)
    assert load(first.log(), keyed(file, import_key(first))[kind]) == LoadReport(known=once.commits)
    again = load(second.log(), keyed(file, import_key(second))[kind])
    assert (again.commits, again.twin) == (once.commits, next(first.log().commits()).id)


def test_an_export_has_neither_the_key_nor_the_id_of_the_store(file: Source) -> None:
    store: Store = MemoryStore()
    for source in keyed(file, import_key(store)).values():
        load(store.log(), source)
    text = b"".join([*own_lines(store.log()), *cloudevent_lines(store.log())])
    for value in store.refs.list(STORE).values():
        assert value.encode() not in text


REFUSED = {
    '{"events":[{"type":"backstory.x"}]}': "the event type 'backstory.x' begins with",
    '{"id":"i","events":[{"type":"backstory.x"}]}': "the event type 'backstory.x' begins with",
    '{"id":"backstory.again.X","events":[{"type":"A"}]}': "the commit id 'backstory.again.X' begins with",
    '{"specversion":"1.0","id":"7","source":"s","type":"backstory.x"}': "the event type 'backstory.x' begins with",
}


@pytest.mark.parametrize("line", REFUSED)
def test_names_of_the_library_are_refused_from_others(
    file: Source, log: Log, rejects: Skipped, line: str
) -> None:
    load(log, read_jsonl(file(line), key=STORE_KEY), on_reject=rejects.append)
    [(number, why)] = reasons(rejects)
    assert number == 1
    assert REFUSED[line] in why


def test_a_table_and_a_log_of_processes_cannot_take_a_type_of_the_library(
    file: Source, log: Log, rejects: Skipped
) -> None:
    table = read_csv(file("type\nbackstory.x\n"), Columns(type="type"), key=STORE_KEY)
    processes = read_xes(file((XES % ("c", "")).replace('"a"', '"backstory.x"')), key=STORE_KEY)
    for source in (table, processes):
        load(log, source, on_reject=rejects.append)
    assert [line for line, _ in reasons(rejects)] == [2, 1]
    assert log.head().position == 0


def test_history_that_is_kept_keeps_the_names_of_the_library(file: Source, log: Log) -> None:
    first, copy = MemoryStore(), MemoryStore()
    kept = draft(
        [fact("backstory.x")], id="backstory.again.X", time=START, reserved_id=True, reserved_types=True
    )
    append(first.log(), kept)
    load(log, read_jsonl(file(b"".join(own_lines(first.log()))), key=STORE_KEY))
    clone(first, copy)
    assert log.head() == copy.log().head() == first.log().head()


def test_records_are_told_apart_among_the_last_ones_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backstory.transfer.ids.REMEMBERED", 3)
    repeats = Repeats()
    assert [repeats.count(said) for said in "aabab"] == [1, 2, 1, 3, 2]
    assert [repeats.count(said) for said in "ccca"] == [1, 2, 3, 1]
