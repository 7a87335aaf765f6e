"""States of an application on the command line: which one the words mean, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backstory.cli import application, place, table, values
from backstory.cli.exits import DIFFERENT, UsageError
from backstory.cli.text import plain
from backstory.cli.times import short
from backstory.documents.application import identity_types
from backstory.documents.states import name_of, state_document
from backstory.history import plain as plains
from backstory.state import State, identity, state_type

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.cli.output import Output
    from backstory.database import Database
    from backstory.store import Record


def run(arguments: Namespace, out: Output) -> int:
    """Load a state and show it. Exit code 1 where no event concerns it."""
    app = application.loaded(arguments)
    name, *words = arguments.words
    cls = app.state(name)
    reference = referred(cls, words)
    with place.opened(arguments) as store, application.theirs(f"{cls.__name__}.apply"):
        db = place.database(arguments, store)
        last = next(db.read(reference.query(), at=arguments.at, backwards=True, limit=1), None)
        if last is None:
            out.say(f"backstory: {_nothing(db, reference, arguments.at)}")
            return DIFFERENT
        state = db.load(reference, at=arguments.at)
        if out.json:
            out.document("state", **state_document(state, last))
        else:
            out.page()
            _write(reference, plains.shown(state), last, out)
    return 0


def referred(cls: type[State], words: Sequence[str]) -> State:
    """The empty state that these words identify. Raises `UsageError`."""
    fields = identity_types(cls)
    needed = [name for name, field in fields.items() if field.required]
    if not len(needed) <= len(words) <= len(fields):
        what = f"needs {' '.join(map(str.upper, needed))}" if needed else "needs no identity"
        got = f"got {' '.join(words)}" if words else "got none"
        raise UsageError(f"{cls.__name__} {what}, which says which one; {got}")
    try:
        given = {
            name: values.parsed(word, field.type)
            for (name, field), word in zip(fields.items(), words, strict=False)
        }
    except ValueError as wrong:
        raise UsageError(f"{cls.__name__} {wrong}") from None
    return cls(**given)


def _write(reference: State, fields: dict[str, Any], last: Record, out: Output) -> None:
    """The fields as a table; a list or a dict that is not empty on lines of its own."""
    from backstory.cli.state import shown

    position = out.paint(f"#{last.position}", "cyan")
    when = f"{short(last.commit.authored)} {plain(last.type)}"
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


def _nothing(db: Database, reference: State, at: str | None) -> str:
    """Why there is nothing to show, and what there is instead."""
    from backstory.history.similar import similar_tags

    name = name_of(reference)
    first = next(db.read(reference.query(), limit=1), None)
    if first is not None:
        return f"no event concerns {name} at {at}; its first event is #{first.position}"
    tags = [tag for field in state_type(type(reference)).tag_fields for tag in field.texts(reference)]
    near = [other for tag in tags for other in similar_tags(db.log, tag)]
    hint = f"; did you mean {' or '.join(other.partition(':')[2] for other in near)}?" if near else ""
    return f"no event concerns {name}{hint}"
