"""The outbox: rows that triggers wrote, as pieces that are appended to the log one after the other.

A piece is what one transaction wrote, with one author, up to `ROWS` rows or `BYTES`; the rest is the next piece. It
follows from the rows of its transaction alone, so a drainer that comes again after a crash finds the same pieces.

The order of pieces is that of their last rows. If a transaction changed a row after another one had changed it, that
other one had ended, so all of its numbers are lower than this one's number of that row. A transaction whose rows have
not all been seen is no piece yet, so no piece is brought before one that it stands on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from backstory.capture.claim import need_made, seat
from backstory.capture.described import Captured, quoted
from backstory.tables import Transaction

ROWS = 1_000
"""Rows of a piece. Ids of commits follow from it: another number would bring rows twice that a crash left behind."""

BYTES = 16 << 20
"""Bytes of the rows of a piece, at most, unless one row alone has more."""

WINDOW = 5_000
"""Rows that are looked at together, without their values."""


COPY = "C"
"""The operation of a row that was there before: it says how the row is."""


class Mark(msgspec.Struct, frozen=True):
    """A row in the outbox, without its values."""

    id: int
    tx: Any
    salt: int
    size: int
    said: tuple[str, str, str]
    layout: int
    op: str
    is_nameless: bool
    """Whether nobody said of which transaction it is: in SQLite, `tx` is its millisecond."""


class Piece(msgspec.Struct, frozen=True):
    """The rows of one commit: of a transaction, those from the first number to the last."""

    tx: Any
    first: Mark
    last: int
    rows: int
    size: int
    compares: bool
    """Whether it has rows that say how they are, and not what was done to them; see `backstory.capture.first`."""

    def part(self, first: Taken, last: int, rows: int) -> Piece:
        """A part of it, from a row to the one with the last number."""
        mark = msgspec.structs.replace(self.first, id=first.id, salt=first.salt)
        return msgspec.structs.replace(self, first=mark, last=last, rows=rows)

    @property
    def name(self) -> str:
        """A name that no other piece has: the number of its first row, and the random number of that row."""
        return f"{self.first.id}.{self.first.salt & (1 << 64) - 1:016x}"


class Taken(msgspec.Struct, frozen=True):
    """A row of the outbox."""

    id: int
    salt: int
    compares: bool
    at: datetime
    layout: int
    op: str
    old: bytes | str | None
    new: bytes | str | None


class Layout(msgspec.Struct, frozen=True):
    """A description of a table, and how far the first copy of its rows is.

    `gone` are the fields that the table had before, under an earlier description.
    """

    captured: Captured
    copied: str | None
    upto: int | None
    gone: frozenset[str] = frozenset()

    def compares(self, id: int, op: str) -> bool:
        """Whether the log may not know the row that a row of the outbox is about, or know more than it."""
        return op == COPY or (self.copied is not None and (self.upto is None or id <= self.upto))


class Outbox:
    """The outbox of a database, in one transaction."""

    def __init__(self, tx: Transaction, home: str) -> None:
        self._tx = tx
        self._is_sqlite = tx.dialect == "sqlite"
        self._name = "backstory_outbox" if self._is_sqlite else f"{quoted(home)}.outbox"
        self._layouts = "backstory_layouts" if self._is_sqlite else f"{quoted(home)}.layouts"
        self._capture = "backstory_capture" if self._is_sqlite else f"{quoted(home)}.capture"
        self._its = "coalesce(tx, at)" if self._is_sqlite else "tx"
        self._size = "coalesce({0}({1}), 0)".format
        self._length = "length" if self._is_sqlite else "octet_length"

    @property
    def may_replace(self) -> bool:
        """Whether a row can be inserted where there is one with its key, as SQLite's `INSERT OR REPLACE` does."""
        return self._is_sqlite

    def need_made(self) -> None:
        """Raise `StoreRefused` where the capture was never installed."""
        need_made(self._tx, self._capture)

    def capture(self) -> tuple[str, str, str]:
        """The random id of this capture, the place where it was made, and the place where it is."""
        [(id, made)] = self._tx.rows(f"SELECT id, seat FROM {self._capture}")
        return id, made, seat(self._tx, self._capture)

    def wait_for_others(self) -> None:
        """Wait until no other drainer is at work in PostgreSQL, and keep others waiting until the transaction ends."""
        if not self._is_sqlite:
            key = f"hashtextextended('backstory drainer ' || '{self._name}'::regclass::oid::text, 0)"
            self._tx.rows(f"SELECT pg_advisory_xact_lock({key})::text")

    def layouts(self) -> dict[int, Layout]:
        """The descriptions of tables that rows of the outbox name."""
        found = self._tx.rows(f"SELECT id, captured, copied, upto FROM {self._layouts} ORDER BY id")
        layouts: dict[int, Layout] = {}
        had: dict[tuple[str, str], set[str]] = {}
        for id, described, copied, upto in found:
            captured = msgspec.json.decode(described, type=Captured)
            before = had.setdefault((captured.name, captured.history), set())
            fields = {column.field for column in captured.columns}
            layouts[id] = Layout(captured, copied, upto, frozenset(before - fields))
            before |= fields
        return layouts

    def pieces(self, layouts: Mapping[int, Layout]) -> list[Piece]:
        """The next pieces, in their order; none if the outbox is empty."""
        window = WINDOW
        while True:
            marks = self._marks(window)
            is_all = len(marks) < window
            going_on = set() if is_all else self._going_on(marks)
            found = sorted(_cut(marks, going_on, layouts, self._is_sqlite), key=lambda piece: piece.last)
            if found or is_all:
                return found
            window *= 2

    def _marks(self, limit: int) -> list[Mark]:
        size = " + ".join(self._size(self._length, side) for side in ("old", "new"))
        found = self._tx.rows(
            f"SELECT id, {self._its}, salt, {size}, coalesce(author, ''), coalesce(message, ''),"
            f" coalesce(metadata, ''), layout, op, tx IS NULL FROM {self._name} ORDER BY id LIMIT ?",
            (limit,),
        )
        return [
            Mark(id, tx, salt, size, (author, message, metadata), layout, _text(op), bool(is_nameless))
            for id, tx, salt, size, author, message, metadata, layout, op, is_nameless in found
        ]

    def _going_on(self, marks: Sequence[Mark]) -> set[Any]:
        """The transactions that have rows after these, too. In SQLite one writes at a time, so it is the last one."""
        last = marks[-1]
        if self._is_sqlite:
            found = self._tx.rows(
                f"SELECT {self._its} FROM {self._name} WHERE id > ? ORDER BY id LIMIT 1", (last.id,)
            )
            return {tx for (tx,) in found if tx == last.tx}
        known = ",".join({str(int(mark.tx)) for mark in marks})
        found = self._tx.rows(
            f"SELECT tx FROM unnest(ARRAY[{known}]) AS tx"
            f" WHERE EXISTS (SELECT 1 FROM {self._name} o WHERE o.tx = tx.tx AND o.id > ?)",
            (last.id,),
        )
        return {tx for (tx,) in found}

    def taken(self, piece: Piece, layouts: Mapping[int, Layout]) -> Iterator[Taken]:
        """The rows of a piece."""
        found = self._tx.rows(
            f"SELECT id, salt, at, layout, op, old, new FROM {self._name}"
            f" WHERE {self._its} = ? AND id BETWEEN ? AND ? ORDER BY id",
            (piece.tx, piece.first.id, piece.last),
        )
        for id, salt, at, layout, op, old, new in found:
            compares = layouts[layout].compares(id, _text(op))
            yield Taken(id, salt, compares, _moment(at), layout, _text(op), old, new)

    def delete(self, pieces: Iterable[Piece]) -> None:
        """Take the rows of pieces out of the outbox: they are in the log."""
        self._tx.executemany(
            f"DELETE FROM {self._name} WHERE {self._its} = ? AND id BETWEEN ? AND ?",
            [(piece.tx, piece.first.id, piece.last) for piece in pieces],
        )


