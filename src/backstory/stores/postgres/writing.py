"""One transaction that writes units: first the locks of all that they touch, then one unit after the other.

Neighbours that are an append each go through the function which judges and writes in one step, those of a log in one
call. Any other unit is judged here, on the data that the transaction sees, and then written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import psycopg

from backstory.errors import NotThere, StoreCorrupt
from backstory.refs import BRANCH, MARK, REFLOG
from backstory.stores.hooks import addition, run_hooks
from backstory.stores.judge import Plan, judge
from backstory.stores.needed import needed_by
from backstory.stores.postgres import lookups
from backstory.stores.postgres.append_call import LAST_LOG, Offer
from backstory.stores.postgres.calls import Added, calls, outcomes
from backstory.stores.postgres.failures import may_pass
from backstory.stores.postgres.keys import link_keys
from backstory.stores.postgres.locks import locks, taking
from backstory.stores.postgres.log import PostgresLog
from backstory.stores.postgres.rows import Rows
from backstory.stores.postgres.session import Inside
from backstory.stores.postgres.tables import PostgresTransaction, inside
from backstory.stores.postgres.wire import INT8, TEXT, blob, joined, long
from backstory.stores.rows import LOG_BITS, POSITION, decode_tags, emptied
from backstory.told import pasted
from backstory.unit import Addition, Append, Batch, NewLog, Outcome, Unit, Withhold, Written
from backstory.values.commit import ORIGIN, Commit, Head, micros
from backstory.values.event_data import RecordedEvent
from backstory.values.links import words_of
from backstory.values.query import Condition, Query, to_json

MAYBE_LINKED = """
SELECT c.key, convert_to(c.metadata, 'UTF8'), e.tags FROM {schema}.commits c JOIN {schema}.events e ON e.key = c.key
WHERE c.key > %s AND c.key <= %s AND c.metadata ~ '"(causation|correlation|reverts)"' ORDER BY c.key
"""
"""The commits of a log that may have links, with the tags of their last events."""


class HookFailed(Exception):
    """A hook raised an error of the database's, which is not to be taken for one of the store's own."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.error = error


class _View:
    """The judge's view of a log; see `judge.LogView`. `ids` are those that the judge will ask for."""

    def __init__(self, rows: Rows, head: Head, ids: Sequence[str]) -> None:
        self._rows = rows
        self._known = {commit.id: commit for commit in rows.by_ids(ids)} if ids else {}
        self.head = head

    def known(self, id: str) -> Commit | None:
        return self._known.get(id)

    def matching(self, condition: Condition, limit: int) -> Sequence[RecordedEvent]:
        return list(self._rows.events(condition.query, condition.after, self.head.position, limit=limit))

    def hash_at(self, position: int) -> bytes | None:
        return self._rows.hash_at(position, self.head)


