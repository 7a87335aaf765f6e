"""Text of the store is only ever text, whatever it says and wherever a page shows it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from backstory import Database, connect
from backstory.errors import BackstoryError
from backstory.store import append
from backstory.values.commit import Draft, draft
from backstory.values.event_data import EventData, encoded
from backstory.values.ids import new_id
from backstory.web import pages
from examples.refunds.account import Account
from examples.refunds.events import Line
from examples.refunds.order import Order, add_note, place_order
from tests.web.crawl import crawled
from tests.web.html import faults, parsed
from tests.web.story import READERS, client_of

FOLLOWED = 100

HOSTILE = (
    "<x-planted>",
    "</script><x-planted src=x onerror=alert(1)>",
    '"><x-planted onclick="alert(1)" x=\'',
    "' onmouseover='alert(1)' y='",
    "<!--<x-planted>",
    "]]><x-planted>",
    "</textarea></title></style><x-planted>",
    "javascript:alert(1)",
    "//evil.example/x",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7}#{7*7}",
    "&lt;x-planted&gt;&amp;&#60;",
    "\u202ereversed\u202c \u2066isolated",
    "zero\u200bwidth\u200djoined\ufeff",
    "bell\x07 escape\x1b[31m back\x08 nul\x00 delete\x7f next\x85",
    "line\nbreak\r\n and \u2028 too",
    "שלום עולם مرحبا بالعالم",
    "e" + "\u0301" * 60,
    "👩‍👩‍👧‍👦🏳️‍🌈 \U0001d573",
    "\ufffe\uffff\ufdd0",
    "a/b?c=d&e#f%2F%00..",
    "../../etc/passwd",
    "x" * 3_000,
    "word " * 800,
)
"""Texts that are no harm as long as they are text."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, int]]:
    """A store with each of these texts in each place that takes it, and how often one was taken."""
    taken = 0
    with warnings.catch_warnings(), connect(tmp_path_factory.mktemp("hostile") / "hostile.db") as db:
        warnings.simplefilter("ignore")
        for number, text in enumerate(HOSTILE):
            order, lines = Order(text[:200]), {text: Line(1, number + 1)}
            placed = place_order(order, Account(text[:200]), lines, text, text)
            ways: list[dict[str, Any]] = [
                {"author": text},
                {"message": text},
                {"metadata": {"note": text, "key " + text[:50]: 1}},
            ]
            for said in ways:
                with suppress(BackstoryError):
                    db.execute(add_note(Order(f"o-{number}"), text), **said)
                    taken += 1
            with suppress(BackstoryError):
                db.execute(placed)
                db.execute(add_note(order, text))
                taken += 1
            for type, tags, data in (
                (text[:200], [], b"{}"),
                ("Odd", [f"order:{text[:200]}"], b"{}"),
                ("Odd", [f"{text[:50]}:x"], b"{}"),
                ("Odd", [text[:200]], b"{}"),
            ):
                with suppress(BackstoryError, ValueError):
                    append(db.log, drafted(encoded(type, data, tuple(tags))))
                    taken += 1
            with suppress(BackstoryError):
                db.branch(text[:100])
                taken += 1
            with suppress(BackstoryError):
                db.mark(text[:100], message=text, author=text)
                taken += 1
            with suppress(BackstoryError):
                db.mark(f"mark-{number}", message=text, author=text)
                taken += 1
        yield db, taken


def drafted(event: EventData) -> Draft:
    """A commit of an event that no class describes."""
    return draft([event], id=new_id(), time=datetime.now(UTC))


def test_the_texts_are_in_the_store(hostile: tuple[Database, int]) -> None:
    assert hostile[1] > 5 * len(HOSTILE)


def test_no_text_of_the_store_is_anything_but_text(hostile: tuple[Database, int], long: bool) -> None:
    db, _ = hostile
    client = client_of(db, READERS["does all"])
    addresses = ["/log", "/log?patch=1", *(f"/{part}" for part in pages.PAGES)]
    shown = 0
    for address, source, answer in crawled(client, addresses, None if long else FOLLOWED):
        assert answer.status_code < 500, (address, source, answer.text)
        if answer.status_code == 303 or not answer.headers["content-type"].startswith("text/html"):
            continue
        assert faults(answer.text) == [], address
        tags = {element.tag for element in parsed(answer.text).iter()}
        assert "x-planted" not in tags, address
        assert not re.search("(?:href|src|action)=[\"']?(?:javascript|//)", answer.text), address
        shown += "x-planted" in answer.text
    assert shown > 5
