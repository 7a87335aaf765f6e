"""One transaction that writes units: what the judge may see of the store, and what is to be inserted.

In this order: where each log of the call ends, and which of its ids are known (one statement each); the verdict on each
unit; then the rows of all new commits in few statements, refs and logs; then the indexes, where enough events wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import apsw
import msgspec

from backstory.commit import Commit, Draft, Head, emptied, micros, recorded
from backstory.errors import StoreCorrupt, StoreRefused
from backstory.query import Condition, Query
from backstory.record import Recorded
from backstory.refs import BRANCH, MARK, REFLOG
from backstory.stores.judge import Plan, judge
from backstory.stores.names import beyond
from backstory.stores.needed import needed_by
from backstory.stores.recent import News, Recent
from backstory.stores.rows import POSITION, head_of
from backstory.stores.sqlite.index import LAST_LOG, RUN, first_key
from backstory.stores.sqlite.lineage import Lineage, Lost
from backstory.stores.sqlite.rows import HOLDING, TAIL, Rows, row_digest, row_of
from backstory.stores.sqlite.runs import drop_rows, write_run
from backstory.unit import Append, Batch, NewLog, Outcome, SetRef, Unit, Written

INSERT_COMMIT = (
    "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?, ?)"
)
INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))"
EMPTY_COMMIT = (
    "UPDATE commits SET author = ?, message = ?, command = CAST(? AS TEXT), metadata = CAST(? AS TEXT), query = ?,"
    " secret = ? WHERE position = ?"
)
EMPTY_EVENT = "UPDATE events SET data = CAST(? AS TEXT) WHERE position = ?"
LAST_LOG_AND_KEY = (
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'logs'), 0),"
    " max(coalesce((SELECT max(position) FROM events), 0), coalesce((SELECT max(position) FROM commits), 0))"
)
ORIGINS = "SELECT number, origin_position, origin_hash, origin_time FROM logs"
NAMING = (
    "SELECT name, value FROM refs WHERE name = ?1 OR name >= ?2 AND name < ?3 OR name >= ?4 AND name < ?5"
)
MADE = "SELECT number FROM logs WHERE made_by = ? AND origin_position = ? AND origin_hash = ?"
_encode = msgspec.json.Encoder().encode


class KnownLog(Protocol):
    """What is remembered of a log from one transaction to the next."""

    base: int
    origin: Head
    recent: Recent
    lineage: Lineage


class Logs(Protocol):
    """Where the logs of a store are remembered."""

    def known(self, number: int, connection: apsw.Connection) -> KnownLog | None:
        """A log, which the connection finds where nobody has opened it yet; None where it is not there."""
        ...

    def fresh(self, number: int, origin: Head) -> KnownLog:
        """A log that is being made, of which nothing is remembered before it is kept."""
        ...


class Writing:
    """The units of one call, inside of their transaction; see `judge.StoreView`."""

    def __init__(
        self, logs: Logs, connection: apsw.Connection, units: Sequence[Unit], *, again: bool
    ) -> None:
        self._logs = logs
        self._connection = connection
        self._again = again
        self._refs: dict[str, str | None] = {}
        self._ids: dict[int, list[str]] = {}
        names: set[str] = set()
        for unit in units:
            for step in unit.steps:
                if isinstance(step, Append) and isinstance(step.log, int):
                    self._ids.setdefault(step.log, []).extend([draft.id for draft in step.batch])
                elif isinstance(step, SetRef):
                    names.add(step.name)
        self._first_ref = names.pop() if names else None
        self.written: dict[int, LogWriting] = {}
        self.dropped: list[int] = []

    def do(self, unit: Unit) -> Outcome:
        """Judge a unit, and do what it says. Some rows are inserted later, all at once."""
        plan = judge(unit, self)
        return self._follow(plan) if isinstance(plan, Plan) else plan

    def log(self, number: int) -> LogWriting | None:
        """A log; see `judge.StoreView`."""
        if number in self.written:
            return self.written[number]
        known = None if number in self.dropped else self._logs.known(number, self._connection)
        return None if known is None else self._open(number, known)

    def _open(self, number: int, known: KnownLog) -> LogWriting | None:
        if self._again:
            known.recent.forget()
        name = self._first_ref
        writing = LogWriting(
            self._connection, known, self._ids.get(number, ()), None if name in self._refs else name
        )
        if writing.gone:
            return None
        if name is not None and writing.ref is not None:
            self._refs.setdefault(name, writing.ref[0])
        self.written[number] = writing
        return writing

    def ref(self, name: str) -> str | None:
        """The value of a ref, which nobody else can change while this transaction lasts."""
        if name not in self._refs:
            found: Any = self._connection.execute("SELECT value FROM refs WHERE name = ?", (name,)).get
            self._refs[name] = found
        return self._refs[name]

    def made(self, new: NewLog) -> int | None:
        """The log that was made under this id."""
        found: Any = self._connection.execute(MADE, (new.id, new.origin.position, new.origin.hash)).get
        return None if found is None else int(found)

    def needs(self, number: int) -> str | None:
        """What still needs a log."""
        self._insert()
        refs: Any = self._connection.execute(NAMING, (REFLOG, BRANCH, beyond(BRANCH), MARK, beyond(MARK)))
        origins: Any = self._connection.execute(ORIGINS)
        return needed_by(
            number,
            dict(refs),
            {other: head_of(tuple(origin)) for other, *origin in origins},
            lambda position, hash: holding(self._connection, position, hash),
        )

    def _follow(self, plan: Plan) -> Outcome:
        numbers = {new.id: self._make(new) if number is None else number for new, number in plan.logs}
        for name, batch, commits in plan.appends:
            log = self.log(name if isinstance(name, int) else numbers[name.id])
            assert log is not None
            log.add(batch, commits)
        for step in plan.refs:
            self._set(
                step.name, str(numbers[step.value.id]) if isinstance(step.value, NewLog) else step.value
            )
        for number, commit, places in plan.withheld:
            self._withhold(number, commit, places)
        for number in plan.dropped:
            self._drop(number)
        return Written(tuple(plan.commits), tuple(numbers.values()))

    def _make(self, new: NewLog) -> int:
        row: Any = self._connection.execute(LAST_LOG_AND_KEY).fetchall()[0]
        number, key = int(row[0]) + 1, row[1]
        if number > LAST_LOG:
            raise StoreRefused(f"there is no log after {LAST_LOG}")
        if key >= first_key(number):
            raise StoreCorrupt(
                f"there are rows of log {number}, which is made only now; run: backstory verify"
            )
        origin = new.origin
        values = (number, origin.position, origin.hash, micros(origin.time), new.id)
        indexed = first_key(number) + origin.position
        self._connection.execute(
            "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, row_digest(*values), indexed)
        )
        self._open(number, self._logs.fresh(number, origin))
        return number

    def _set(self, name: str, value: str | None) -> None:
        if value is None:
            self._connection.execute("DELETE FROM refs WHERE name = ?", (name,))
        else:
            row = (name, value, row_digest(name, value))
            self._connection.execute("INSERT OR REPLACE INTO refs VALUES (?, ?, ?)", row)
        self._refs[name] = value

    def _withhold(self, number: int, commit: Commit, places: Sequence[int]) -> None:
        log = self.log(number)
        assert log is not None
        self._connection.execute("PRAGMA secure_delete = ON")
        log.withhold(commit, places)
        self._connection.execute("DELETE FROM caches")

    def _drop(self, number: int) -> None:
        log = self.log(number)
        assert log is not None
        log.finish()
        drop_rows(self._connection, number)
        del self.written[number]
        self.dropped.append(number)

    def _insert(self) -> None:
        for log in self.written.values():
            log.insert()

    def added(self, number: int) -> tuple[Head, Sequence[Recorded]]:
        """Where a log ended before this call, and the events that it has since; for hooks."""
        log = self.log(number)
        assert log is not None
        return log.found, log.added()

    def finish(self) -> None:
        """Insert what is left, and index the runs that are full."""
        for log in self.written.values():
            log.finish()

    def kept(self) -> None:
        """Remember for each log that all of it is written."""
        for log in self.written.values():
            log.kept()

    def forget(self) -> None:
        """Remember nothing of these logs: nobody knows what was kept."""
        for log in self.written.values():
            log.forget()


class LogWriting:
    """What is written to one log; see `judge.LogView`. It is `gone` where the log was dropped.

    Looks up at once where the log ends, which of `ids` are known, and the value of a ref, if one is named: `ref`.
    """

    def __init__(
        self, connection: apsw.Connection, known: KnownLog, ids: Sequence[str], ref: str | None
    ) -> None:
        self._connection = connection
        self._base = known.base
        self._origin = known.origin
        self._rows = Rows(fetcher(connection), known.base, known.origin)
        self._recent = known.recent
        self._lineage = known.lineage
        found, indexed_ids, self.ref = self._rows.ends_and_more(known.lineage.seen, ids, ref)
        self.gone = found is None and self._rows.dropped()
        if not self.gone and ((lost := known.lineage.lost(found, self._rows)) or found is None):
            raise Lost(lost)
        self.head, self.indexed = found or (known.origin, 0)
        self.found = self.head
        self._recent.catch_up(self.head, self._news)
        self._added: list[tuple[Draft, Commit]] = []
        self._inserted = 0
        # Beyond the indexes it need not look where the recent ids reach back as far.
        self._known = {*indexed_ids, *self._rows.known_beyond(ids, self.indexed, self._recent.seen.start)}
        self._asked = set(ids)

    def _news(self, left: Head) -> News | None:
        """What other processes have appended after `left`; None where that is much, or the log has not this point."""
        upto = self.head.position
        if not left.position < upto <= left.position + TAIL or self._rows.hash_at(left.position) != left.hash:
            return None
        return self._rows.news(left.position, upto)

    def known(self, id: str) -> Commit | None:
        """The commit with this id; see `judge.LogView`."""
        if id not in self._asked:
            self._asked.add(id)
            self._known.update(self._rows.known_ids([id], self.indexed, self.found.position))
        if id not in self._known and id not in self._recent.seen.ids:
            return None
        self.insert()
        return self._rows.by_id(id, self.indexed)

    def matching(self, condition: Condition, limit: int) -> Sequence[Recorded]:
        """The first events that the condition forbids; see `judge.LogView`."""
        if self._recent.seen.rules_out(condition.query, condition.after):
            return ()
        self.insert()
        # What this transaction has added is beyond the indexes as well.
        events = self._rows.events(
            condition.query, condition.after, self.head.position, self.indexed, limit=limit
        )
        return list(events)

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the commit that ends at a position, or of the origin; see `judge.LogView`."""
        known = self._recent.seen.hashes.get(position)
        if known is not None:
            return known
        if position == self._origin.position:
            return self._origin.hash
        if not self._origin.position < position <= self.head.position:
            return None
        self.insert()
        return self._rows.hash_at(position)

    def add(self, batch: Batch, commits: Sequence[Commit]) -> None:
        """Append what was judged."""
        for draft, commit in zip(batch, commits, strict=True):
            self._added.append((draft, commit))
            self.head = self._recent.add(commit, draft.events)

    def withhold(self, commit: Commit, places: Sequence[int]) -> None:
        """Write a commit and its events anew without these parts."""
        self.insert()
        events = self._rows.events(Query.all(), commit.first - 1, commit.position, self.indexed)
        kept, rest = emptied(commit, events, places)
        _size, _id, _time, _authored, *parts, query, _after, secret = row_of(kept)[:11]
        self._connection.execute(EMPTY_COMMIT, (*parts, query, secret, self._base + commit.position))
        first = self._base + commit.first
        self._connection.executemany(
            EMPTY_EVENT, [(event.data, position) for position, event in enumerate(rest, first)]
        )

    def added(self) -> list[Recorded]:
        """The events that were added."""
        return [event for draft, commit in self._added for event in recorded(draft.events, commit)]

    def finish(self) -> None:
        """Insert what is left, and index a run if there is one."""
        self.insert()
        if self.head.position - self.indexed >= RUN:
            write_run(self._connection, self._base, self.indexed, self.found.position, self._added)

    def insert(self) -> None:
        """Insert what was added since the last time: few statements for many commits."""
        if self._inserted == len(self._added):
            return
        base, new = self._base, self._added[self._inserted :]
        self._inserted = len(self._added)
        commits = [(base + commit.position, *row_of(commit)) for _, commit in new]
        events = [
            (position, base + commit.position, event.type, event.version, _encode(event.tags), event.data)
            for draft, commit in new
            for position, event in enumerate(draft.events, base + commit.first)
        ]
        self._connection.executemany(INSERT_COMMIT, commits)
        self._connection.executemany(INSERT_EVENT, events)

    def kept(self) -> None:
        """Remember that all of it is written."""
        self._recent.durable(self.head.position)
        self._lineage.note(self.head)

    def forget(self) -> None:
        """Remember nothing: nobody knows what was kept."""
        self._recent.forget()


def fetcher(connection: apsw.Connection) -> Any:
    """How rows are fetched over one connection."""
    return lambda sql, arguments: connection.execute(sql, arguments).fetchall()


def holding(connection: apsw.Connection, position: int, hash: bytes) -> list[int]:
    """The logs that have this commit end at this position themselves."""
    if not 0 < position <= POSITION:
        return []
    rows: Iterable[Any] = connection.execute(HOLDING, (position, hash))
    return [number for [number] in rows]
