"""Grep: commits whose message or subject, or whose events' data, a regular expression finds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from backstory.store import ALL, Log
from backstory.subject import Subjects
from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent
from backstory.values.masking import masked_data
from backstory.values.query import Query


def grep_messages(
    log: Log,
    pattern: str | re.Pattern[str],
    after: int = 0,
    upto: int | None = None,
    *,
    backwards: bool = False,
) -> Iterator[Commit]:
    """The commits with a message or a subject in which the pattern is found. Raises `re.error`."""
    pattern, subjects = re.compile(pattern), Subjects(log)
    commits = log.commits(after=after, upto=upto, backwards=backwards)
    return (commit for commit in commits if subjects.match(commit, pattern))


def grep_events(
    log: Log,
    pattern: str | re.Pattern[str],
    query: Query = ALL,
    after: int = 0,
    upto: int | None = None,
    *,
    backwards: bool = False,
) -> Iterator[RecordedEvent]:
    """The events in whose data the pattern is found: in its JSON text, without spaces, letters unescaped.

    Masked values are not searched: a person who may not see a value may not find it out by guessing either.
    """
    found = re.compile(pattern).search
    records = log.read(query, after=after, upto=upto, backwards=backwards)
    return (record for record in records if found(data_text(record)))


def data_text(record: RecordedEvent) -> str:
    """An event's data as the text to search: masked, and in one form for every way in which JSON is written."""
    return msgspec.json.encode(msgspec.json.decode(masked_data(record))).decode()
