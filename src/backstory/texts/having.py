"""The commits after which a field has a value, as somebody asks for them in words: `status=paid`, of which states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.documents.application import identity_types
from backstory.errors import InputError
from backstory.history.ask.search import commits_with, commits_with_any
from backstory.history.compare.jsonable import within
from backstory.history.compare.pointer import assigned, parse
from backstory.store import Log
from backstory.texts import states


def having(
    log: Log,
    text: str,
    of: Sequence[str],
    named: Callable[[str], type[State]],
    after: int = 0,
    upto: int | None = None,
) -> frozenset[int]:
    """The positions of the commits after which a field has a value; `text` is `PATH=VALUE`.

    `of` are the words of a tag, of a state, or of a class alone, for any state of it; without words it is any tag.
    Raises `InputError`, and what `named` raises.
    """
    asked = assigned(text)
    if asked is None:
        raise InputError(f"-S takes PATH=VALUE, as in status=paid; got {text!r}")
    path, value = asked
    cls = Latest if not of else named(of[0]) if len(of) == 1 and not states.is_tag(of[0]) else None
    if cls is Latest or (cls is not None and identity_types(cls)):
        states.check_path(within(cls, parse(path)), cls)
        found = commits_with_any(log, cls, path, value, after, upto)
    else:
        reference = states.reference(of, named)
        states.check_path(within(type(reference), parse(path)), type(reference))
        found = commits_with(log, reference, path, value, after, upto)
    return frozenset(hit.commit for hit in found)