class Writing:
    """The units of one call, inside of their transaction; see `judge.StoreView`.

    `opened` gives a log that this process has open already. The events that were `added` to each log, and the logs
    that were `dropped`, are true once the transaction is kept.
    """

    def __init__(self, inside: Inside, opened: Callable[[int], PostgresLog | None]) -> None:
        self._inside = inside
        self._schema = inside.address.schema
        self._opened = opened
        self._ids: list[str] = []
        self.added: dict[int, Added] = {}
        self.dropped: list[int] = []

    def do(self, units: Sequence[Unit], offers: Sequence[Offer | None]) -> list[Outcome]:
        """Do each unit, and run the hooks; `offers` are those of the units, in order."""
        self._inside.look(f"SELECT {taking(self._schema)}", locks(units))
        said: list[Outcome] = []
        for _, group in groupby(zip(units, offers, strict=True), key=lambda pair: pair[1] is None):
            pairs = list(group)
            neighbours = [offer for _, offer in pairs if offer is not None]
            said += self._offer(neighbours) if neighbours else [self._do(unit) for unit, _ in pairs]
        if any(unit.within is not None for unit in units):
            self._run_hooks(units, said)
        return said

    def _call(self, function: str, *arguments: object) -> object:
        """The value that a function of the schema gives."""
        places = ", ".join("%b" if isinstance(argument, bytes) else "%s" for argument in arguments)
        return self._inside.look(f"SELECT {self._schema}.{function}({places})", arguments)[0][0]

    def _offer(self, offers: Sequence[Offer]) -> list[Outcome]:
        """Let the database judge and write these, the offers to each log in turn."""
        said: dict[int, Outcome] = {}
        for number in sorted({offer.log for offer in offers}):
            places = [place for place, offer in enumerate(offers) if offer.log == number]
            own = self._offer_to(number, [offers[place] for place in places])
            said |= zip(places, own, strict=True)
        return [said[place] for place in range(len(offers))]

    def _offer_to(self, number: int, offers: Sequence[Offer]) -> list[Outcome]:
        rows = self._rows(number)
        if rows is None:
            return [NotThere(f"log {number}") for _ in offers]
        said: list[Outcome] = []
        for call in calls(offers, self._near(number), alone=True):
            outcome, added = outcomes(call, call.send(self._inside.session, self._schema), rows)
            self._note(number, added)
            said += outcome
        return said

    def _rows(self, number: int) -> Rows | None:
        opened = self._opened(number)
        origin = lookups.origin_of(self._inside, number) if opened is None else opened.origin
        return None if origin is None else Rows(self._inside, number, origin)

    def _near(self, number: int) -> int:
        """A position that a log has surely reached."""
        if number in self.added:
            return self.added[number].head.position
        opened = self._opened(number)
        return 0 if opened is None else opened.seen.position

    def _note(self, number: int, added: Added) -> None:
        if number in self.added:
            self.added[number].batches += added.batches
        elif added.batches:
            self.added[number] = added

    def _do(self, unit: Unit) -> Outcome:
        """Judge a unit, and do its steps."""
        self._ids = list(_ids(unit))
        plan = judge(unit, self)
        if not isinstance(plan, Plan):
            return plan
        numbers = {new.id: self._make(new) if number is None else number for new, number in plan.logs}
        for name, batch, commits in plan.appends:
            self._append(name if isinstance(name, int) else numbers[name.id], batch, commits)
        for step in plan.refs:
            value = str(numbers[step.value.id]) if isinstance(step.value, NewLog) else step.value
            if not self._call("set_ref", step.name, value, step.old):
                raise StoreCorrupt(f"the ref {step.name} was changed in spite of its lock")
        for number, commit, places in plan.withheld:
            self._withhold(number, commit, places)
        if plan.withheld:
            self._mark_anew()
        for number in plan.dropped:
            self._drop(number)
            self.added.pop(number, None)
            self.dropped.append(number)
        return Written(tuple(plan.commits), tuple(numbers.values()))

    def log(self, number: int) -> _View | None:
        """A log; see `judge.StoreView`."""
        rows = self._rows(number) if 0 <= number <= LAST_LOG else None
        head = None if rows is None else rows.ends()
        return None if rows is None or head is None else _View(rows, head, self._ids)

    def ref(self, name: str) -> str | None:
        """The value of a ref."""
        return lookups.ref(self._inside, name)

    def mark(self) -> str | None:
        """The store's mark."""
        return lookups.mark(self._inside)

    def _mark_anew(self) -> None:
        """Give the store another mark: one unit after the other does, see `locks`."""
        marked = lookups.MARKED.format(schema=self._schema)
        for sql in (
            f"DROP FUNCTION IF EXISTS {marked}()",
            f"CREATE FUNCTION {marked}() RETURNS void LANGUAGE sql AS ''",
        ):
            self._inside.session.small.execute(sql.encode())

    def made(self, new: NewLog) -> int | None:
        """The log that was made under this id."""
        sql = (
            f"SELECT number FROM {self._schema}.logs"
            " WHERE made_by = %s AND origin_position = %s AND origin_hash = %s"
        )
        rows = self._inside.look(sql, (new.id, new.origin.position, new.origin.hash))
        return rows[0][0] if rows else None

    def needs(self, number: int) -> str | None:
        """The reason why a log is still needed."""
        naming = {
            name: value
            for prefix in (BRANCH, MARK, REFLOG)
            for name, value in lookups.refs(self._inside, prefix).items()
        }
        return needed_by(
            number,
            naming,
            lookups.origins(self._inside),
            lambda position, hash: lookups.holding(self._inside, position, hash),
        )

    def _make(self, new: NewLog) -> int:
        origin = new.origin
        number = self._call("make_log", new.id, origin.position, origin.hash, micros(origin.time))
        assert isinstance(number, int)
        return number

    def _append(self, number: int, batch: Batch, commits: tuple[Commit, ...]) -> None:
        """Write the units that were judged here. The database judges them again, with the same result."""
        [outcome] = self._offer_to(number, [Offer(number, batch)])
        if outcome != Written((commits,)):
            raise StoreCorrupt(f"log {number} was judged in two ways: {outcome!r}; run: {pasted('verify')}")

    def _withhold(self, number: int, commit: Commit, places: Sequence[int]) -> None:
        rows = self._rows(number)
        assert rows is not None
        events = list(rows.events(Query.all(), commit.first - 1, commit.position))
        kept, rest = emptied(commit, events, places)
        gone = set(words_of(commit.metadata_json)) - set(words_of(kept.metadata_json))
        self._call(
            "withhold",
            rows.base + commit.position,
            kept.author,
            kept.message,
            kept.command_json,
            kept.metadata_json,
            None if kept.condition is None else to_json(kept.condition.query),
            kept.secret,
            joined(TEXT, len(rest), [blob(event.data) for event in rest]),
            _longs(link_keys(events[-1].tags, gone)),
        )

    def _drop(self, number: int) -> None:
        first = number << LOG_BITS
        rows = self._inside.fetch(MAYBE_LINKED.format(schema=self._schema), (first, first + POSITION))
        links = [
            (link, key)
            for key, metadata, tags in rows
            for link in link_keys(decode_tags(tags), words_of(metadata))
        ]
        columns = [_longs(link for link, _ in links), _longs(key for _, key in links)]
        self._call("drop_log", number, *columns)

    def _run_hooks(self, units: Sequence[Unit], said: Sequence[Outcome]) -> None:
        try:
            with (
                PostgresTransaction(self._inside.session) as transaction,
                inside(self._inside.address, transaction),
            ):
                run_hooks(transaction, units, said, self._found)
        except psycopg.Error as error:
            if may_pass(error):
                raise  # the whole call is tried again
            raise HookFailed(error) from error

    def _found(self, number: int) -> tuple[Head, Addition]:
        added = self.added.get(number)
        if added is None:
            return ORIGIN, Addition((), ())
        pairs = (pair for batch, commits in added.batches for pair in zip(batch, commits, strict=True))
        return added.found, addition(pairs)


def _longs(values: Iterable[int]) -> bytes:
    found = [long(value) for value in values]
    return joined(INT8, len(found), found)


def _ids(unit: Unit) -> Iterator[str]:
    """The ids of commits that a unit names."""
    for step in unit.steps:
        if isinstance(step, Append):
            yield from (draft.id for draft in step.batch)
        elif isinstance(step, Withhold):
            yield step.id
