"""`backstory stats`: how much history there is, since when, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli import place

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.output import Output

EXAMPLES = """\
backstory stats
backstory stats --json
"""


def arguments(parser: ArgumentParser) -> None:
    """Takes no options of its own."""


def run(arguments: Namespace, out: Output) -> int:
    """Count, and print the counts."""
    with place.opened(arguments) as store:
        head = store.log().head()
    if out.json:
        out.document("stats", events=head.position)
    else:
        out.line(f"events  {head.position}")
    return 0
