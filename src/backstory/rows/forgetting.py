"""Forgetting a row: the values that it has had are withheld in every log, and the history verifies as before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from backstory.errors import LogDropped, NotThere
from backstory.history.forget.withholding import withhold
from backstory.history.refs.branches import Branches
from backstory.rows.kinds import types_of
from backstory.store import Log
from backstory.values.commit import COMMAND, DATA, Commit
from backstory.values.query import Query


def forget_row(branches: Branches, table: str, key: str, *, why: str) -> int:
    """Withhold the data of all events of a row, on every branch; return how many events had some.

    The arguments of a command that gave one of them are withheld, too: they have the same values. A run that was broken
    off is finished by the next one.
    """
    query, found = _query(table, key), set[tuple[str, str]]()
    for number in branches.store.logs():
        known: list[tuple[Commit, list[str]]] = []
        with suppress(KeyError, LogDropped):  # somebody has dropped the log meanwhile
            known += _known(branches.store.log(number), query)
        for commit, parts in known:
            with suppress(NotThere):  # as above
                withhold(branches, commit, parts, why=why)
            found.update((commit.content.hex(), part) for part in parts if part != "command")
    return len(found)


def ever_was(branches: Branches, table: str, key: str) -> bool:
    """Whether any log has an event of a row: one of a branch, or of one that was deleted and not collected yet."""
    query = _query(table, key)
    for number in branches.store.logs():
        with suppress(KeyError, LogDropped):
            if any(True for _ in branches.store.log(number).read(query, limit=1)):
                return True
    return False


def _query(table: str, key: str) -> Query:
    return Query.of(types_of(table), [f"{table}:{key}"])


def _known(log: Log, query: Query) -> Iterator[tuple[Commit, list[str]]]:
    """The commits with such events, and of each the parts that somebody can still read."""
    positions = [event.position for event in log.read(query)]
    left = iter(positions)
    position = next(left, 0)
    for commit in log.commits_at(positions):
        parts = ["command"] if commit.command_json and COMMAND not in commit.withheld else []
        while commit.first <= position <= commit.position:
            place = position - commit.first
            if DATA + place not in commit.withheld:
                parts.append(f"data:{place + 1}")
            position = next(left, 0)
        if parts:
            yield commit, parts
