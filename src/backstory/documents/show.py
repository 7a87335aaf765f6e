"""A commit with all that is known of it: what it says, its events, its causes and effects, and what it had not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.documents.causes import related_document
from backstory.documents.commits import commit_document
from backstory.documents.unread import unread_document
from backstory.subject import Subjects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backstory.history.ask.unread import Unread
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent


def show_document(
    log: Log, commit: Commit, events: Iterable[RecordedEvent], unread: Iterable[Unread] | None
) -> dict[str, Any]:
    """A commit with these of its events; `unread` is what `told_unread` gave."""
    subjects = Subjects(log)
    return {
        **commit_document(commit, subjects.of(commit), events),
        **related_document(log, commit, subjects),
        "unread": None if unread is None else [unread_document(each) for each in unread],
    }
