"""Why a field has its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.documents.causes import brief_document
from backstory.documents.commits import call_document, event_document
from backstory.documents.states import reference_document
from backstory.history.forget.withholding import names_of

if TYPE_CHECKING:
    from backstory.history.ask.decided_on import DecidedOn
    from backstory.history.ask.ways import Way
    from backstory.history.ask.why import Had, Why
    from backstory.subject import Subjects
    from backstory.values.commit import Commit


def why_document(found: Why, at: int, subjects: Subjects) -> dict[str, Any]:
    """The answer as of a position: the value, its event and commit, what that was decided on, and its causes.

    Event and commit are null for a value that no event gave.
    """
    record, commit = found.record, found.commit
    return {
        **reference_document(found.reference),
        "at": at,
        "path": found.part.pointer,
        "value": found.part.shown,
        "event": None if record is None else event_document(record.stored),
        "commit": None if commit is None else commit_document(commit, found.ways, subjects),
        "decided_on": None if found.decided_on is None else decided_on_document(found.decided_on),
        "read": [_had(each) for each in found.read],
        "more_read": found.left,
        "unknown": found.unknown,
        "causes": [
            {
                "id": each.id,
                "commit": None if each.commit is None else commit_document(each.commit, each.ways, subjects),
            }
            for each in found.causes
        ],
        "earlier": found.earlier,
        "undone_by": [brief_document(each, subjects) for each in found.undone],
    }


def commit_document(commit: Commit, ways: tuple[Way, ...], subjects: Subjects) -> dict[str, Any]:
    """A commit with its command, and how it came into the log."""
    return {
        **brief_document(commit, subjects),
        "authored": commit.authored,
        "message": commit.message,
        "command": call_document(commit),
        "withheld": names_of(commit),
        "ways": [{"kind": way.kind, "by": way.by, "ids": way.ids} for way in ways],
    }


def decided_on_document(found: DecidedOn) -> dict[str, Any]:
    """The condition: its parts with their events, and the first event that came in between."""
    return {
        "after": found.after,
        "clauses": [
            {
                "types": part.types,
                "tags": part.tags,
                "count": part.count,
                "more": part.more,
                "last": part.last,
            }
            for part in found.clauses
        ],
        "left": found.left,
        "came": None if found.came is None else found.came.position,
    }


def _had(had: Had) -> dict[str, Any]:
    return {
        **reference_document(had.reference),
        "parts": [
            {
                "path": source.part.pointer,
                "value": source.part.shown,
                "position": source.event.position,
                "type": source.event.type,
            }
            for source in had.sources
        ],
        "left": had.left,
        "unknown": had.unknown,
    }
