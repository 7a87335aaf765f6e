"""A store whose appends to main bring some groups up to date, in the transaction of the append.

An inline group catches up within the append: it goes by its checkpoint, and not by having been called. So appends of
another process that does not have the projection, or of the command line, are no loss: the next append here finds the
checkpoint behind, and applies what is missing first. If too much is missing, the append does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from backstory.errors import ProjectionFailed
from backstory.history.refs.branches import Branches
from backstory.projections.applying import FailedError, apply, decoded, passes, told
from backstory.projections.catalog import DIVERGED, LEFT_OUT, RUNNING, Row
from backstory.projections.homes import Home, ensured, home_of, together
from backstory.projections.projection import AnyProjection, groups
from backstory.projections.source import Source
from backstory.refs import MAIN_REF
from backstory.store import Log, Store, Verdict
from backstory.stores.appending import append_through
from backstory.stores.guarded import SameCommits
from backstory.tables import Transaction
from backstory.unit import Addition, Append, Batch, Hook, Outcome, SetRef, Step, Unit, Within
from backstory.values.codec import Codec
from backstory.values.commit import Commit, Head
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query

MOST_INLINE = 1_000
"""Events that a group may lack for an append to apply them first. More are the work of a runner."""


class Inline:
    """One group that is brought up to date within appends."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def catch_up(self, tx: Transaction, found: Head, addition: Addition, source: Source) -> None:
        """Apply what the group lacks, and what was added. Raises `ProjectionFailed`."""
        group, catalog = self.home.group, self.home.catalog
        if not any(event.type in group.types for event in addition.events):
            return
        row = catalog.live(tx, *group.key, lock=True)
        if row is None:  # it is built; or a newer generation went live in this moment
            row = catalog.live(tx, *group.key, lock=True)
        if row is None or row.state != RUNNING:
            return
        if not self._fits(row, found, source):
            why = f"an append found #{found.position}, and the tables were made from another history; rebuild them"
            catalog.set_state(tx, row.key, DIVERGED, why)
            return
        missed = list(self._missed(row, found, source))
        if len(missed) > MOST_INLINE:
            return
        opened = source.codec.opened(event for event in addition.events if event.type in group.types)
        # Where several calls share the transaction and it fails, each is written alone: so its event is known then.
        alone = bool(missed) or len(addition.commits) == 1
        self._apply(tx, row, [*missed, *opened], _finder(addition, source), source.codec, alone=alone)
        end = addition.commits[-1]
        catalog.move(tx, row, end.position, end.hash)

    def _fits(self, row: Row, found: Head, source: Source) -> bool:
        """Whether the checkpoint is a point of the log that the append found."""
        if row.position == found.position:
            return row.hash == found.hash
        return row.position < found.position and source.has(row.position, row.hash)

    def _missed(self, row: Row, found: Head, source: Source) -> Iterator[RecordedEvent]:
        if row.position == found.position:
            return iter(())
        query = Query.of(self.home.group.types)
        return source.log().read(query, after=row.position, upto=found.position, limit=MOST_INLINE + 1)

    def _apply(
        self,
        tx: Transaction,
        row: Row,
        records: Sequence[RecordedEvent],
        commit_at: Callable[[int], Commit],
        codec: Codec,
        *,
        alone: bool,
    ) -> None:
        group = self.home.group
        held = {each.position for each in self.home.catalog.held_back(tx, row.key) if each.state == LEFT_OUT}
        try:
            batch = decoded(group, [each for each in records if each.position not in held], codec)
            if len(batch) == 1 or not alone:
                with together(tx):
                    apply(group, batch, self.home.own(tx, row.generation), commit_at)
            else:  # one by one, so that the event at fault is known
                apply(group, batch, self.home.own(tx, row.generation), commit_at)
        except FailedError as failed:
            position = (failed.stored or records[0]).position
            raise ProjectionFailed(group.name, position, failed.why) from failed.__cause__
        except Exception as error:  # of a statement that was sent with others
            if passes(error):
                raise
            raise ProjectionFailed(group.name, records[0].position, told(error, group.types)) from error


class InlineStore:
    """Another store, whose appends to main bring groups up to date; see `backstory.store.Store`."""

    def __init__(self, below: Store, inlines: Sequence[Inline], codec: Codec) -> None:
        self.below = below
        self.persistent = below.persistent
        self.spans_logs = below.spans_logs
        self.joins = below.joins
        self.refs = below.refs
        self.caches = below.caches
        self.tables = below.tables
        self.logs = below.logs
        self.origin = below.origin
        self.holding = below.holding
        self.join = below.join
        self.watch = below.watch
        self.wake = below.wake
        self.problems = below.problems
        self.close = below.close
        self._inlines = inlines
        self._source = Source(Branches(below), codec)

    @property
    def seat(self) -> str | None:
        """See `Store.seat`."""
        return self.below.seat

    def joined(self, transaction: Transaction) -> Store:
        """The store inside a transaction, with the same groups; see `Store.joined`."""
        return InlineStore(self.below.joined(transaction), self._inlines, self._source.codec)

    def log(self, number: int = 0) -> Log:
        """A log, whose appends bring the groups up to date."""
        return InlineLog(self.below.log(number), partial(append_through, self.write, number))

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit; see `Store.write`."""
        return self.below.write([self._hooked(unit) for unit in units])

    def _hooked(self, unit: Unit) -> Unit:
        if unit.within is not None or not any(isinstance(step, Append) for step in unit.steps):
            return unit
        main = self._main(unit)
        if any(isinstance(step, Append) and step.log == main for step in unit.steps):
            return msgspec.structs.replace(unit, within=Within(main, self._hook))
        return unit

    def _main(self, unit: Unit) -> int:
        """The log that main means while the unit is written; -1 if the unit moves main."""
        for step in unit.steps:
            if isinstance(step, SetRef) and step.name == MAIN_REF:
                return int(step.value) if step.is_guard and isinstance(step.value, str) else -1
        return int(self.refs.get(MAIN_REF) or -1)

    def _hook(self, tx: Transaction, found: Head, addition: Addition) -> None:
        for each in self._inlines:
            each.catch_up(tx, found, addition, self._source)


class InlineLog(SameCommits):
    """A log of an `InlineStore`."""

    def __init__(self, log: Log, append: Callable[..., list[Verdict]]) -> None:
        super().__init__(log)
        self._append = append
        self.read = log.read
        self.counts = log.counts

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch; see `Log.append`."""
        return self._append(batches, beside, within)


def _finder(addition: Addition, source: Source) -> Callable[[int], Commit]:
    """A function from the position of a commit to the commit, for commits that nobody else sees yet, too."""
    added = {commit.position: commit for commit in addition.commits}
    earlier = source.finder(())
    return lambda position: added.get(position) or earlier(position)


def with_inline(store: Store, projections: Sequence[AnyProjection], codec: Codec) -> Store:
    """A store whose appends bring these projections up to date."""
    homes = [home_of(group, store, inline=True) for group in groups(projections).values()]
    for home in homes:
        ensured(home)
    return InlineStore(store, list(map(Inline, homes)), codec)
