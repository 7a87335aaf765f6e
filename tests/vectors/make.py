"""Write the test vectors of docs/design/format.md: `python -m tests.vectors.make`, from the checkout.

The vectors are for other languages, and change only with the format.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backstory.commit import ORIGIN, Head, chained, draft, leaf_hash, merkle_root, micros
from backstory.query import Condition, Query, to_json
from backstory.record import Encoded, encoded

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
    "no event": Query(),
    "types and tags": Query.of(["B", "A"], ["y:2", "x:1"]),
    "clauses": Query.of(["A"], ["x:1"]) | Query.of(["B"]) | Query.of(tags=["y:2"]),
    "escapes": Query.of(['q"\\/'], ["k:\u00e9\u2028\x7f\x01\b\t\n\f\r<&𝄞"]),
}


def shown_event(event: Encoded) -> dict[str, Any]:
    """An event as the vectors show it."""
    return {
        "type": event.type,
        "version": event.version,
        "tags": list(event.tags),
        "data": event.data.decode(),
    }


def leaf(number: int) -> bytes:
    """The leaf of an event that has only a number."""
    return leaf_hash(encoded("Numbered", b'{"n":%d}' % number))


def commits() -> list[dict[str, Any]]:
    """A chain of commits with everything that a commit may have."""
    some = list(EVENTS.values())
    drafts = [
        draft(some[:1], id="first", time=START),
        draft(
            some[1:4],
            id="é-2",
            time=START - timedelta(microseconds=1),
            condition=Condition(QUERIES["clauses"], 1),
            author="Ann <ann@example.org>",
            message="line one\n\nline two \u2028 𝄞",
            command={"name": "pay", "arguments": {"cents": 5, "who": "é"}},
            metadata={"b": [1, 2.5, None], "a": {"z": True, "y": ""}},
        ),
        draft(some[4:], id="before 1970", time=datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)),
        draft([some[0]] * 5, id="relies on all", time=START, condition=Condition(QUERIES["every event"], 6)),
        draft([some[0]], id="relies on nothing", time=START, condition=Condition(QUERIES["no event"])),
        draft([some[0]], id="escapes", time=START, condition=Condition(QUERIES["escapes"], 11)),
    ]
    head, found = ORIGIN, []
    for made in drafts:
        commit = chained(made, head)
        condition = commit.condition
        found.append(
            {
                "parent": head.hash.hex(),
                "id": commit.id,
                "authored": micros(commit.authored),
                "author": commit.author,
                "message": commit.message,
                "command": commit.command_json.decode(),
                "metadata": commit.metadata_json.decode(),
                "query": None if condition is None else to_json(condition.query).decode(),
                "after": None if condition is None else condition.after,
                "events": [shown_event(event) for event in made.events],
                "root": made.root.hex(),
                "content": commit.content.hex(),
                "hash": commit.hash.hex(),
                "position": commit.position,
                "time": micros(commit.time),
            }
        )
        head = Head(commit.position, commit.hash, commit.time)
    return found


def vectors() -> dict[str, Any]:
    """All of them."""
    return {
        "format": 1,
        "leaves": [
            {"what": what, **shown_event(event), "leaf": leaf_hash(event).hex()}
            for what, event in EVENTS.items()
        ],
        "roots": [
            {"leaves": size, "root": merkle_root([leaf(number) for number in range(size)]).hex()}
            for size in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 70)
        ],
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
