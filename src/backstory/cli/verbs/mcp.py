"""`backstory mcp`: an MCP server, by which an assistant reads the history and asks it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backstory.cli.exits import FINE, UsageError
from backstory.cli.parse.author import author
from backstory.cli.parse.serving import port, serving_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory mcp --app bank --for 1 < /dev/null
backstory mcp --http --port 8766 --for 1
backstory mcp --http --tag 'account:*' --hide owner --for 1
"""

TEXT = """\
Serves the Model Context Protocol: over standard input and output to the assistant that was told to run this command,
or with --http to programs on this machine (127.0.0.1), which need the token that it prints. An assistant reads, asks
and tries. It appends nothing unless --allow-writes is said, and then by commands of the application alone, under a name
that says so. Values that are marked as personal or secret are masked. An answer has at most 20 kB, and comes within
0.1 s, unless more is asked for. docs/guide/assistants.md says how to add it to an assistant. It needs the extra mcp:
pip install 'backstory[mcp]'"""


def arguments(parser: ArgumentParser) -> None:
    """The transport, and what the assistant may see and do."""
    parser.add_argument(
        "--http",
        action="store_true",
        help="serve over HTTP on this machine; default: standard input and output",
    )
    parser.add_argument(
        "--allow-writes", action="store_true", help="the assistant may execute commands of the application"
    )
    parser.add_argument(
        "--tag",
        action="append",
        metavar="KEY:VALUE",
        help="show only events with this tag, or with KEY:* of this key; repeat for more",
    )
    parser.add_argument(
        "--type", action="append", metavar="TYPE", help="show only events of this type; repeat for more"
    )
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        metavar="FIELD",
        help="withhold this field, as email or Order.email; repeatable",
    )
    serving_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Serve until the client hangs up, or somebody ends it."""
    from backstory.mcp import Served, run, run_http
    from backstory.scope import Scope

    number = port(arguments)
    if number and not arguments.http:
        raise UsageError("--port goes with --http")
    if out.json and not arguments.http:
        raise UsageError("--json goes with --http: over standard output goes the protocol alone")
    tags, types = (None if given is None else tuple(given) for given in (arguments.tag, arguments.type))
    known = session.has_application
    served = Served(
        session.database,
        session.application if known else None,
        folder=session.application_folder if known else Path(session.folder),
        scope=Scope(tags, types, tuple(arguments.hide)),
        personal=arguments.personal,
        writes_as=f"assistant (mcp) for {author(arguments) or 'somebody'}" if arguments.allow_writes else "",
        settings=session.table("check") if known else None,
    )
    if not arguments.http:
        run(served, arguments.seconds)
        return FINE

    def told(address: str, token: str) -> None:
        if out.json:
            out.document("mcp", address=address, token=token)
        else:
            out.line(f"{address}\nAuthorization: Bearer {token}")
        out.flush()

    run_http(served, told, port=number, seconds=arguments.seconds)
    return FINE
