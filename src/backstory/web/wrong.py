"""The words that a reader gets for an error, and the pages that a wrong address may mean."""

from __future__ import annotations

from backstory.errors import (
    AmbiguousRevision,
    ApplicationError,
    BackstoryError,
    RevisionError,
    UnknownRevision,
)
from backstory.likeness import near
from backstory.web.ask import SHORT, Ask, NotFound

MOST = 10
"""Revisions, or other pages that may be meant, that are offered."""

LONGEST = 200
"""Characters of a search that is offered."""

LISTS = {
    "e": ("all entities", "e"), "merge": ("branches", "branches"), "models": ("all read models", "models"),
    "do": ("all commands", "do"),
}  # fmt: skip
"""The list where a reader goes on after a page that is not there, by the first part of the address; else the log."""


def ways_out(ask: Ask | None, error: Exception) -> list[tuple[str, str]]:
    """Words and addresses of pages that the reader may have meant, or can go on from."""
    if ask is None:
        return []
    if isinstance(error, NotFound):
        words, part = LISTS.get(ask.path[0] if ask.path else "", ("the log", "log"))
        name = ask.path[-1][:LONGEST] if part == "e" and len(ask.path) > 1 else ""
        search = [(f"search for {name}", ask.url("search", q=name))] if name else []
        return [*error.ways[:MOST], *search, (words, ask.url(part))]
    if not isinstance(error, RevisionError) or not ask.at:
        return []
    try:
        if isinstance(error, AmbiguousRevision):
            found = [
                (f"#{each.position} {each.hash.hex()[:SHORT]}", each.hash.hex())
                for each in error.commits[:MOST]
            ]
        elif isinstance(error, UnknownRevision):
            found = [(each, each) for each in near(error.name, [*ask.branch_names, *_marks(ask)])]
        else:
            found = []
    except BackstoryError:  # the page says what was wrong first
        found = []
    return [(words, ask.here(at=name)) for words, name in found] + [("the end of main", ask.here(at=None))]


def told(ask: Ask | None, error: Exception) -> Exception:
    """The error as the reader may see it: words of the application's own code may say values of hidden fields."""
    if isinstance(error, ApplicationError) and ask is not None and ask.reader.scope.hidden:
        return ApplicationError(str(error).partition(":\n")[0])
    return error


def _marks(ask: Ask) -> list[str]:
    return [mark.name for mark in ask.db.branches.marks()]