def _moment(at: Any) -> datetime:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)


def _text(op: str | bytes) -> str:
    return op if isinstance(op, str) else op.decode()


def _cut(
    marks: Iterable[Mark], going_on: set[Any], layouts: Mapping[int, Layout], by_turns: bool
) -> Iterator[Piece]:
    """The pieces that are whole among these rows.

    `by_turns`: no transaction goes on after another one's rows. What looks like it is another one of that millisecond.
    """
    open_ones: dict[Any, Piece] = {}
    for mark in marks:
        if by_turns and mark.tx not in open_ones:
            yield from open_ones.values()
            open_ones.clear()
        compares = layouts[mark.layout].compares(mark.id, mark.op)
        piece = open_ones.get(mark.tx)
        if piece is not None and not _has_room(piece, mark):
            yield piece
            piece = None
        if piece is None:
            open_ones[mark.tx] = Piece(mark.tx, mark, mark.id, 1, mark.size, compares)
        else:
            rows, size, compares = piece.rows + 1, piece.size + mark.size, piece.compares or compares
            open_ones[mark.tx] = Piece(mark.tx, piece.first, mark.id, rows, size, compares)
    yield from (piece for tx, piece in open_ones.items() if tx not in going_on)


def _has_room(piece: Piece, mark: Mark) -> bool:
    return piece.rows < ROWS and piece.size + mark.size <= BYTES and piece.first.said == mark.said
