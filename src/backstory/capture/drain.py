"""The drainer: takes rows out of the outbox, and appends them to the log as the events of rows.

Ids of commits follow from the outbox, so whatever dies between the append and the deletion, and however many drainers
are at work, each row is in the log once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.capture.described import Captured
from backstory.capture.forms import rows_of, split
from backstory.capture.outbox import Outbox, Piece, Taken
from backstory.decide.context import Context
from backstory.decide.drafting import Said
from backstory.errors import IdReused
from backstory.rows.events import Fields, same
from backstory.rows.kinds import Kind, kind
from backstory.values.ids import derived

if TYPE_CHECKING:
    from backstory.capture.capture import Begin
    from backstory.database import Database
    from backstory.rows.events import RowEvent
    from backstory.values.commit import Draft

TOGETHER = 5_000
"""Rows that are appended in one call, about: as many pieces as have so many."""


class Drained(msgspec.Struct, frozen=True):
    """What a drainer did: the rows that it took out of the outbox, the commits that it added; and where the log ends.

    `position` is what reads are given as `after=` or `commit=`, so that they see what was drained.
    """

    rows: int
    commits: int
    position: int


class Drainer:
    """Brings what is in an outbox to a branch of a database. Safe for many threads; several may be at work at once."""

    def __init__(self, db: Database, begin: Begin, home: str) -> None:
        self._db = db
        self._begin = begin
        self._home = home

    def drain(self) -> Drained:
        """Bring all that is committed now, or wait for nobody: what another drainer has begun, that one brings."""
        rows = commits = 0
        while (done := self._round()) is not None:
            rows, commits = rows + done[0], commits + done[1]
        return Drained(rows, commits, self._db.head().position)

    def _round(self) -> tuple[int, int] | None:
        """Bring some pieces. In PostgreSQL that is one transaction, which keeps others away; in SQLite it must not be
        one, because those who write would wait for it."""
        with self._begin() as tx:
            outbox = Outbox(tx, self._home)
            if not outbox.is_mine():
                return None
            pieces = _some(outbox.pieces())
            if not pieces:
                return None
            added = self._append(self._drafts(outbox, pieces))
            if tx.dialect != "sqlite":
                outbox.delete(pieces)
                return sum(piece.rows for piece in pieces), added
        with self._begin() as tx:
            Outbox(tx, self._home).delete(pieces)
        return sum(piece.rows for piece in pieces), added

    def _drafts(self, outbox: Outbox, pieces: Iterable[Piece]) -> Iterator[Draft]:
        capture = outbox.id()
        shapes: dict[int, Captured] = {}
        for piece in pieces:
            events: list[RowEvent] = []
            at = None
            for taken in outbox.taken(piece):
                if taken.shape not in shapes:
                    shapes[taken.shape] = outbox.shape(taken.shape)
                events += _events(taken, shapes[taken.shape])
                at = taken.at
            if events and at is not None:
                yield self._draft(f"{capture}.{piece.name}", piece, events, at)

    def _draft(self, name: str, piece: Piece, events: list[RowEvent], at: Any) -> Draft:
        drafter = self._db.handle.drafter
        author, message, metadata = piece.first.said
        said = Said(
            derived("capture", name),
            author,
            message,
            msgspec.json.decode(metadata) if metadata else None,
            min(at, self._db.handle.branches.clock()),
            own=True,
        )
        return drafter.draft([drafter.codec.encode(event) for event in events], None, said, around=Context())

    def _append(self, drafts: Iterable[Draft]) -> int:
        """Append, and count what is new. An id that is known is of the same rows, as another drainer read them."""
        batches = [(draft,) for draft in drafts]
        if not batches:
            return 0
        added = 0
        for [draft], verdict in zip(batches, self._db.handle.log.append(batches), strict=True):
            if isinstance(verdict, tuple):
                added += verdict[0].secret == draft.secret
            elif not isinstance(verdict, IdReused):
                raise verdict
        return added


def _some(pieces: list[Piece]) -> list[Piece]:
    """The first pieces, as many as are appended in one call."""
    rows = 0
    for number, piece in enumerate(pieces, 1):
        rows += piece.rows
        if rows >= TOGETHER:
            return pieces[:number]
    return pieces


def _events(taken: Taken, captured: Captured) -> Iterator[RowEvent]:
    """The events of a row of the outbox: mostly one, none if nothing has changed that is kept."""
    made = kind(captured.history)
    old = None if taken.old is None else split(rows_of(taken.old, captured), captured)
    new = None if taken.new is None else split(rows_of(taken.new, captured), captured)
    if old is not None and new is not None and old[0] == new[0]:
        yield from _changed(made, new[0], old[1], new[1])
        return
    if old is not None:
        key, fields = old
        yield (
            made.changed(key=key, unset=tuple(fields)) if captured.part else made.deleted(key=key, row=fields)
        )
    if new is not None:
        key, fields = new
        yield made.changed(key=key, set=fields) if captured.part else made.inserted(key=key, row=fields)


def _changed(made: Kind, key: str, was: Fields, now: Fields) -> Iterator[RowEvent]:
    changes = {name: value for name, value in now.items() if name not in was or not same(was[name], value)}
    gone = tuple(name for name in was if name not in now)
    if changes or gone:
        yield made.changed(key=key, set=changes, unset=gone)
