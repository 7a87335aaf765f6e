"""`backstory state`: the latest values of a tag, or a state of an application.

For a tag no code is needed: the result is the last value of each field, and its author.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from backstory.cli.exits import DIFFERENT, UsageError
from backstory.cli.parse.parser import application_options
from backstory.cli.show import table
from backstory.cli.show.text import count
from backstory.cli.show.times import in_log, short
from backstory.cli.show.value import shown
from backstory.decide.latest import Latest
from backstory.documents.states import latest_document, value_of
from backstory.lookup import commit_at
from backstory.texts.absent import absent
from backstory.told import cut, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.values.commit import Commit

EXAMPLES = """\
backstory state account:a-7
backstory state account:a-7 --at '#2'
backstory state account:a-7 --json
backstory state Account a-7 --at main~3
"""

TEXT = """\
Every field of the events that have the tag, with its last value and the event that gave it. A value is shown as
text if that cannot be mistaken for another value, and else as JSON. Exit code 1: nothing is known about the tag.
Without a colon, the first word names a state of the application, and the words after it are its identity.

A time is the one at which a commit was decided. `in log` is the log's own, by which @{time} goes, where it is later."""


def arguments(parser: ArgumentParser) -> None:
    """The tag or state, and the revision."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="KEY:VALUE|STATE",
        help="the tag, such as account:a-7, or the state and its identity",
    )
    parser.add_argument("--at", metavar="REVISION", help="as it was then: '#12', a commit's id or hash, HEAD")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Fold and show."""
    if ":" not in arguments.words[0]:
        from backstory.cli.verbs.state import application

        return application.run(arguments, session, out)
    if len(arguments.words) > 1:
        raise UsageError(f"one tag at a time; {arguments.words[1]!r} is too much")
    [tag] = arguments.words
    log, upto = session.view(arguments.at)
    state = Latest(tag)
    for event in log.read(state.query(), upto=upto):
        state.apply(event)
    if not state.events:
        out.say(f"backstory: {absent(log, state, arguments.at)}")
        return DIFFERENT
    givers = {field.position: commit_at(log, field.position) for field in state.fields.values()}
    if out.json:
        out.document("state", **latest_document(state, givers))
    else:
        out.page()
        write(state, givers, out)
    return 0


def write(state: Latest, givers: dict[int, Commit], out: Output) -> None:
    """The state as a table; on a terminal long values are cut so that each field keeps its line."""
    how_many = count(state.events, "event") + (", the last" if state.events > 1 else "")
    out.line(
        f"{out.paint(plain(state.tag), 'bold')}  {how_many} at {out.paint(f'#{state.position}', 'cyan')}"
    )
    out.line()
    most = max(shutil.get_terminal_size().columns // 2, 20) if out.terminal else None
    rows = [
        (
            plain(name),
            cut(shown(value_of(name, field)), most),
            f"#{field.position}",
            plain(field.type),
            short(givers[field.position].authored),
            in_log(givers[field.position]),
            plain(givers[field.position].author),
        )
        for name, field in state.fields.items()
    ]
    table.write(out, ("field", "value", "since", "event", "time", table.IN_LOG, "author"), rows)
