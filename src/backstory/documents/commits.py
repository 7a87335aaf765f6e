"""Commits, events, and the commands that made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.history.forget.withholding import names_of
from backstory.lookup import events_of
from backstory.subject import Subjects
from backstory.values.event_data import RecordedEvent
from backstory.values.masking import masked_command, masked_data

if TYPE_CHECKING:
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import EventData


def commit_document(
    commit: Commit, subject: str, events: Iterable[RecordedEvent] | None = None
) -> dict[str, Any]:
    """A commit, with these of its events.

    Its message is the stored one, perhaps empty. Command, metadata and data are the stored JSON, but for masked values.
    `withheld` names the parts that are withheld, if there are any; withheld data of an event are null.
    """
    condition = commit.condition
    fields: dict[str, Any] = {
        "hash": commit.hash.hex(),
        "id": commit.id,
        "first": commit.first,
        "position": commit.position,
        "size": commit.size,
        "time": commit.time,
        "authored": commit.authored,
        "author": commit.author,
        "message": commit.message,
        "subject": subject,
        "command": msgspec.Raw(masked_command(commit.command_json)) if commit.command_json else None,
        "metadata": msgspec.Raw(commit.metadata_json),
        "condition": None
        if condition is None
        else {
            "after": condition.after,
            "query": [{"types": clause.types, "tags": clause.tags} for clause in condition.query.clauses],
        },
        "content": commit.content.hex(),
    }
    if commit.withheld:
        fields["withheld"] = names_of(commit)
    if events is not None:
        fields["events"] = [event_document(record) for record in events]
    return fields


def commit_documents(log: Log, found: Iterable[Commit]) -> Iterator[dict[str, Any]]:
    """Commits of a log, one after the other, with all their events."""
    subjects = Subjects(log)
    return (commit_document(commit, subjects.of(commit), events_of(log, commit)) for commit in found)


def event_document(event: RecordedEvent | EventData) -> dict[str, Any]:
    """An event: with its position, or one that is in no log."""
    place = {"position": event.position} if isinstance(event, RecordedEvent) else {}
    return {
        **place,
        "type": event.type,
        "version": event.version,
        "tags": event.tags,
        "data": msgspec.Raw(masked_data(event)),
    }


def call_document(commit: Commit) -> Any:
    """The command that made a commit, as plain data; None if there is none."""
    return msgspec.json.decode(masked_command(commit.command_json)) if commit.command_json else None
