"""States that a commit changed although its decision had not read all that they follow from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.documents.states import reference_document

if TYPE_CHECKING:
    from backstory.history.ask.unread import Unread


def unread_document(unread: Unread) -> dict[str, Any]:
    """A state, the fields that were changed, and the events that were not read, newest first."""
    return {
        **reference_document(unread.reference),
        "fields": unread.fields,
        "events": [
            {"position": event.position, "commit": event.commit, "type": event.type, "tags": event.tags}
            for event in unread.events
        ],
        "more_events": unread.more,
    }
