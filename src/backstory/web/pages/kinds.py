"""The way to an entity: the kinds of the application with their entities, and the tags without code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from time import monotonic
from typing import Any

from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.documents import document
from backstory.documents.application import state_class_document
from backstory.documents.states import reference_document
from backstory.errors import BackstoryError, DefinitionError
from backstory.history.ask.entities import lately, named
from backstory.history.compare.jsonable import words_of
from backstory.web.ask import Ask, NotFound
from backstory.web.entities import entity, kind_of, log_of, name_in, path_of
from backstory.web.page import Answer, Elsewhere, Page, Progress, Slow

LATELY, LOOKED_AT = 6, 2_000
"""Entities of a kind that are named on the index, and the newest events in which they are looked for."""

TAGGED = 10_000
"""The newest events whose tags the index lists."""

SHOWN = 100
"""Entities, or tags, on a page."""

PATIENCE = 0.3
"""Seconds after which the page says how far it is."""


def page(ask: Ask) -> Answer:
    """All kinds, and the keys of tags; with `key`, the tags that have it; with `q`, a search for one of them."""
    wanted = ask.one("q").strip()
    if ":" in wanted and (there := _at_once(ask, [wanted])):
        return there
    key = ask.one("key")
    log = log_of(ask)
    found: dict[str, list[str]] = {}
    for latest in lately(log, Latest, ask.position, TAGGED):
        own, _, value = latest.tag.partition(":")
        if wanted in latest.tag and key in ("", own) and value:
            found.setdefault(own, []).append(latest.tag)
    if key:
        tags = found.get(key, [])
        skip = ask.number("skip", 0, 10**9) or 0
        return Page(
            "entities_list.html",
            f"Tags with the key {key}",
            document("tags", tags=tags),
            ("tags", "--key", key),
            {
                "heading": f"{key}:",
                "lead": f"Tags of the newest {TAGGED:,} events, the last used first.",
                "found": [(tag, (tag,)) for tag in tags[skip : skip + SHOWN]],
                "skip": skip,
                "more": len(tags) > skip + SHOWN,
                "wanted": wanted,
                "stopped": 0,
            },
        )
    application = ask.site.application
    kinds: list[type[State]] = [] if application is None else list(application.states)
    kinds += [rows for key in found if (rows := ask.rows(key)) is not None]
    return Page(
        "kinds.html",
        "Entities",
        document(
            "states",
            app="" if application is None else application.name,
            states=list(map(state_class_document, ask.states)),
        ),
        ("states", "--app") if application is not None else ("tags",),
        {
            "kinds": [_kind(ask, cls) for cls in kinds],
            "keys": sorted(found.items(), key=lambda item: -len(item[1])),
            "looked_at": min(TAGGED, ask.position),
            "is_all": ask.position <= TAGGED,
            "wanted": wanted,
        },
    )


def _kind(ask: Ask, cls: type[State]) -> dict[str, Any]:
    """The part of the index about a kind: those of its entities that were changed last."""
    told = state_class_document(cls)
    try:
        found = list(islice(lately(log_of(ask), cls, ask.position, LOOKED_AT), LATELY))
        why = ""
    except DefinitionError as wrong:
        found, why = [], str(wrong)
    except BackstoryError as wrong:  # outside of what the reader may see
        found, why = [], str(wrong)
    return {
        **told,
        "path": name_in(ask, cls),
        "lately": [(_named(each), path_of(ask, each)) for each in found],
        "why": why,
    }


def kind(ask: Ask, parts: Sequence[str]) -> Answer:
    """The entities of a kind, in the order in which events first named them; with `q`, those whose names have it."""
    cls = kind_of(ask, parts[0])
    wanted = ask.one("q").strip()
    if wanted and (there := _at_once(ask, [parts[0], *wanted.split()])):
        return there
    return Slow(f"Entities of the kind {cls.__name__}", _listed(ask, cls, wanted))


def _listed(ask: Ask, cls: type[State], wanted: str) -> Iterator[Progress | Page]:
    found: list[State] = []
    skip, upto = ask.number("skip", 0, 10**9) or 0, ask.number("upto") or ask.position
    number, stopped, said = 0, 0, monotonic()
    for position, new in named(log_of(ask), cls, min(upto, ask.position)):
        for reference in new:
            if wanted.casefold() in _named(reference).casefold():
                number += 1
                if number > skip:
                    found.append(reference)
        if len(found) > SHOWN:
            break
        if monotonic() - said > PATIENCE:
            said = monotonic()
            yield Progress(position, ask.position, number)
    else:
        stopped = upto if upto < ask.position else 0
    yield Page(
        "entities_list.html",
        f"Entities of the kind {cls.__name__}",
        document(
            "identities", state=name_in(ask, cls), entities=list(map(reference_document, found[:SHOWN]))
        ),
        (),
        {
            "heading": cls.__name__,
            "lead": "In the order in which events first named them.",
            "found": [(_named(each), path_of(ask, each)) for each in found[:SHOWN]],
            "skip": skip,
            "more": len(found) > SHOWN,
            "wanted": wanted,
            "stopped": stopped,
        },
    )


def _named(reference: State) -> str:
    """The identity of a state in words."""
    return " ".join(words_of(reference)[1:])


def _at_once(ask: Ask, parts: list[str]) -> Elsewhere | None:
    """The address of the one entity that was typed, if there is one."""
    try:
        found = entity(ask, parts)
        first = next(iter(log_of(ask).read(found.reference.query(), upto=ask.position, limit=1)), None)
    except (NotFound, BackstoryError):
        return None
    return None if first is None else Elsewhere(ask.url("e", *found.path))
