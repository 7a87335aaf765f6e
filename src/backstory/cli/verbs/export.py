"""`backstory export`: write history as JSON Lines or CloudEvents."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO, TYPE_CHECKING

from backstory import outfile
from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.cli.parse.parser import application_options
from backstory.cli.show.bar import Bar
from backstory.values.query import Query

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log

EXAMPLES = """\
backstory export
backstory export -o history.jsonl.gz
backstory export --after 3 -o news.jsonl
backstory export --format cloudevents --type Deposited --tag account:a-7
"""

TEXT = """\
Backstory's own format is the whole truth: imported into an empty store, it gives the same commits with the same hashes;
a part from --after on continues a store that ends there. It masks nothing. CloudEvents 1.0 are for other programs: in
them, values that the application marks as personal or secret are masked."""


def arguments(parser: ArgumentParser) -> None:
    """The file, the format, and the events."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to a file, gzipped if its name ends in .gz (default: standard output)",
    )
    parser.add_argument(
        "--format",
        choices=("backstory", "cloudevents"),
        default="backstory",
        help="one commit or one event a line",
    )
    parser.add_argument(
        "--after", type=int, default=0, metavar="POSITION", help="only commits after this position"
    )
    parser.add_argument("--upto", type=int, metavar="POSITION", help="only commits up to this position")
    parser.add_argument(
        "--type",
        action="append",
        default=[],
        metavar="TYPE",
        help="cloudevents: only this type; repeat it for any of several types",
    )
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="KEY:VALUE",
        help="cloudevents: only with this tag; repeat it for all of several tags",
    )
    parser.add_argument(
        "--source",
        metavar="URI",
        help="cloudevents: their source (default: backstory); those that came in keep their own",
    )
    application_options(parser)


def shows_data(arguments: Namespace) -> bool:
    """Whether it is for reading: Backstory's own format keeps history as it is."""
    return bool(arguments.format != "backstory")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Write the lines, and their number if they went into a file."""
    if arguments.format == "backstory" and (arguments.type or arguments.tag or arguments.source):
        raise UsageError(
            "--type, --tag and --source go with --format cloudevents: a commit is exported whole"
        )
    if out.json and arguments.output is None:
        raise UsageError("--json reports on an export with -o FILE; the export itself is JSON Lines")
    if arguments.output is not None:
        files.check_output(arguments.output, session.address)
    count = 0
    with Bar("export") as bar, target(arguments.output) as file:
        for line in lines(arguments, session.log, bar):
            file.write(line)
            count += 1
    if out.json:
        out.document("export", file=arguments.output, format=arguments.format, lines=count)
    elif arguments.output is not None:
        out.say(f"wrote {count:,} lines to {arguments.output}")
    return 0


def lines(arguments: Namespace, log: Log, bar: Bar) -> Iterator[bytes]:
    """The lines to write."""
    from backstory.transfer.export import cloudevent_lines, own_lines

    if arguments.format == "backstory":
        return own_lines(log, after=arguments.after, upto=arguments.upto, progress=bar)
    return cloudevent_lines(
        log,
        source=arguments.source or "backstory",
        query=Query.of(arguments.type, arguments.tag),
        after=arguments.after,
        upto=arguments.upto,
        progress=bar,
    )


def target(name: str | None) -> AbstractContextManager[IO[bytes]]:
    """Standard output, or a file."""
    return nullcontext(sys.stdout.buffer) if name is None else outfile.written(name)
