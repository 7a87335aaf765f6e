"""Commands: the preview of a command, and the reason of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.decide.parameters import each_state
from backstory.documents.commits import event_document
from backstory.documents.differences import changes_document
from backstory.history.compare.diff import diff
from backstory.history.compare.jsonable import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backstory.decide.call import Command
    from backstory.decide.execution import Preview
    from backstory.errors import Refused
    from backstory.values.event_data import EventData


def preview_document(command: Command, preview: Preview, events: Iterable[EventData]) -> dict[str, Any]:
    """The events that the command would give, and their changes of each state that it read."""
    states, after = [], dict(each_state(preview.after))
    for name, before in each_state(preview.before):
        difference = diff(before, after[name]).masked()
        states.append(
            {
                "parameter": name,
                "state": type(before).__name__,
                "before": difference.before,
                "after": difference.after,
                "changes": changes_document(difference),
            }
        )
    return {
        "command": str(command),
        "events": [event_document(event) for event in events],
        "states": states,
    }


def refusal_document(command: Command, refused: Refused) -> dict[str, Any]:
    """The reason, the code and the details of a refusal."""
    return {
        "command": str(command),
        "reason": refused.reason,
        "code": refused.code,
        "details": {name: shown(value) for name, value in refused.details.items()},
    }
