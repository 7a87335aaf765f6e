"""`backstory guide`: how something is done, a short page for each topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory import guide

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory guide
backstory guide decide
backstory guide debug --json
"""

TEXT = """\
The pages belong to the version that is installed, and their code was run with it. They are for people and for
assistants."""


def arguments(parser: ArgumentParser) -> None:
    """The topic."""
    parser.add_argument(
        "topic", nargs="?", metavar="TOPIC", help="the page; without one the topics are listed"
    )


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Print a page, or list them."""
    if arguments.topic is None:
        found = guide.topics()
        if out.json:
            out.document(
                "topics",
                topics=[{"name": one.name, "title": one.title, "summary": one.summary} for one in found],
            )
            return 0
        width = max(len(one.name) for one in found)
        for one in found:
            out.line(f"{out.paint(one.name.ljust(width), 'bold')}  {one.title}. {one.summary}")
        return 0
    one = guide.topic(arguments.topic)
    if out.json:
        out.document("topic", **one._asdict())
        return 0
    out.page()
    out.line(one.text.rstrip("\n"))
    return 0
