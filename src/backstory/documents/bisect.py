"""Bisect: since when something is true of a state, or which commits a check calls bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.documents.commits import commit_document, event_document
from backstory.documents.states import reference_document
from backstory.history.compare.jsonable import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backstory.decide.state import State
    from backstory.history.ask.bisect import Found, StateTurn
    from backstory.store import Record
    from backstory.subject import Subjects
    from backstory.values.commit import Commit


def turns_document(reference: State, where: str, found: Found) -> dict[str, Any]:
    """Every event after which the answer about one state changed."""
    return {
        **reference_document(reference),
        "where": where,
        "began": found.began,
        "holds": found.holds,
        "turns": [{"holds": turn.holds, **_event(turn.record)} for turn in found.turns],
    }


def state_turn_document(turn: StateTurn) -> dict[str, Any]:
    """A turn of one of many states, with the position of its turn before."""
    return {
        "holds": turn.holds,
        "since": turn.since,
        **reference_document(turn.reference),
        **_event(turn.record),
    }


def first_document(where: str, turn: StateTurn | None) -> dict[str, Any]:
    """The first state of a kind of which it became true, and the event; None if no state did."""
    if turn is None:
        return {"where": where, "found": None}
    found = {**reference_document(turn.reference), **_event(turn.record), "fields": shown(turn.state)}
    return {"where": where, "found": found}


def suspects_document(asked: int, commits: Iterable[Commit], subjects: Subjects) -> dict[str, Any]:
    """The first bad commit, or those of which one is it, after so many checks."""
    return {"asked": asked, "commits": [commit_document(each, subjects.of(each)) for each in commits]}


def _event(record: Record) -> dict[str, Any]:
    return {"commit": record.stored.commit, **event_document(record.stored)}
