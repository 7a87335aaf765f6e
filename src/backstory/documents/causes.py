"""Causes and effects of a commit, and the commits that undo it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from backstory.history.ask.causes import causes, direct_effects, undone_by
from backstory.values.links import CORRELATION, ids_of

if TYPE_CHECKING:
    from backstory.history.ask.causes import Cause, Effect
    from backstory.store import Log
    from backstory.subject import Subjects
    from backstory.values.commit import Commit

SHOWN = 5
"""Effects that are shown beside a commit; `causes` shows all of them."""


def brief_document(commit: Commit, subjects: Subjects) -> dict[str, Any]:
    """A commit that is named beside another one: its id, place, author and time, and its subject."""
    return {
        "id": commit.id,
        "hash": commit.hash.hex(),
        "position": commit.position,
        "time": commit.time,
        "author": commit.author,
        "subject": subjects.of(commit),
    }


def cause_document(cause: Cause, subjects: Subjects) -> dict[str, Any]:
    """A cause by its id; its commit is null where the history at hand does not have it."""
    found = None if cause.commit is None else brief_document(cause.commit, subjects)
    return {"id": cause.id, "commit": found}


def related_document(log: Log, commit: Commit, subjects: Subjects) -> dict[str, Any]:
    """The cause of a commit, the first commits that it caused itself, and those that undo it, which may be undone."""
    effects = list(islice(direct_effects(log, commit), SHOWN + 1))
    undone = [
        {**brief_document(each, subjects), "undone": next(undone_by(log, each), None) is not None}
        for each in undone_by(log, commit)
    ]
    return {
        "caused_by": next((cause_document(cause, subjects) for cause in causes(log, commit)), None),
        "effects": [brief_document(each, subjects) for each in effects[:SHOWN]],
        "more_effects": len(effects) > SHOWN,
        "undone_by": undone,
    }


def causes_document(
    commit: Commit,
    before: Iterable[Cause],
    after: Iterable[Effect],
    undone: Iterable[Commit],
    undoes: Iterable[Cause],
    subjects: Subjects,
    *,
    more: bool,
) -> dict[str, Any]:
    """The causes of a commit, the first one last, and its effects, each with its depth and the id of its cause.

    `undoes` are the commits that it reverts, in the form of causes. `more` says whether the commit has more effects
    than are given.
    """
    return {
        "commit": brief_document(commit, subjects),
        "correlation": next(iter(ids_of(commit.metadata_json, CORRELATION)), None),
        "causes": [cause_document(cause, subjects) for cause in before],
        "effects": [
            {"depth": effect.depth, "cause": effect.cause.id, **brief_document(effect.commit, subjects)}
            for effect in after
        ],
        "more_effects": more,
        "undone_by": [brief_document(each, subjects) for each in undone],
        "undoes": [cause_document(each, subjects) for each in undoes],
    }
