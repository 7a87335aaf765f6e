"""`backstory types`: the types of events, and their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backstory.cli.show import table
from backstory.history.ask import summary
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory types
backstory types --ndjson
"""


def arguments(parser: ArgumentParser) -> None:
    """The form of the output."""
    parser.add_argument(
        "--ndjson", action="store_true", help="print a JSON document for each type, on one line"
    )


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Count and list."""
    log = session.log
    with out.progress("counting", log.head().position) as tick:
        found = summary.types(log, tick)
    if out.json or out.ndjson:
        out.records("type", map(msgspec.structs.asdict, found), plural="types")
        return 0
    out.page()
    rows = [
        (plain(count.type), str(count.version), f"{count.events:,}", f"#{count.first}", f"#{count.last}")
        for count in found
    ]
    table.write(out, ("type", "version", "events", "first", "last"), rows, right="version events first last")
    return 0
