"""One transaction that writes units: the view of the store for the judge, and the rows to insert.

For each unit in turn (`do`): where its logs end, and which of its ids are known (one statement each, once for a call);
the verdict; refs and new logs at once. At the end (`finish`): the rows of all new commits in few statements, then the
indexes, where enough events wait. Then `StoreOver.write` runs the hooks of the units, and the transaction is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import apsw

from backstory.errors import StoreCorrupt, StoreRefused
from backstory.refs import BRANCH, MARK, REFLOG, WITHHELD, marked_anew
from backstory.stores.judge import Plan, judge
from backstory.stores.names import beyond
from backstory.stores.needed import needed_by
from backstory.stores.rows import POSITION, head_of
from backstory.stores.sqlite.log_writing import KnownLog, LogWriting
from backstory.stores.sqlite.read_plan import LAST_LOG, first_key
from backstory.stores.sqlite.rows import HOLDING, row_digest
from backstory.stores.sqlite.runs import drop_rows
from backstory.told import pasted
from backstory.unit import Addition, Append, NewLog, Outcome, SetRef, Unit, Written
from backstory.values.commit import Commit, Head, micros

LAST_LOG_AND_KEY = (
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'logs'), 0),"
    " max(coalesce((SELECT max(position) FROM events), 0), coalesce((SELECT max(position) FROM commits), 0))"
)
ORIGINS = "SELECT number, origin_position, origin_hash, origin_time FROM logs"
NAMING = (
    "SELECT name, value FROM refs WHERE name = ?1 OR name >= ?2 AND name < ?3 OR name >= ?4 AND name < ?5"
)
MADE = "SELECT number FROM logs WHERE made_by = ? AND origin_position = ? AND origin_hash = ?"


class Logs(Protocol):
    """The remembered logs of a store."""

    def known(self, number: int, connection: apsw.Connection) -> KnownLog | None:
        """A log, which the connection finds where nobody has opened it yet; None if it is not there."""
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
        """Judge a unit, and do its steps. Some rows are inserted later, all at once."""
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
            known.tail.forget()
        name = self._first_ref
        writing = LogWriting(
            self._connection, known, self._ids.get(number, ()), None if name in self._refs else name
        )
        if writing.gone:
            return None
        if name is not None and writing.ref is not None:
            self._refs.setdefault(name, writing.ref[0])
        self._refs.setdefault(WITHHELD, writing.found.withheld)
        self.written[number] = writing
        return writing

    def ref(self, name: str) -> str | None:
        """The value of a ref, which nobody else can change while this transaction lasts."""
        if name not in self._refs:
            found: Any = self._connection.execute("SELECT value FROM refs WHERE name = ?", (name,)).get
            self._refs[name] = found
        return self._refs[name]

    def mark(self) -> str | None:
        """The store's mark, which comes with the first log that is looked at."""
        return self._refs[WITHHELD] if WITHHELD in self._refs else self.ref(WITHHELD)

    def made(self, new: NewLog) -> int | None:
        """The log that was made under this id."""
        found: Any = self._connection.execute(MADE, (new.id, new.origin.position, new.origin.hash)).get
        return None if found is None else int(found)

    def needs(self, number: int) -> str | None:
        """The reason why a log is still needed."""
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
        if plan.withheld:
            self._set(WITHHELD, marked_anew(self.ref(WITHHELD)))
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
                f"there are rows of log {number}, which is made only now; run: {pasted('verify')}"
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

    def added(self, number: int) -> tuple[Head, Addition]:
        """The end of a log before this call, and what was added since; for hooks."""
        log = self.log(number)
        assert log is not None
        return log.found, log.added()

    def finish(self) -> None:
        """Insert the rows that are left, and index the runs that are full."""
        for log in self.written.values():
            log.finish()

    def kept(self) -> None:
        """Remember for each log that all of it is written."""
        for log in self.written.values():
            log.kept()

    def forget(self) -> None:
        """Remember nothing of these logs: nobody knows which units were kept."""
        for log in self.written.values():
            log.forget()


def holding(connection: apsw.Connection, position: int, hash: bytes) -> list[int]:
    """The logs that have this commit end at this position themselves."""
    if not 0 < position <= POSITION:
        return []
    rows: Iterable[Any] = connection.execute(HOLDING, (position, hash))
    return [number for [number] in rows]
