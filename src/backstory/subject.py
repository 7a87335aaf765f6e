"""Subjects: a commit in one line, for where commits are shown.

A commit stores a message only where somebody gave one. Where there is none, the commit is described when it is shown:

    rent for May                    the first line of its message
    Revert #12                      else the commits that it reverts
    customers c-1: city, name       else the row of a table that it wrote, and the fields; of many rows their number
    transfer(a-7, a-8, …)           else its command and the states that it read; the other arguments are masked
    Deposited x3, Withdrawn         else the types of its events
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from backstory.lookup import commit_with
from backstory.store import Log
from backstory.values.commit import Commit
from backstory.values.links import REVERTS

MASK = "…"
"""Stands for arguments: they may be about people, and a subject is read by many."""

SHORT = 13
"""Characters of a commit's id that stand for it: of a UUIDv7, the time."""

LONGEST = 200
"""Characters of a command as it is shown."""

NAMED = 2
"""Reverted commits, and types of events, that are named; the others are counted."""

MANY = 5
"""States of one parameter that are named; the others are counted."""

COUNTED = 100
"""The most events of a commit that are looked at."""

AHEAD = 500
"""The most events that are read of commits that were not asked for yet."""

T = TypeVar("T")


class _Metadata(msgspec.Struct):
    reverts: list[str] = []


class _Command(msgspec.Struct):
    name: str = ""
    arguments: dict[str, msgspec.Raw] = {}
    states: list[str] = []
    withheld: list[str] = []


class _Row(msgspec.Struct):
    """The arguments of `backstory.change`."""

    table: str
    key: str
    was: msgspec.Raw
    set: dict[str, msgspec.Raw] | None
    unset: list[str] = []


class _Rows(msgspec.Struct):
    """The arguments of `backstory.change_all`."""

    table: str
    changes: list[msgspec.Raw]


ROW, ROWS = "backstory.change", "backstory.change_all"
"""The commands that write a row of a table, and many."""

_row, _rows = msgspec.json.Decoder(_Row), msgspec.json.Decoder(_Rows)
_metadata, _command = msgspec.json.Decoder(_Metadata), msgspec.json.Decoder(_Command)
_identities: msgspec.json.Decoder[dict[str, Any] | list[dict[str, Any]]] = msgspec.json.Decoder(
    dict[str, Any] | list[dict[str, Any]]
)


class Subjects:
    """The subjects of the commits of one log.

    Made for many commits, one after the other in either direction: events are read for neighbours at once.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._types: dict[int, str] = {}  # of the events that were read last, by position

    def of(self, commit: Commit) -> str:
        """The subject of a commit of this log."""
        return (
            first_line(commit.message)
            or self._reverting(commit)
            or called(commit.command_json)
            or self._happened(commit)
            or commit.id
        )

    def match(self, commit: Commit, pattern: re.Pattern[str]) -> bool:
        """Whether the pattern is found in the message or in the subject of a commit."""
        return bool(pattern.search(commit.message) or pattern.search(self.of(commit)))

    def _reverting(self, commit: Commit) -> str:
        if REVERTS.encode() not in commit.metadata_json:
            return ""
        metadata = _decoded(_metadata, commit.metadata_json)
        if metadata is None or not metadata.reverts:
            return ""
        ids = metadata.reverts
        return f"Revert {_listed(map(self._named, ids[:NAMED]), len(ids) - NAMED)}"

    def _named(self, id: str) -> str:
        found = commit_with(self._log, id)
        position = None if found is None else found.position
        return id[:SHORT] if position is None else f"#{position}"

    def _happened(self, commit: Commit) -> str:
        types = self._types_of(commit)
        if commit.size > COUNTED:
            named = list(dict.fromkeys(types))[:NAMED]
            return _listed(named, commit.size - len(named)) if named else ""
        counts = Counter(types)
        named = [type if number == 1 else f"{type} x{number}" for type, number in counts.items()]
        return _listed(named[:NAMED], sum(list(counts.values())[NAMED:]))

    def _types_of(self, commit: Commit) -> list[str]:
        """The types of the first events of a commit."""
        first, last = commit.first, min(commit.position, commit.first + COUNTED - 1)
        if first not in self._types or last not in self._types:
            self._read(first, last)
        return [self._types[position] for position in range(first, last + 1) if position in self._types]

    def _read(self, first: int, last: int) -> None:
        """Read these events; if they stand beside those that were read last, twice as many as these were."""
        ahead = min(2 * len(self._types), AHEAD)
        if last + 1 in self._types:
            first = max(first - ahead, 1)
        elif first - 1 in self._types:
            last += ahead
        events = self._log.read(after=first - 1, upto=last)
        self._types = {event.position: event.type for event in events}


def subject_of(log: Log, commit: Commit) -> str:
    """The subject of one commit of a log; for many, `Subjects`."""
    return Subjects(log).of(commit)


def first_line(message: str) -> str:
    """The first line of a message."""
    return message.strip().partition("\n")[0].rstrip()


def called(command_json: bytes) -> str:
    """A recorded command: `transfer(a-7, a-8, …)`. Empty if there is none, or none that can be read."""
    command = _decoded(_command, command_json) if command_json else None
    if command is None or not command.name:
        return ""
    if command.name == ROW and (row := _decoded(_row, msgspec.json.encode(command.arguments))) is not None:
        return _written(row)
    if command.name == ROWS and (many := _decoded(_rows, msgspec.json.encode(command.arguments))) is not None:
        return f"{many.table}: {len(many.changes):,} {'row' if len(many.changes) == 1 else 'rows'}"
    given = command.arguments
    shown = [_read(given.pop(name)) for name in command.states if name in given]
    if given or command.withheld:
        shown.append(MASK)
    text = f"{command.name}({', '.join(filter(None, shown))})"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]}{MASK})"


def _written(row: _Row) -> str:
    """The change of a row in words: `customers c-1: city, name`. The names of its fields tell no values."""
    if row.set is None:
        return f"{row.table} {row.key}: deleted"
    if bytes(row.was) == b"null":
        return f"{row.table} {row.key}: new"
    names = [*row.set, *row.unset]
    return f"{row.table} {row.key}: {_listed(names[:MANY], len(names) - MANY)}"


def _read(state: msgspec.Raw) -> str:
    """The identity of a state: `a-7`, or `maths/ann` where it has two parts; of many: `[a-7, a-8]`; `None` of none."""
    if bytes(state) == b"null":
        return "None"
    given = _decoded(_identities, state) or {}
    if isinstance(given, list):
        return f"[{_listed(map(_identified, given[:MANY]), len(given) - MANY)}]"
    return _identified(given)


def _identified(parts: dict[str, Any]) -> str:
    return "/".join(
        [part if isinstance(part, str) else msgspec.json.encode(part).decode() for part in parts.values()]
    )


def _listed(named: Iterable[str], more: int) -> str:
    return f"{', '.join(named)} and {more:,} more" if more > 0 else ", ".join(named)


def _decoded(decoder: msgspec.json.Decoder[T], json: bytes | msgspec.Raw) -> T | None:
    """The value of this JSON; None for a value of another form: others may have written it, or it is damaged."""
    try:
        return decoder.decode(json)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
