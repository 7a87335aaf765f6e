"""`backstory ui`: the history browser, for the person at this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.author import author
from backstory.cli.parse.serving import port, serving_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.web.reader import Right

EXAMPLES = """\
backstory ui --no-open --for 1
backstory ui --app bank --port 8765 --no-open --for 1
"""

TEXT = """\
Serves the pages on this machine alone (127.0.0.1), until Ctrl-C, and opens them in a browser. The first address that it
prints holds a token that works once, and gives that browser the right to read. The pages are read-only unless --append
or --operate is said. It needs the extra web: pip install 'backstory[web]'"""


def arguments(parser: ArgumentParser) -> None:
    """Where to serve, and what the reader may do."""
    parser.add_argument("--no-open", action="store_true", help="print the address, and open no browser")
    parser.add_argument(
        "--append", action="store_true", help="the reader may also make commits, branches and marks"
    )
    parser.add_argument("--operate", action="store_true", help="the reader may also look after read models")
    serving_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Serve the pages until somebody ends it."""
    from backstory.web.serving import Here, serve

    rights: set[Right] = {"read"}
    rights |= {"append"} if arguments.append else set()
    rights |= {"operate"} if arguments.operate else set()
    here = Here(author(arguments), frozenset(rights), port(arguments))
    application = session.application if session.has_application else None

    def told(address: str) -> None:
        if out.json:
            out.document("ui", address=address)
        else:
            out.say(f"backstory: {address}")
        out.flush()
        if not arguments.no_open:
            import webbrowser

            webbrowser.open(address)

    serve(session.database, application, here, session.address, told, arguments.seconds)
    return 0
