"""`backstory stats`: how much history there is, since when, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.show.text import count
from backstory.cli.show.times import human
from backstory.history.ask import summary
from backstory.refs import STORE_ID
from backstory.stores import shown
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.history.ask.summary import Stats
    from backstory.session import Session
    from backstory.values.commit import Head

EXAMPLES = """\
backstory stats
backstory stats --json
"""

AUTHORS = 5
"""Authors that are named."""


def arguments(parser: ArgumentParser) -> None:
    """Takes no options of its own."""


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Count, and print the counts."""
    address = session.address
    log = session.log
    head = log.head()
    with out.progress("counting", head.position) as tick:
        stats = summary.stats(log, tick)
    size, id = bytes_of(address), session.store.refs.get(STORE_ID)
    if out.json:
        out.document(
            "stats",
            store=shown(address),
            id=id,
            bytes=size,
            head=head.hash.hex(),
            position=head.position,
            **msgspec.structs.asdict(stats),
        )
    else:
        out.lines(f"{name:9}{text}" for name, text in rows(plain(shown(address)), size, head, stats))
    return 0


def rows(address: str, size: int | None, head: Head, stats: Stats) -> Iterator[tuple[str, str]]:
    """The printed lines: a name and a text each."""
    yield "store", address if size is None else f"{address} ({amount(size)})"
    yield "commits", f"{stats.commits:,}"
    yield "events", f"{stats.events:,} of {count(stats.types, 'type')}"
    yield "tags", f"{stats.tags:,}"
    if stats.since is not None and stats.until is not None:
        yield "from", human(stats.since)
        yield "to", human(stats.until)
    yield "authors", f"{len(stats.authors):,}"
    for author, commits in list(stats.authors.items())[:AUTHORS]:
        yield "", f"{commits:>8,}  {plain(author)}"
    if stats.unsigned:
        yield "unsigned", count(stats.unsigned, "commit")
    yield "head", head.hash.hex()


def bytes_of(address: str) -> int | None:
    """The size of a store that is a file, with the files of SQLite beside it; None for any other."""
    path = address.removeprefix("sqlite:///")
    files = [Path(path + suffix) for suffix in ("", "-wal")]
    return sum(file.stat().st_size for file in files if file.is_file()) if files[0].is_file() else None


def amount(size: int) -> str:
    """A size in the unit that people would choose."""
    if size < 1_000_000:
        return f"{size / 1000:,.1f} kB"
    return f"{size / 1_000_000:,.1f} MB"
