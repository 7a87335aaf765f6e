"""Whatever is done to a file: each of its records is in the store or in the rejects."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from functools import partial

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from backstory.errors import SourceError
from backstory.store import Log
from backstory.stores.memory import MemoryStore
from backstory.transfer import Columns, InputFile, Rejected, load, read_csv, read_jsonl, read_xes
from backstory.transfer.formats.columns import Reading
from backstory.transfer.source import Source as Items
from tests.transfer.conftest import STORE_KEY

MARKER = re.compile(r"@\d+@")
"""What tells a record from all others. No damage is done inside of it."""

UNREAD = re.compile("not read|none of it was read")
"""The words of a reject for a whole file, or the rest of it."""

XES_EVENT = (
    '<event><string key="concept:name" value="a"/><string key="m" value="{}"/>'
    '<date key="time:timestamp" value="2026-11-0{}T10:00:00Z"/></event>\n'
)


HEADER = "what,at,m,items\n"


def table(numbers: Iterable[int]) -> str:
    """Rows."""
    return "".join(f"A,2026-11-0{number % 9 + 1},@{number}@,\"['a', {number}]\"\n" for number in numbers)


def own(numbers: Iterable[int]) -> str:
    """Lines of Backstory's own format."""
    return "".join(
        f'{{"events":[{{"type":"A","tags":["a:1"],"data":{{"m":"@{number}@"}}}}],"author":"ann"}}\n'
        for number in numbers
    )


def cloud(numbers: Iterable[int]) -> str:
    """CloudEvents."""
    return "".join(
        f'{{"specversion":"1.0","id":"@{number}@","source":"s","type":"t","time":null,"data":[1,"x"]}}\n'
        for number in numbers
    )


def processes(numbers: Iterable[int]) -> str:
    """A log of traces of two events each, and of events outside of any."""
    parts = []
    for number in numbers:
        event = XES_EVENT.format(f"@{number}@", number % 9 + 1)
        begin, end = (("", ""), ("<trace>", ""), ("", "</trace>"))[number % 3]
        parts.append(begin + event + end)
    text = "".join(parts)
    return f"<log>\n{text}{'</trace>' if text.count('<trace>') > text.count('</trace>') else ''}</log>\n"


FORMATS: dict[str, tuple[Callable[[Iterable[int]], str], Callable[[InputFile], Items], list[str]]] = {
    "csv": (
        table,
        partial(
            read_csv,
            columns=Columns(type="what", time="at", tags={"item[]": "items"}),
            reading=Reading(delimiter=","),
            key=STORE_KEY,
        ),
        ['"', ",", "\n", "\r", "[", "']", "\0", " ", "é", "=", '""'],
    ),
    "own": (
        own,
        partial(read_jsonl, key=STORE_KEY),
        ["{", "}", "\n", '"', ",", "null", "[", "\\", "x", '{"backstory":1}', "\0", "é"],
    ),
    "cloudevents": (
        cloud,
        partial(read_jsonl, key=STORE_KEY),
        ["{", "}", "\n", '"', ",", "null", "[", "\\", "\r", '"data_base64":""', "\t"],
    ),
    "xes": (
        processes,
        partial(read_xes, key=STORE_KEY),
        [
            "<event>",
            "</event>",
            "<trace>",
            "</trace>",
            "<",
            "/",
            "<list key='x'>",
            "</list>",
            "\n",
            "<values>",
            "</values>",
            "<log>",
            "</log>",
            "s",
            '"',
            "x:",
            "<container key='c'>",
            "</container>",
            "<strange/>",
        ],
    ),
}


def said(log: Log, rejects: list[Rejected]) -> str:
    """Everything that is in the store or in the rejects."""
    events = "".join(f"{event.type} {event.tags} {event.data.decode()}" for event in log.read())
    commits = "".join(
        f"{commit.author} {commit.message} {commit.metadata_json!r}" for commit in log.commits()
    )
    return events + commits + "".join(reject.raw for reject in rejects)


@settings(max_examples=250, deadline=None)
@given(st.data(), st.sampled_from(sorted(FORMATS)), st.integers(1, 6))
def test_each_record_is_in_the_store_or_in_the_rejects(data: st.DataObject, name: str, count: int) -> None:
    made, read, odd = FORMATS[name]
    head = HEADER if name == "csv" else ""  # without it, no cell is anything
    pieces = re.split(r"(@\d+@)", made(range(count)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = 2 * data.draw(st.integers(0, len(pieces) // 2))
        piece = pieces[at]
        if name == "xes":  # between elements: half an element is a text, which XES does not have
            begin = end = data.draw(st.sampled_from([found.end() for found in re.finditer(r">|$", piece)]))
        else:
            begin = data.draw(st.integers(0, len(piece)))
            end = begin + data.draw(st.integers(0, 12))
        pieces[at] = piece[:begin] + data.draw(st.sampled_from(odd)) + piece[end:]
    text = head + "".join(pieces)
    log, rejects = MemoryStore().log(), list[Rejected]()
    try:
        load(log, read(InputFile("x", io.BytesIO(text.encode()))), on_reject=rejects.append, future=True)
    except SourceError:  # of a header, without which nothing can be read
        assert log.head().position == 0
        return
    kept = said(log, rejects)
    unread = min((reject.error.line for reject in rejects if UNREAD.search(reject.error.why)), default=None)
    lines = {reject.error.line for reject in rejects}
    before = 1
    for marker in MARKER.finditer(text):
        line = len(re.findall("\r\n|\r|\n" if name == "csv" else "\n", text[: marker.start()])) + 1
        is_named = marker[0] in kept or bool(lines & set(range(before, line + 1)))
        assert is_named or (unread is not None and line >= unread), (marker[0], text, rejects)
        before = line


def test_the_rejects_of_events_in_a_wrong_place_hold_what_they_say() -> None:
    text = processes(range(2)).replace("<trace>", "<trace><trace>").replace("</trace>", "</trace></trace>")
    log, rejects = MemoryStore().log(), list[Rejected]()
    load(log, read_xes(InputFile("x", io.BytesIO(text.encode())), key=STORE_KEY), on_reject=rejects.append)
    assert [msgspec.json.decode(reject.raw)["m"] for reject in rejects] == ["@1@"]


def test_an_element_that_xes_does_not_have_is_kept() -> None:
    event = XES_EVENT.format("@1@", 1).replace(
        "</event>", '<decimal key="d" value="1"><int key="i" value="2"/></decimal></event>'
    )
    log = MemoryStore().log()
    load(log, read_xes(InputFile("x", io.BytesIO(f"<log>{event}</log>".encode())), key=STORE_KEY))
    [found] = log.read()
    assert msgspec.json.decode(found.data)["decimal"] == {"key": "d", "value": "1", "i": 2}
