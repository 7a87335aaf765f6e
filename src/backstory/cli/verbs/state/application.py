"""States of an application on the command line: which one the words mean, and how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.cli.exits import DIFFERENT
from backstory.cli.parse import target
from backstory.cli.show import table
from backstory.cli.show.times import in_log, short
from backstory.cli.show.value import shown
from backstory.decide.state import State, identity
from backstory.documents.states import name_of, state_document
from backstory.failing import theirs
from backstory.history.compare import jsonable
from backstory.texts.absent import absent
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Record


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Load a state and show it. Exit code 1 if no event concerns it."""
    reference = target.reference(session, arguments.words)
    with theirs(reference):
        db = session.database
        last = next(db.read(reference.query(), at=arguments.at, backwards=True, limit=1), None)
        if last is None:
            out.say(f"backstory: {absent(db.log, reference, arguments.at)}")
            return DIFFERENT
        state = db.load(reference, at=arguments.at)
        if out.json:
            out.document("state", **state_document(state, last))
        else:
            out.page()
            _write(reference, jsonable.shown(state), last, out)
    return 0


def _write(reference: State, fields: dict[str, Any], last: Record, out: Output) -> None:
    """The fields as a table; a list or a dict that is not empty on lines of its own."""
    position = out.paint(f"#{last.position}", "cyan")
    when = f"{short(last.authored)} {plain(last.type)}"
    if late := in_log(last.commit):
        when += f", in the log since {late}"
    out.line(f"{out.paint(plain(name_of(reference)), 'bold')}  since {position} {when}")
    out.line()
    rows: list[tuple[str, str]] = []
    known = identity(reference)
    for name, value in fields.items():
        if name in known:
            continue
        nested = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        rows += [(f"{name}[{key}]", shown(part)) for key, part in nested] or [(name, shown(value))]
    table.write(out, ("field", "value"), rows)
