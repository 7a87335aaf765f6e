"""The drainer: takes rows out of the outbox, and appends them to the log as the events of rows.

Ids of commits follow from the outbox, so whatever dies between the append and the deletion, and however many drainers
are at work, each row is in the log once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from backstory.capture.claim import check_apart, claim
from backstory.capture.events import Change, changes_of, compared, events_of
from backstory.capture.order import doubtful, in_order, parted
from backstory.capture.outbox import Layout, Outbox, Piece
from backstory.decide.context import Context
from backstory.decide.drafting import Said
from backstory.decide.loading import Reads
from backstory.errors import Conflict, IdReused, StoreRefused
from backstory.rows.events import Fields, RowEvent, after
from backstory.rows.forms import formed
from backstory.rows.kinds import Row, kind
from backstory.rows.texts import value_of
from backstory.stores.guarded import GuardedLog
from backstory.values.ids import derived
from backstory.values.query import Condition, union

if TYPE_CHECKING:
    from datetime import datetime

    from backstory.capture.capture import Begin
    from backstory.capture.order import Name
    from backstory.database import Database
    from backstory.store import Log
    from backstory.tables import Transaction
    from backstory.values.commit import Draft, Head

TOGETHER = 5_000
"""Rows that are appended in one call, about: as many pieces as have so many."""


CAPTURED = "captured"
"""The metadata of a commit that name the first and the last row of the outbox that it was made of."""


class Drained(msgspec.Struct, frozen=True):
    """The work that a drainer did: rows taken out of the outbox, commits added, and the end of the log.

    Reads are given `position` as `after=` or `commit=`, so that they see what was drained.
    """

    rows: int
    commits: int
    position: int


class Drainer:
    """Brings what is in an outbox to a branch of a database. Safe for many threads; several may be at work at once."""

    def __init__(self, db: Database, begin: Begin, home: str, adopting: str) -> None:
        self._adopting = adopting
        self._db = db
        self._begin = begin
        self._home = home
        self._claimed: set[str] = set()
        self._is_made = False

    def drain(self) -> Drained:
        """Bring all that is committed now, also what another drainer has begun. It waits for no writer."""
        rows = commits = 0
        while (done := self._round()) is not None:
            rows, commits = rows + done[0], commits + done[1]
        return Drained(rows, commits, self._db.head().position)

    def _round(self) -> tuple[int, int] | None:
        """Bring some pieces. In PostgreSQL that is one transaction, which keeps others away; in SQLite it must not be
        one, because those who write would wait for it."""
        with self._begin() as tx:
            outbox = Outbox(tx, self._home)
            if not self._is_made:
                outbox.need_made()
                self._is_made = True
            outbox.wait_for_others()
            # Before the outbox is read: what is appended meanwhile is a conflict.
            head = self._db.handle.now().loader.head()
            layouts = outbox.layouts()
            capture = self._claim(tx, outbox, layouts)
            pieces = outbox.pieces(layouts)
            if not pieces:
                return None
            if behind := self._left_behind(outbox, capture, layouts, pieces):
                taken, added = behind, 0
            else:
                done = self._append(self._drafts(outbox, capture, layouts, _some(pieces), head))
                if done is None:
                    return 0, 0
                taken, added = done
            if tx.dialect != "sqlite":
                outbox.delete(taken)
        if tx.dialect == "sqlite":
            with self._begin() as tx:
                Outbox(tx, self._home).delete(taken)
        return sum(piece.rows for piece in taken), added

    def _claim(self, tx: Transaction, outbox: Outbox, layouts: Mapping[int, Layout]) -> str:
        """The id of the capture, after all looks right. Raises `StoreRefused`."""
        id, made, here = outbox.capture()
        if made != here:
            raise StoreRefused(
                f"this database was copied, restored or moved: its capture was made at {made}, and this is {here}. If"
                f" the history is to go on with this one, {self._adopting}"
            )
        check_apart(tx, self._db)
        histories = {layout.captured.history for layout in layouts.values()} - self._claimed
        claim(self._db, id, sorted(histories))
        self._claimed |= histories
        return id

    def _left_behind(
        self, outbox: Outbox, capture: str, layouts: Mapping[int, Layout], pieces: Iterable[Piece]
    ) -> list[Piece]:
        """The first pieces that are in the log already: their drainer died before their deletion. They go alone,
        because it may have seen fewer of their rows, and what it has not seen comes before the next piece."""
        found: list[Piece] = []
        for piece in pieces:
            if (upto := self._upto(capture, piece)) is None:
                break
            if not piece.first.is_nameless:
                found.append(msgspec.structs.replace(piece, last=min(piece.last, upto)))
                continue
            done = 0
            for row in outbox.taken(piece, layouts):
                if row.id <= done:
                    continue
                if (upto := self._upto(capture, piece.part(row, row.id, 1))) is None:
                    return found
                done = min(piece.last, upto)
                found.append(piece.part(row, done, 1))
        return found

    def _upto(self, capture: str, piece: Piece) -> int | None:
        """The last row of the commit that the log has of the first row of a piece; None if it has none."""
        known = self._db.handle.known(_id(capture, piece))
        return None if known is None else int(known.metadata[CAPTURED][1])

    def _drafts(
        self, outbox: Outbox, capture: str, layouts: Mapping[int, Layout], pieces: Iterable[Piece], head: Head
    ) -> Iterator[tuple[Piece, Draft | None]]:
        """Each piece, and its draft; None if it has no events."""
        here: dict[Name, Fields | None] = {}
        for piece in pieces:
            taken = list(outbox.taken(piece, layouts))
            by_row = [list(changes_of(each, layouts[each.layout].captured)) for each in taken]
            found = [change for some in by_row for change in some]
            if piece.first.is_nameless and not piece.compares:
                here.update(self._before({change.row: change for change in reversed(found)}, here, head))
                for begin, end, changes in parted(by_row, here, may_replace=outbox.may_replace):
                    here.update({change.row: change.new and change.new[1] for change in changes})
                    events = _events(changes)
                    part = piece.part(taken[begin], taken[end].id, end - begin + 1)
                    id, at = _id(capture, part), taken[end].at
                    yield part, self._draft(id, part, events, at, None) if events else None
                continue
            here.update(self._before(doubtful(found), here, head))
            changes = in_order(found, here, may_replace=outbox.may_replace)
            here.update({change.row: change.new and change.new[1] for change in changes})
            if piece.compares:
                events, condition = self._compared(changes, layouts, head)
            else:
                condition = None
                events = _events(changes)
            yield (
                piece,
                self._draft(_id(capture, piece), piece, events, taken[-1].at, condition) if events else None,
            )

    def _before(
        self, asked: Mapping[Name, Change], known: Mapping[Name, Fields | None], head: Head
    ) -> dict[Name, Fields | None]:
        """The states of these rows in the log, with the fields that a change of the table says; one that the log does
        not know, such as a column that is new, is as the change says."""
        rows = {
            (one.captured.history, name[1]): (name, one) for name, one in asked.items() if name not in known
        }
        references = [kind(history).row(key) for history, key in rows]
        states, _ = self._db.handle.now().loader.load_all(Reads(references), head)
        found: dict[Name, Fields | None] = {}
        for state in cast("list[Row]", states):
            name, change = rows[state.table, state.key]
            if state.row is None and change.taken.compares:
                continue  # it may be there, and not be copied yet
            _, fields = change.old or change.new or ("", {})
            row = state.row or {}
            gone = state.row is None or (change.captured.part and not row.keys() & fields.keys())
            found[name] = None if gone else {field: row.get(field, value) for field, value in fields.items()}
        return found

    def _compared(
        self, changes: Sequence[Change], layouts: Mapping[int, Layout], head: Head
    ) -> tuple[list[RowEvent], Condition]:
        """The events of a piece that the log may know in part, and the condition that it still knows no more."""
        rows: dict[tuple[str, str], Row] = {}
        for each in changes:
            if each.taken.compares:
                history, (_, key) = each.captured.history, each.row
                rows[history, key] = kind(history).row(key)
        loader = self._db.handle.now().loader
        states, _ = loader.load_all(Reads(list(rows.values())), head)
        now: dict[str, dict[str, Fields | None]] = {}
        for state in cast("list[Row]", states):
            now.setdefault(state.table, {})[state.key] = None if state.withheld else state.row
        found: list[RowEvent] = []
        for taken, captured, old, new in changes:
            known = now.setdefault(captured.history, {})
            events = (
                compared(taken, old, new, layouts[taken.layout], known)
                if taken.compares
                else events_of(old, new, captured)
            )
            for event in events:
                known[event.key] = after(event, known.get(event.key))
                found.append(event)
        return found, Condition(union([row.query() for row in rows.values()]), head.position)

    def _draft(
        self, id: str, piece: Piece, events: list[RowEvent], at: datetime, condition: Condition | None
    ) -> Draft:
        drafter = self._db.handle.drafter
        author, message, metadata = piece.first.said
        said = Said(
            id,
            author,
            message,
            {**_metadata(metadata), CAPTURED: [piece.first.id, piece.last]},
            min(at, self._db.handle.branches.clock()),
            own=True,
        )
        return drafter.draft(
            [drafter.codec.encode(event) for event in events], condition, said, around=Context()
        )

    def _log(self) -> Log:
        """The log of the branch, which takes rows that another database has, too."""
        line, stays = self._db.handle.now(), self._db.handle.tip.stays
        return line.stored if stays is None else GuardedLog(line.stored, self._db.name or "", stays)

    def _append(self, drafts: Iterable[tuple[Piece, Draft | None]]) -> tuple[list[Piece], int] | None:
        """Append. Returns the pieces that are in the log, and the number of commits that are new; None if the log has
        moved on meanwhile, so that it must be compared again."""
        done, waiting = [], []
        for piece, draft in drafts:
            if draft is None:
                done.append(piece)
            else:
                waiting.append((piece, draft))
        verdicts = self._log().append([(draft,) for _, draft in waiting]) if waiting else []
        added = 0
        for (piece, draft), verdict in zip(waiting, verdicts, strict=True):
            if isinstance(verdict, Conflict):
                return None
            if isinstance(verdict, IdReused):
                done.append(self._known(piece, draft))
            elif isinstance(verdict, tuple):
                done.append(piece)
                added += verdict[0].secret == draft.secret
            else:
                raise verdict
        return done, added

    def _known(self, piece: Piece, draft: Draft) -> Piece:
        """The part of a piece that is in the log already, as another drainer read it.

        It may have seen fewer rows of a millisecond in SQLite, where nobody says of which transactions they are.
        """
        known = self._db.handle.known(draft.id)
        assert known is not None
        return msgspec.structs.replace(piece, last=min(piece.last, known.metadata[CAPTURED][1]))


def _metadata(text: str) -> dict[str, Any]:
    """The metadata that a transaction said: anybody may set it in SQL, so that it need not be JSON."""
    found = formed(value_of(text), "json") if text else {}
    return found if isinstance(found, dict) else {"metadata": found}


def _events(changes: Iterable[Change]) -> list[RowEvent]:
    return [event for each in changes for event in events_of(each.old, each.new, each.captured)]


def _id(capture: str, piece: Piece) -> str:
    """The id of the commit of a piece."""
    return derived("capture", f"{capture}.{piece.name}")


def _some(pieces: list[Piece]) -> list[Piece]:
    """The first pieces, as many as are appended in one call. One that is compared with the log is alone in its call:
    its condition would forbid the pieces before it."""
    rows = 0
    for number, piece in enumerate(pieces):
        if piece.compares:
            return pieces[:number] or pieces[:1]
        rows += piece.rows
        if rows >= TOGETHER:
            return pieces[: number + 1]
    return pieces
