"""The words for that which somebody asks about: a state by its identity, or a condition on one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.documents.application import identity_types
from backstory.errors import InputError
from backstory.history.ask.expression import Expression, predicate
from backstory.history.ask.seen import check_seen, veils
from backstory.history.compare.jsonable import names_of
from backstory.texts import values
from backstory.values.masking import hides


def is_tag(word: str) -> bool:
    """Whether a word is a tag, and no revision such as `@{14:00}`."""
    return ":" in word and "@{" not in word


def referred(cls: type[State], words: Sequence[str]) -> State:
    """The empty state of a class that these words identify. Raises `InputError`."""
    fields = identity_types(cls)
    needed = [name for name, field in fields.items() if field.required]
    if not len(needed) <= len(words) <= len(fields):
        what = f"needs the identity {' '.join(map(str.upper, needed))}" if needed else "needs no identity"
        got = f"got {' '.join(words)}" if words else "got none"
        raise InputError(f"{cls.__name__} {what}; {got}")
    try:
        given = {
            name: values.parsed(word, field.type)
            for (name, field), word in zip(fields.items(), words, strict=False)
        }
    except ValueError as wrong:
        raise InputError(f"{cls.__name__} {wrong}") from None
    return cls(**given)


def reference(words: Sequence[str], named: Callable[[str], type[State]]) -> State:
    """The empty state that these words mean: a tag, or a class, which `named` finds, and an identity.

    Raises `InputError`, `InvalidTag`, and what `named` raises.
    """
    name, *rest = words
    if not is_tag(name):
        return referred(named(name), rest)
    if rest:
        raise InputError(f"one tag at a time; {rest[0]!r} is too much")
    tag = Latest(name)
    tag.query()
    return tag


def condition(text: str, cls: type[State]) -> Expression:
    """The condition that a text means. Raises `ExpressionError`, and `InputError` if it asks for a masked field."""
    found = predicate(text, cls)
    check_shown(found.fields, cls)
    return found


def check_shown(fields: Iterable[str], cls: type[State]) -> None:
    """Raise `InputError` for a field whose values are masked: a condition, or an order, would tell them."""
    names = {} if cls is Latest else names_of(cls)
    for name in sorted(fields):
        check_path((names.get(name, name),), cls)


def check_path(steps: Sequence[str], cls: type[State]) -> None:
    """The same for a part of a state, by the names that its fields have in JSON. Raises `OutOfScope`, too."""
    check_seen(steps, cls)
    if any(map(hides, veils(steps, cls))):
        raise InputError(
            f"{'.'.join(steps) or cls.__name__} is marked, so its values are not shown, and nothing can be asked about"
            " them; a personal value can with --personal"
        )
