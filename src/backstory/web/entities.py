"""Entities in addresses: `/e/Order/o-1` is a state of the application, `/e/order:o-1` a tag."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import msgspec

from backstory.decide.latest import Latest
from backstory.decide.state import State, state_type
from backstory.documents.application import identity_types
from backstory.documents.states import name_of
from backstory.errors import ApplicationError, BackstoryError, InputError
from backstory.history.ask.similar import similar_states
from backstory.history.compare.jsonable import words_of
from backstory.history.refs.branches import MAIN
from backstory.likeness import meant
from backstory.texts.states import referred
from backstory.web.ask import SHORT, Ask, NotFound

if TYPE_CHECKING:
    from backstory.store import Log
    from backstory.values.commit import Commit


class Entity(msgspec.Struct, frozen=True):
    """An entity: the empty state that stands for it, and the parts of its address, which also name it in a shell."""

    reference: State
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name in words: `Order o-1`."""
        return name_of(self.reference)

    def url(self, ask: Ask, *more: str, **params: object) -> str:
        """The address of a page about it."""
        return ask.url("e", *self.path, *more, **params)

    @property
    def of(self) -> str:
        """Its name in a parameter: `Order/o-1`."""
        return "/".join(quote(part, safe=":") for part in self.path)

    @property
    def tags(self) -> list[str]:
        """The tags by which its events are found, if they are those of its identity."""
        if isinstance(self.reference, Latest):
            return [self.reference.tag]
        fields = state_type(type(self.reference)).tag_fields
        return [tag for field in fields for tag in field.texts(self.reference)]


def stated(ask: Ask, tag: str) -> list[Entity]:
    """The states that this tag alone identifies, of those that have an event up to the point that is looked at."""
    found = []
    rows = ask.rows(tag.partition(":")[0])
    for cls in ask.states if rows is None else (*ask.states, rows):
        with suppress(BackstoryError):  # its identity is another one, or the reader may not ask about it
            one = Entity(referred(cls, [tag.partition(":")[2]]), (name_in(ask, cls), tag.partition(":")[2]))
            if one.tags == [tag] and is_there(ask, one):
                found.append(one)
    return found


def is_there(ask: Ask, one: Entity) -> bool:
    """Whether an event up to the point that is looked at concerns it. Raises `OutOfScope`."""
    return any(True for _ in log_of(ask).read(one.reference.query(), upto=ask.position, limit=1))


def is_tag(parts: Sequence[str]) -> bool:
    """Whether these parts of an address name a tag."""
    return ":" in parts[0]


def kind_of(ask: Ask, name: str) -> type[State]:
    """The class of states of this name. Raises `NotFound`."""
    try:
        return ask.state(name)
    except ApplicationError as wrong:
        raise NotFound(str(wrong)).hinted(*wrong.hints) from wrong


def is_whole(ask: Ask, parts: Sequence[str]) -> bool:
    """Whether these parts name one entity, and not a kind of them. Raises `NotFound`."""
    if is_tag(parts):
        return len(parts) == 1
    fields = identity_types(kind_of(ask, parts[0])).values()
    return len(parts) > sum(field.required for field in fields)


def entity(ask: Ask, parts: Sequence[str]) -> Entity:
    """The entity that these parts of an address name. Raises `NotFound`, `InvalidTag`."""
    if is_tag(parts):
        if len(parts) > 1:
            raise NotFound(f"a tag is one part of an address; {parts[1]!r} is too much")
        reference: State = Latest(parts[0])
    else:
        cls = kind_of(ask, parts[0])
        try:
            reference = referred(cls, parts[1:])
        except InputError as wrong:
            raise NotFound(str(wrong)) from wrong
    reference.query()
    return Entity(reference, tuple(parts))


def parts_of(text: str) -> list[str]:
    """The parts that a parameter names, `Order/o-1`; a person may write a space in the place of the slash."""
    parts = text.strip().split("/") if "/" in text else text.split()
    return [unquote(part) for part in parts]


def path_of(ask: Ask, reference: State) -> tuple[str, ...]:
    """The parts of the address of an entity."""
    name, *identity = words_of(reference)
    return (name if isinstance(reference, Latest) else name_in(ask, type(reference)), *identity)


def name_in(ask: Ask, cls: type[State]) -> str:
    """The name of a kind in addresses: that of its class, with its module if another one has the same."""
    application = ask.site.application
    same = 0 if application is None else sum(other.__name__ == cls.__name__ for other in application.states)
    return f"{cls.__module__}.{cls.__name__}" if same > 1 else cls.__name__


def log_of(ask: Ask) -> Log:
    """The log of the point that is looked at, as the reader may see it."""
    return ask.db.handle.line(ask.point.chain).log


def at(ask: Ask, position: int, commit: Commit) -> str:
    """The revision of an event on the history that is looked at: its position there, or if that has no name, a hash."""
    if ask.point.chain != ask.db.chain:
        return commit.hash.hex()[:SHORT]
    return str(position) if ask.branch == MAIN else f"{ask.branch}#{position}"


def newest(ask: Ask) -> str | None:
    """The revision of the end of the branch that is looked at."""
    return None if ask.branch == MAIN else ask.branch


def nothing(ask: Ask, found: Entity) -> NotFound:
    """The error for an entity that no event concerns here: whether there is one later, and the names that are near."""
    log = log_of(ask)
    first = next(iter(log.read(found.reference.query(), limit=1)), None)
    if first is not None:
        error = NotFound(
            f"no event concerns {found.name} at #{ask.position}; its first event is #{first.position}"
        )
        [commit] = log.commits_at([first.commit])
        error.ways = [(f"at #{first.position}", found.url(ask, at=at(ask, first.position, commit)))]
        return error
    near = similar_states(log, found.reference)
    names = [other if is_tag(found.path) else other.partition(":")[2] for other in near]
    hint = meant(names)
    error = NotFound(f"no event concerns {found.name}{hint and f'; {hint}'}")
    if is_tag(found.path) or len(found.path) == 2:
        error.ways = [(name, ask.url("e", *found.path[:-1], name)) for name in names]
    return error
