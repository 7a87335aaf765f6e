"""`backstory tags`: the keys of the events' tags, or the tags of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError, answer
from backstory.cli.show import table
from backstory.history.ask import summary
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log

EXAMPLES = """\
backstory tags
backstory tags --key account -n 10
backstory tags --key account --ndjson
"""


def arguments(parser: ArgumentParser) -> None:
    """The key, and the number of tags."""
    parser.add_argument("--key", metavar="KEY", help="list the tags with this key, the most used first")
    parser.add_argument("-n", "--number", type=int, metavar="N", help="the highest number of lines")
    parser.add_argument("--ndjson", action="store_true", help="print a JSON document for each, on one line")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Count and list."""
    if arguments.number is not None and arguments.number < 0:
        raise UsageError(f"-n takes a number of tags, not {arguments.number}")
    log = session.log
    if arguments.key is None:
        return keys(log, arguments.number, out)
    return tags(log, arguments.key, arguments.number, out)


def keys(log: Log, number: int | None, out: Output) -> int:
    """List the keys."""
    with out.progress("counting", log.head().position) as tick:
        found = summary.keys(log, tick)[:number]
    if out.json or out.ndjson:
        out.records("key", map(msgspec.structs.asdict, found), plural="keys")
        return 0
    out.page()
    rows = [(plain(count.key), f"{count.tags:,}", f"{count.events:,}") for count in found]
    table.write(out, ("key", "tags", "events"), rows, right="tags events")
    return 0


def tags(log: Log, key: str, number: int | None, out: Output) -> int:
    """List the tags of a key. Exit code 1 if there are none."""
    with out.progress("counting", log.head().position) as tick:
        found = summary.tags(log, key, tick)
    if out.json or out.ndjson:
        out.records("tag", map(msgspec.structs.asdict, found[:number]), plural="tags")
    elif found:
        out.page()
        rows = [
            (plain(count.tag), f"{count.events:,}", f"#{count.first}", f"#{count.last}")
            for count in found[:number]
        ]
        table.write(out, ("tag", "events", "first", "last"), rows, right="events first last")
    if not found:
        out.say(f"backstory: no tag has the key {key!r}; the keys are listed by: {pasted('tags')}")
    return answer(found)
