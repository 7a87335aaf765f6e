"""How commits and events look to people: as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.show.times import human, in_log
from backstory.lookup import events_of
from backstory.subject import subject_of
from backstory.told import cut, pasted, plain

if TYPE_CHECKING:
    from backstory.cli.show.output import Output
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import EventData, RecordedEvent
    from backstory.values.query import Clause, Query

SHORT = 10
"""Hex digits of a short hash."""

INDENT = "    "

CLAUSES, CALL = 5, 400
"""Parts of a condition that are shown, and characters of a call."""

FIRST = ("append", "Deposited", "--tag", "account:a-7", "cents=500", "-m", "first pay")
"""A command that makes a commit in an empty store."""


def none_yet() -> str:
    """The words about a log without a commit."""
    return f"no commits yet; make one with: {pasted(*FIRST)}"


def shown_data(record: RecordedEvent | EventData) -> bytes:
    """An event's data as JSON, masked. A list of commits shows no data, and does not load the modules for it."""
    from backstory.values.masking import masked_data

    return masked_data(record)


def shown_command(commit: Commit) -> bytes:
    """The command that made a commit as JSON, masked; empty if there is none."""
    from backstory.values.masking import masked_command

    return masked_command(commit.command_json)


def span(commit: Commit) -> str:
    """The positions of a commit's events: `#5..#7`, or `#5` for one event."""
    return f"#{commit.position}" if commit.size == 1 else f"#{commit.first}..#{commit.position}"


def title(commit: Commit, out: Output, names: str = "") -> str:
    """`commit 3f2a9c01ab #5..#7`, and the branches and marks that name it."""
    short = out.paint(f"commit {commit.hash.hex()[:SHORT]}", "yellow")
    return f"{short} {out.paint(span(commit), 'cyan')}{names and f' {names}'}"


def line(commit: Commit, subject: str, out: Output, names: str = "") -> str:
    """A commit on one line, with its subject: dim if it has no message."""
    short = out.paint(commit.hash.hex()[:SHORT], "yellow")
    place = out.paint(span(commit), "cyan")
    return f"{short} {place}{names and f' {names}'} {_subject(commit, subject, out)}"


def _subject(commit: Commit, subject: str, out: Output) -> str:
    return plain(subject) if commit.message.strip() else out.paint(plain(subject), "dim")


def signature(commit: Commit) -> Iterator[str]:
    """The lines with author and time, and with the log's own time if that is another one."""
    if commit.author:
        yield f"Author: {plain(commit.author)}"
    yield f"Date:   {human(commit.authored)}"
    if in_log(commit):
        yield f"In log: {human(commit.time)}"


def message(commit: Commit, subject: str, out: Output) -> Iterator[str]:
    """The message, or the subject if there is none, set in as Git does, after an empty line."""
    yield ""
    if commit.message.strip():
        yield from (f"{INDENT}{plain(text)}".rstrip() for text in commit.message.strip("\n").splitlines())
    else:
        yield INDENT + _subject(commit, subject, out)


def event(record: RecordedEvent, out: Output, width: int = 0) -> str:
    """An event on one line: `#5 Withdrawn  account:a-7`, the tags after `width` characters."""
    position, kind = name(record)
    gap = " " * max(width - len(f"{position} {kind}"), 0)
    tags = out.paint("  ".join(map(plain, record.tags)), "green") if record.tags else ""
    return f"{out.paint(position, 'cyan')} {out.paint(kind, 'bold')}{gap}  {tags}".rstrip()


def name(record: RecordedEvent) -> tuple[str, str]:
    """An event's position and its type, with the version if it is not the first."""
    kind = plain(record.type)
    return f"#{record.position}", kind if record.version == 1 else f"{kind} v{record.version}"


def events(records: list[RecordedEvent], out: Output) -> Iterator[str]:
    """Events on lines, their tags in one column."""
    width = max((len(" ".join(name(record))) for record in records), default=0)
    return (event(record, out, width) for record in records)


def data(record: RecordedEvent) -> Iterator[str]:
    """An event's data as indented JSON."""
    text = msgspec.json.format(shown_data(record), indent=2).decode()
    return (INDENT + plain(part) for part in text.splitlines())


def data_line(record: RecordedEvent | EventData) -> str:
    """An event's data on one line."""
    return plain(shown_data(record).decode())


def call(commit: Commit) -> str:
    """The command that made a commit, as it was recorded: `withdraw(account={"account":"a-7"}, cents=50)`; or empty."""
    if not commit.command_json:
        return ""
    recorded = shown_command(commit)
    command = msgspec.json.decode(recorded)
    given = command.get("arguments")
    if not isinstance(given, dict):
        return plain(recorded.decode())
    return plain(f"{command.get('name')}({_named(given)})")


def call_line(commit: Commit) -> str:
    """The same, or its beginning and how much is left out: the call of an import has all of its rows."""
    return cut(call(commit), CALL, counted=True)


def inputs(commit: Commit) -> str:
    """The time, ids and chance that the command of a commit was given: `now="2026-03-15T09:00:00Z"`; or empty."""
    recorded = shown_command(commit)
    given = msgspec.json.decode(recorded).get("inputs") if recorded else None
    return plain(_named(given)) if isinstance(given, dict) else ""


def _named(given: dict[str, Any]) -> str:
    return ", ".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in given.items())


def readable(query: Query) -> str:
    """The events that a query forbids: `no Deposited or Withdrawn about account:a-7, no event about user:ann`."""
    shown, left = query.clauses[:CLAUSES], len(query.clauses) - CLAUSES
    more = f", and {left:,} more" if left > 0 else ""
    return plain(", ".join(map(_clause, shown)) + more) or "nothing"


def _clause(clause: Clause) -> str:
    about = f" about {' and '.join(clause.tags)}" if clause.tags else ""
    return f"no {' or '.join(clause.types) or 'event'}{about}"


def show(log: Log, commit: Commit, out: Output) -> None:
    """Write a commit that was just made, with its events."""
    found = list(events_of(log, commit))
    if out.json:
        from backstory.documents.commits import commit_document

        out.document("commit", **commit_document(commit, subject_of(log, commit), found))
    else:
        out.line(line(commit, subject_of(log, commit), out))
        out.lines(f"  {text}" for text in events(found, out))
