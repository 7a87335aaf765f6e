"""Commands: the preview of a command, and the reason of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from backstory.decide.parameters import each_state
from backstory.documents.commits import event_document
from backstory.documents.differences import changes_document
from backstory.errors import DefinitionError
from backstory.history.compare.diff import diff
from backstory.history.compare.jsonable import shown
from backstory.reactions.deadlines import cancel_deadline, set_deadline
from backstory.values.codec import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backstory.decide.call import Command
    from backstory.decide.execution import Preview
    from backstory.errors import Refused
    from backstory.reactions.starts import Start, Tried
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
        "details": refusal_details(refused),
    }


def refusal_details(refused: Refused) -> dict[str, Any]:
    """The details of a refusal as values of JSON, what is marked masked; a value that JSON cannot carry is its type."""
    return {name: _detail(value) for name, value in refused.details.items()}


def _detail(value: Any) -> Any:
    try:
        return shown(value)
    except DefinitionError:
        return type(value).__qualname__


def tried_document(tried: Tried) -> dict[str, Any]:
    """The preview of a command, and what its events would start."""
    events = [PLAIN.encode(event) for event in tried.preview.events]
    return {
        **preview_document(tried.command, tried.preview, events),
        "at": tried.at,
        "starts": [_start(start) for start in tried.starts],
    }


def _start(start: Start) -> dict[str, Any]:
    return {
        "name": start.name,
        "process": start.is_process,
        "event": {"type": start.record.type, "tags": start.record.stored.tags},
        "steps": [step_document(step) for step in start.steps],
        "wrong": start.wrong or None,
    }


def step_document(step: Command) -> dict[str, Any]:
    """A step of a process: a command, or a deadline that is set or cancelled."""
    if step.kind is set_deadline:
        return {"deadline": step.arguments["name"], "due": step.arguments["due"]}
    if step.kind is cancel_deadline:
        return {"cancel": msgspec.json.decode(step.states["timer"].deadline)[2]}
    return {"command": str(step)}
