"""Feeding one generation of a group: read a stretch of the log, apply it, move the checkpoint, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from backstory.projections.applying import FailedError, Opened, apply, decoded, passes, told
from backstory.projections.catalog import (
    DIVERGED,
    EARLIER,
    KEPT_BACK,
    LEFT_OUT,
    RUNNING,
    STOPPED,
    LostError,
    Parked,
    Row,
    keys_of,
)
from backstory.projections.homes import Home, can_send_together, together
from backstory.projections.source import Source, Stretch
from backstory.tables import Transaction
from backstory.values.commit import Head
from backstory.values.event_data import RecordedEvent

FAR = 10_000
"""Positions without an event of the group after which the checkpoint is moved all the same."""


class Step(Enum):
    """The result of a step: the tables went on; there is nothing to do; or the row says what keeps them back."""

    MOVED = "moved"
    AT_END = "at the end"
    KEPT = "kept back"


class Feed:
    """Feeds one generation. `row` is the row as it was last seen; with a `lease`, only as its owner."""

    def __init__(
        self, home: Home, source: Source, row: Row, lease: float = 0.0, size: int | None = None
    ) -> None:
        self.home = home
        self.row = row
        self.lease = lease
        self._source = source
        self._most = home.group.batch  # unless a commit alone has more
        self._size = size or self._most
        self._sure = False  # whether the log is known to have the checkpoint's commit
        self._chain: object = None
        self._dense = False

    @property
    def group_name(self) -> str:
        """The name of the group."""
        return self.home.group.name

    def step(self) -> Step:
        """Take one step. Raises `LostError`, and errors that may pass: of the store, and of the database."""
        if not self._checked():
            return Step.KEPT
        stretch = self._source.after(self.row.position, self.home.group.types, self._size, dense=self._dense)
        self._dense = stretch.dense
        near = self.row.position > 0 and stretch.end.position - self.row.position < FAR
        if not stretch.records and not stretch.more and near:
            return Step.AT_END if self._runs() else Step.KEPT
        try:
            moved = self._apply(stretch)
        except FailedError as failed:
            self._failed(stretch.records, failed)
            return Step.MOVED if self.row.state == RUNNING else Step.KEPT
        self._size = min(self._most, self._size * 2)
        if not moved:
            return Step.MOVED if self.row.state == RUNNING else Step.KEPT
        return Step.MOVED if stretch.more or stretch.records else Step.AT_END

    def _runs(self) -> bool:
        """Whether nothing keeps it from going on, as its row says now."""
        self._refresh()
        return self.row.state == RUNNING

    def _refresh(self) -> None:
        for row in self.home.rows():
            if row.generation == self.row.generation:
                if self.lease and row.epoch != self.row.epoch:
                    raise LostError(row.name)
                self.row = row
                return
        raise LostError(self.row.name)

    def _checked(self) -> bool:
        """Whether the log has the checkpoint's commit: it has no other one since it was asked last."""
        chain = self._source.branches.get("main").chain
        if self._sure and chain == self._chain:
            return self.row.state == RUNNING or self._runs()
        if not self._source.has(self.row.position, self.row.hash):
            point = self._source.common(self.row.position, self.row.hash, self.home.group.types)
            if point is not None:
                self._go_back(point)
                return self.row.state == RUNNING
            if self.row.state == DIVERGED:
                return False
            why = (
                f"the log has no commit {self.row.hash.hex()[:10]} at #{self.row.position}: it is another history, as"
                " after a restore or a move of main; rebuild it"
            )
            self._note(DIVERGED, why)
            return False
        self._sure, self._chain = True, chain
        return self.row.state == RUNNING or self._runs()

    def _go_back(self, point: Head) -> None:
        """Move the checkpoint to an older commit, for which the tables are right too."""
        with self.home.writing(self.row.generation) as tx:
            row = self._locked(tx)
            if (row.position, row.hash) == (self.row.position, self.row.hash):
                self.home.catalog.move(tx, row, point.position, point.hash, self.lease)
                if row.state == DIVERGED:
                    self.home.catalog.set_state(tx, row.key, RUNNING)
            self.row = self.home.catalog.lock(tx, row.key) or row

    def _note(self, state: str, why: str) -> None:
        with self.home.writing(self.row.generation) as tx:
            row = self._locked(tx)
            self.home.catalog.set_state(tx, row.key, state, why)
            self.row = self.home.catalog.lock(tx, row.key) or row

    def _locked(self, tx: Transaction) -> Row:
        """The row, which nobody else changes before the transaction ends. Raises `LostError`."""
        row = self.home.catalog.lock(tx, self.row.key, self.row.epoch if self.lease else None)
        if row is None:
            raise LostError(self.row.name)
        return row

    def _apply(self, stretch: Stretch) -> bool:
        """Apply a stretch and move the checkpoint; False if the row says something else than before."""
        batch = self._decoded(stretch.records)
        find = self._source.finder(stretch.records)
        catalog, group = self.home.catalog, self.home.group
        with self.home.writing(self.row.generation) as tx:
            row = self._locked(tx)
            if (row.position, row.hash, row.state) != (self.row.position, self.row.hash, RUNNING):
                self._sure = self._sure and row.position == self.row.position
                self.row = row  # an append has brought it further, or somebody paused it
                return False
            batch = self._without_held_back(tx, batch)
            own = self.home.own(tx, row.generation)
            try:
                if self._size < self._most:  # one by one, so that the event at fault is known
                    apply(group, batch, own, find)
                else:
                    with together(tx):
                        apply(group, batch, own, find)
            except FailedError as failed:
                if self._size == self._most and can_send_together(tx):
                    failed.stored = None  # the statement at fault may be an earlier one
                raise
            except Exception as error:
                if passes(error):
                    raise
                raise FailedError(None, told(error, group.types)) from error
            catalog.move(tx, row, stretch.end.position, stretch.end.hash, self.lease)
            self.row = catalog.lock(tx, row.key) or row
        return True

    def _decoded(self, records: Sequence[RecordedEvent]) -> list[Opened]:
        """The events as objects. Raises `FailedError` for one that cannot be read, unless it is left out."""
        try:
            return decoded(self.home.group, records, self._source.codec)
        except FailedError:
            with self.home.writing(self.row.generation) as tx:
                held = self.home.catalog.held_back(tx, self.row.key)
            left_out = {each.position for each in held if each.state == LEFT_OUT}
            return decoded(
                self.home.group,
                [each for each in records if each.position not in left_out],
                self._source.codec,
            )

    def _without_held_back(self, tx: Transaction, batch: list[Opened]) -> list[Opened]:
        """The events that are not left out, and whose key is not kept back; those of such a key are kept back too."""
        catalog, key = self.home.catalog, self.row.key
        held = catalog.held_back(tx, key)
        if not held:
            return batch
        keys, known = set(keys_of(held)), {each.position for each in held}
        left_out = {each.position for each in held if each.state == LEFT_OUT}
        rest, late = [], []
        for each in batch:
            if each[0].position in left_out:
                continue
            own = self.key_of(each[1])
            if own is None or own not in keys:
                rest.append(each)
            elif each[0].position not in known:
                late.append(Parked(each[0].position, own, EARLIER, KEPT_BACK, 0))
        catalog.park(tx, key, late)
        return rest

    def key_of(self, event: object) -> str | None:
        """The key of an event: events of one key stay in order. None where nothing is kept back."""
        field = self.home.group.partition
        return None if field is None else str(getattr(event, field))

    def _failed(self, records: Sequence[RecordedEvent], failed: FailedError) -> None:
        """Take a smaller batch next; stop, or keep the event back, where a commit alone failed."""
        if any(one.commit != other.commit for one, other in pairwise(records)):
            self._size = max(1, min(self._size, len(records)) // 2)
            return
        if self._size == self._most and len(records) > 1 and failed.stored is None:
            self._size = self._most - 1  # once more, so that the event is known
            return
        stored = failed.stored or records[0]
        why = f"#{stored.position} {stored.type}: {failed.why}"
        if self.home.group.on_error != "park" or (key := self._key_of_stored(stored)) is None:
            self._note(STOPPED, why)
            return
        with self.home.writing(self.row.generation) as tx:
            row = self._locked(tx)
            self.home.catalog.park(tx, row.key, [Parked(stored.position, key, failed.why, KEPT_BACK, 1)])

    def _key_of_stored(self, stored: RecordedEvent) -> str | None:
        """The key of a stored event; None if the event cannot be read."""
        try:
            [opened] = decoded(self.home.group, [stored], self._source.codec)
        except FailedError:
            return None
        return self.key_of(opened[1])

    def finish(self) -> bool:
        """Let readers see this generation if it is at the end of the log; whether they see this or a newer one now."""
        if self.row.live:
            return True
        with self.home.writing(self.row.generation) as tx:
            row = self._locked(tx)
            head = self._source.head()
            if row.state != RUNNING or self._source.lies_between(
                row.position, head.position, self.home.group.types
            ):
                self.row = row
                return False
            self.home.catalog.go_live(tx, row)
            self.row = self.home.catalog.lock(tx, row.key) or row
        self._drop_older()
        return True

    def _drop_older(self) -> None:
        """Drop all but the last tables before these: somebody may be in the middle of reading those.

        The first tables of a version leave those of other ones alone, which another process may read.
        """
        older = [row for row in self.home.rows() if row.generation < self.row.generation - 1]
        for row in older + (self.home.forsaken() if self.row.generation > 1 else []):
            try:
                self.home.drop(row)
            except Exception as error:  # `prune` does it later
                if not passes(error):
                    raise
