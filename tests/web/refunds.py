"""The story of the example `refunds`, in a file, as the pages and the command line read it."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from backstory import Database, connect
from backstory.application import Application, load
from backstory.cli import main
from backstory.values.commit import Commit
from examples.refunds.story import ORDER, fill

NOW = datetime(2026, 9, 29, 14, 30, tzinfo=UTC)

WRONG = "refunded_cents > paid_cents"
"""What is true of an order that was paid back twice."""


@cache
def _told() -> tuple[TemporaryDirectory[str], Path, Database]:
    folder = TemporaryDirectory()
    path = Path(folder.name) / "refunds.db"
    fill(str(path), NOW)
    return folder, path, connect(path, create=False, clock=lambda: NOW)


def story() -> tuple[Database, Application]:
    """The database, which nobody changes, and the application."""
    return _told()[2], load("examples.refunds", Path.cwd())


def wrong() -> Commit:
    """The commit that paid order o-1042 back a second time."""
    found = story()[0].bisect(ORDER, WRONG).first
    assert found is not None
    return found.commit


def json_of(*words: str) -> Any:
    """The document of the command line."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(["-s", str(_told()[1]), *words, "--app", "examples.refunds", "--json"])
    return msgspec.json.decode(out.getvalue())


def words_of(html: str) -> str:
    """The words of the content of a page, each space a single one."""
    import re
    from html import unescape

    inside = html.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    inside = re.sub(
        r"<(h\d|p|li|td|th|dt|dd|header|span|figure|svg|text|a|div|pre|option)\b[^>]*>", " ", inside
    )
    return " ".join(unescape(re.sub(r"<[^>]*>", "", inside)).split())
