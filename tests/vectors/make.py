"""Write the test vectors of docs/design/format.md: `python -m tests.vectors.make`, from the checkout.

The vectors are for other languages, and change only with the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from backstory.values.commit import (
    AUTHOR,
    COMMAND,
    DATA,
    MESSAGE,
    METADATA,
    ORIGIN,
    QUERY,
    Draft,
    Head,
    chained,
    draft,
    micros,
    parts,
    withheld,
)
from backstory.values.event_data import EventData, encoded
from backstory.values.hashes import leaf_hash, merkle_root
from backstory.values.query import Condition, Query, to_json
from backstory.values.salts import Opening, Withheld, digests, openings

PATH = Path(__file__).parents[2] / "docs" / "design" / "format-vectors.json"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)

EVENTS = {
    "no tags, empty data": encoded("Opened", b"{}"),
    "one tag": encoded("Deposited", b'{"account":"a-7","cents":500}', ("account:a-7",)),
    "several tags, sorted by code point": encoded(
        "Moved", b'{"n":1}', ("to:b", "from:a", "To:b", "from:\u00e4")
    ),
    "unicode": encoded("Größe 𝄞", '{"text":"é 𝄞 \u2028"}'.encode(), ("stra\u00dfe:e\u0301", "quote:\"'\\")),
    "spaces in the data are kept": encoded("Noted", b' { "a" : 1.0 } '),
    "a high version": encoded("Noted", b"{}", version=2**40 + 3),
}

QUERIES = {
    "every event": Query.all(),
    "no event": Query.none(),
    "types and tags": Query.of(["B", "A"], ["y:2", "x:1"]),
    "clauses": Query.of(["A"], ["x:1"]) | Query.of(["B"]) | Query.of(tags=["y:2"]),
    "escapes": Query.of(['q"\\/'], ["k:\u00e9\u2028\x7f\x01\b\t\n\f\r<&𝄞"]),
}


def secret(name: str) -> bytes:
    """A secret that is the same each time."""
    return sha256(name.encode()).digest()[:16]


def said(id: str, events: Iterable[EventData], time: datetime = START, **more: Any) -> Draft:
    """A draft whose secret follows from its id."""
    return draft(events, id=id, time=time, secret=secret(id), **more)


def drafts() -> list[Draft]:
    """Drafts with everything that a commit may have, whole and with parts withheld."""
    some = list(EVENTS.values())
    full: dict[str, Any] = {
        "condition": Condition(QUERIES["clauses"], 1),
        "author": "Ann <ann@example.org>",
        "message": "line one\n\nline two \u2028 𝄞",
        "command": {"name": "pay", "arguments": {"cents": 5, "who": "é"}},
        "metadata": {"b": [1, 2.5, None], "a": {"z": True, "y": ""}},
    }
    return [
        said("first", some[:1]),
        said("é-2", some[1:4], START - timedelta(microseconds=1), **full),
        said("before 1970", some[4:], datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)),
        said("relies on all", [some[0]] * 5, condition=Condition(QUERIES["every event"], 6)),
        said("relies on nothing", [some[0]], condition=Condition(QUERIES["no event"])),
        said("escapes", [some[0]], condition=Condition(QUERIES["escapes"], 11)),
        said("metadata that is not {}", [some[0]], metadata=b"{ }"),
        withheld(said("the author is withheld", some[:2], author="ann", message="why"), {AUTHOR}),
        withheld(said("the data of an event is withheld", some[1:4], author="ann"), {DATA + 1}),
        withheld(
            said("most is withheld", some[1:4], **full),
            {MESSAGE, COMMAND, METADATA, QUERY, DATA, DATA + 2},
        ),
        withheld(said("empty parts are withheld", [some[0]]), {AUTHOR, MESSAGE, COMMAND, METADATA}),
    ]


def shown_event(event: EventData) -> dict[str, Any]:
    """An event as the vectors show it."""
    return {
        "type": event.type,
        "version": event.version,
        "tags": list(event.tags),
        "data": event.data.decode(),
    }


def shown_opening(opening: Opening) -> dict[str, str]:
    """What is known of a part."""
    return {"digest": opening.digest.hex()} if isinstance(opening, Withheld) else {"salt": opening.hex()}


def shown_draft(made: Draft) -> dict[str, Any]:
    """What a commit says, its openings and its digests; null stands for a part that is withheld."""
    condition = made.condition
    said = parts(
        made.author, made.message, made.command_json, made.metadata_json, made.condition, made.events
    )
    known, found = openings(made.secret, len(said)), digests(made.secret, said)
    texts = {
        AUTHOR: made.author,
        MESSAGE: made.message,
        COMMAND: made.command_json.decode(),
        METADATA: made.metadata_json.decode(),
        QUERY: None if condition is None else to_json(condition.query).decode(),
    }
    author, message, command, metadata, query = (
        None if isinstance(known[place], Withheld) else text for place, text in texts.items()
    )
    events = [shown_event(event) for event in made.events]
    for event, opening in zip(events, known[DATA:], strict=True):
        event["data"] = None if isinstance(opening, Withheld) else event["data"]
    return {
        "id": made.id,
        "authored": micros(made.time),
        "author": author,
        "message": message,
        "command": command,
        "metadata": metadata,
        "query": query,
        "after": None if condition is None else condition.after,
        "events": events,
        "secret": made.secret.hex(),
        "openings": [shown_opening(opening) for opening in known],
        "digests": [digest.hex() for digest in found],
        "root": merkle_root(list(map(leaf_hash, made.events, found[DATA:]))).hex(),
        "content": made.content.hex(),
    }


def commits() -> list[dict[str, Any]]:
    """A chain of these drafts."""
    head, found = ORIGIN, []
    for made in drafts():
        commit = chained(made, head)
        place = {"hash": commit.hash.hex(), "position": commit.position, "time": micros(commit.time)}
        found.append({"parent": head.hash.hex(), **shown_draft(made), **place})
        head = Head(commit.position, commit.hash, commit.time)
    return found


def leaf(what: str, event: EventData) -> dict[str, Any]:
    """An event that is the only part of its commit, and its leaf."""
    [salt], [data] = openings(secret(what), 1), digests(secret(what), [event.data])
    shown = {"what": what, **shown_event(event), **shown_opening(salt)}
    return {**shown, "digest": data.hex(), "leaf": leaf_hash(event, data).hex()}


def root(size: int) -> dict[str, Any]:
    """The root over so many leaves, each of an event that has only a number, whose digest is taken as given."""
    events = [encoded("Numbered", b'{"n":%d}' % number) for number in range(size)]
    leaves = [leaf_hash(event, sha256(event.data).digest()) for event in events]
    return {"leaves": size, "root": merkle_root(leaves).hex()}


def vectors() -> dict[str, Any]:
    """All of them."""
    return {
        "format": 1,
        "leaves": [leaf(what, event) for what, event in EVENTS.items()],
        "roots": [root(size) for size in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 70)],
        "queries": [
            {
                "what": what,
                "clauses": [
                    {"types": list(clause.types), "tags": list(clause.tags)} for clause in query.clauses
                ],
                "text": to_json(query).decode(),
            }
            for what, query in QUERIES.items()
        ],
        "commits": commits(),
    }


def text() -> str:
    """The file."""
    return json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
