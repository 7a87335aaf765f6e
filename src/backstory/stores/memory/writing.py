"""How units are written in memory: judged one after the other, and then all of them become true at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backstory.refs import WITHHELD, marked_anew
from backstory.store import ALL
from backstory.stores.judge import Plan, judge
from backstory.stores.memory.log import Home, MemoryLog
from backstory.stores.needed import needed_by
from backstory.unit import Addition, NewLog, Outcome, Unit, Written
from backstory.values.commit import Commit, Head
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Condition


class Now(msgspec.Struct, frozen=True):
    """All of a store, as one value: writes become true when it is exchanged, all of them at once."""

    logs: dict[int, MemoryLog]
    heads: dict[int, Head]
    refs: dict[str, str]
    made: int

    def at(self, home: Home) -> Now:
        """The same with its logs in another home."""
        logs = {number: log.at(home) for number, log in self.logs.items()}
        return msgspec.structs.replace(self, logs=logs)

    def in_place_of(self, old: Now, home: Home) -> Now:
        """The same in the home of an older one, whose logs are the same objects as before."""
        logs = {
            number: old.logs[number].become(log) if number in old.logs else log.at(home)
            for number, log in self.logs.items()
        }
        return msgspec.structs.replace(self, logs=logs)


class _View:
    """The judge's view of a log while a unit is written; see `judge.LogView`."""

    def __init__(self, log: MemoryLog, head: Head) -> None:
        self._log = log
        self.head = head

    def known(self, id: str) -> Commit | None:
        return self._log.by_id(id, self.head)

    def matching(self, condition: Condition, limit: int) -> Sequence[RecordedEvent]:
        return list(self._log.events(condition.query, condition.after, self.head.position, limit=limit))

    def hash_at(self, position: int) -> bytes | None:
        return self._log.hash_at(position) if position <= self.head.position else None


class Writing:
    """The units of one call, and the store as they leave it; see `judge.StoreView`."""

    def __init__(self, home: Home, now: Now) -> None:
        self._home = home
        self._before = now
        self._logs, self._heads, self._refs = dict(now.logs), dict(now.heads), dict(now.refs)
        self._made = now.made
        self.withheld: list[tuple[int, Commit, tuple[int, ...]]] = []

    def log(self, number: int) -> _View | None:
        log = self._logs.get(number)
        return None if log is None else _View(log, self._heads[number])

    def ref(self, name: str) -> str | None:
        return self._refs.get(name)

    def mark(self) -> str | None:
        return self._refs.get(WITHHELD)

    def made(self, new: NewLog) -> int | None:
        for number, log in self._logs.items():
            if log.made_by == new.id and log.origin == new.origin:
                return number
        return None

    def needs(self, number: int) -> str | None:
        origins = {other: log.origin for other, log in self._logs.items()}
        return needed_by(number, self._refs, origins, self._holding)

    def _holding(self, position: int, hash: bytes) -> Sequence[int]:
        return [number for number, log in self._logs.items() if log.has(position, hash, self._heads[number])]

    def do(self, unit: Unit) -> Outcome:
        """Judge a unit, and do its steps."""
        plan = judge(unit, self)
        if not isinstance(plan, Plan):
            return plan
        numbers = {new.id: self._make(new) if number is None else number for new, number in plan.logs}
        for name, batch, commits in plan.appends:
            number = name if isinstance(name, int) else numbers[name.id]
            self._logs[number].add(batch, commits, self._heads[number])
            self._heads[number] = commits[-1].point
        for step in plan.refs:
            value = str(numbers[step.value.id]) if isinstance(step.value, NewLog) else step.value
            if value is None:
                del self._refs[step.name]
            else:
                self._refs[step.name] = value
        if plan.withheld:
            self.withheld += plan.withheld
            self._refs[WITHHELD] = marked_anew(self._refs.get(WITHHELD))
        for number in plan.dropped:
            del self._logs[number], self._heads[number]
        return Written(tuple(plan.commits), tuple(numbers.values()))

    def _make(self, new: NewLog) -> int:
        number = self._made
        self._made += 1
        self._logs[number] = MemoryLog(self._home, number, new.origin, new.id)
        self._heads[number] = new.origin
        return number

    def added(self, number: int) -> tuple[Head, Addition]:
        """The end of a log before this call, and what was added since."""
        log, head = self._logs[number], self._heads[number]
        found = self._before.heads.get(number, log.origin)
        commits = list(log.commits_between(found.position, head.position))
        return found, Addition(commits, list(log.events(ALL, found.position, head.position)))

    def done(self) -> Now:
        """The store as it is after this."""
        for number, commit, places in self.withheld:
            if number in self._logs:
                self._logs[number].withhold(commit, places)
        if WITHHELD in self._refs:
            mark = self._refs[WITHHELD]
            self._heads = {number: head.marked(mark) for number, head in self._heads.items()}
        return Now(self._logs, self._heads, self._refs, self._made)
