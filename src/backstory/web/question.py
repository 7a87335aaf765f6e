"""The question of bisect: which states, on which log, and what is to be true of them; and the form that asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from backstory.decide.latest import Latest
from backstory.errors import BackstoryError
from backstory.history.ask.expression import Expression
from backstory.history.compare.jsonable import names_of
from backstory.texts.states import condition, is_tag, referred
from backstory.web.ask import Ask, BadParameter

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.store import Log


class Question(msgspec.Struct, frozen=True):
    """A question: about one state or of all of a class, on which log, between which positions."""

    cls: type[State]
    reference: State | None
    where: str
    holds: Expression
    log: Log
    after: int
    upto: int


def asked_by(ask: Ask) -> Question:
    """The question of the parameters. Raises `BackstoryError`."""
    of, where = ask.one("of").strip(), ask.one("where").strip()
    if not of or not where:
        raise BadParameter("say of what, such as Order/o-1 or Order, and what is to be true of it")
    cls, reference = meant(ask, of)
    holds = condition(where, cls)
    end = ask.db.point(ask.one("bad")) if ask.one("bad") else ask.point
    start = ask.db.point(ask.one("good")).position if ask.one("good") else 0
    if start > end.position:
        raise BadParameter(f"after #{start} and up to #{end.position}: nothing lies between")
    log = ask.db.handle.line(end.chain).log
    return Question(cls, reference, where, holds, log, start, end.position)


def meant(ask: Ask, of: str) -> tuple[type[State], State | None]:
    """The class, and the one of it that is meant: `Order/o-1`, `Order o-1`, `Order`, `order:o-1`, or `tags`."""
    key = of.partition(":")[0]
    if is_tag(of) and not set(key) & {"/", " "}:
        reference = Latest(of)
        reference.query()
        return Latest, reference
    name, *identity = map(unquote, of.split("/")) if "/" in key else of.split()
    if name == "tags" and not identity:
        return Latest, None
    cls = ask.state(name)
    return cls, referred(cls, identity) if identity else None


def form_values(ask: Ask) -> dict[str, Any]:
    """The values of the form, and no answer."""
    kinds = sorted(cls.__name__ for cls in ask.states)
    form = {name: ask.one(name) for name in ("of", "where", "good", "bad")}
    return {"form": form, "kinds": kinds[:200], "fields": _names(ask), "wrong": "", "answer": None}


def _names(ask: Ask) -> list[str]:
    """The names that the expression may have, if it is known of what it is."""
    try:
        cls, _ = meant(ask, ask.one("of").strip())
    except (BackstoryError, ValueError):  # the form says so, once there is a question
        return []
    return [] if cls is Latest else list(names_of(cls).values())
