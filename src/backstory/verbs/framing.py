"""The verbs of frames: events, states and rows as columns, for polars, pandas and Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any, cast

from backstory.decide.read_query import wanted
from backstory.decide.state import State
from backstory.history.ask.similar import warn_of_unknown
from backstory.history.refs.revision import Revision
from backstory.rows.kinds import Row
from backstory.table import Table
from backstory.told import extra
from backstory.values.commit import Commit
from backstory.values.query import Query
from backstory.verbs.projecting import Projects

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from backstory.database import Database
    from backstory.frames import Frame

FRAMES = "frames"
"""The extra that has Arrow."""


class Frames(Projects):
    """Frames of events and of states."""

    def frame(
        self,
        *what: type[Any] | UnionType | str | State | Query | Table[Any],
        tags: Iterable[str] = (),
        after: int | str = 0,
        where: str = "",
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        history: bool = False,
    ) -> Frame:
        """Events, the states of a class, or the rows of a table as columns: `db.frame(Deposited).polars()`.

        Of events, `what`, `tags` and `after` are those of `read`. Of event classes, each field is a column of its type;
        of all else, the data are JSON. Before them stand `position`, `authored`, `time`, `author`, `message` and
        `commit`, its id; with `commit_` before it where a field has that name. Of a class of states, or a table,
        `where`, `order_by`, `limit` and `commit` are those of `find`; a table without a class has the columns that its
        values make, and before them `key`, or `row_key` where a row has a field of that name.

        Of a row, `db.frame(orders.row("17"))`, and with `history` of a table, it is what happened: one row for each
        field that a commit changed, with `key`, `change`, `field`, `before` and `after`, which are text, or JSON. It
        takes `at`. `db.frame(orders, history=True).csv("orders.csv")` is the history as CSV.

        Values that are marked as personal or secret are null, but for personal ones inside of `personal_shown()`;
        withheld ones are null, too. Needs the extra `frames`. Raises `ValueError` for a value that its column cannot
        hold, such as a whole number of more than 64 bits.
        """
        extra("pyarrow", "db.frame", FRAMES)
        from backstory.frames import Frame, row_history, states
        from backstory.frames.columns import table_of

        if len(what) == 1 and (history or isinstance(what[0], Row)):
            if tags or after or where or order_by or limit is not None or commit is not None:
                raise TypeError("the history of rows takes at=: filter the frame")
            return Frame(row_history.found(cast("Database", self), cast("Any", what[0]), at))
        if history:
            raise TypeError("history=True goes with one table: db.frame(orders, history=True)")
        if len(what) == 1 and _is_found(what[0]):
            asked: Any = {"order_by": order_by, "limit": limit, "at": at, "commit": commit}
            return Frame(states.found(cast("Database", self), cast("Any", what[0]), where, asked))
        if where or order_by or commit is not None:
            raise TypeError("where, order_by and commit are for states and rows; of events, filter the frame")
        read = self.batches(*cast("Any", what), tags=tags, after=after, limit=limit, at=at)
        first = next(read)
        return Frame(table_of([first, *read], first.schema))

    def batches(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        limit: int | None = None,
        at: Revision | None = None,
        size: int = 65_536,
    ) -> Iterator[RecordBatch]:
        """Stream events as record batches of Arrow, `size` rows each, for more events than memory has room for.

        The columns are those of `frame`; a decimal number has 18 digits behind the point, and 20 before it. One batch
        without rows stands for no events.
        """
        extra("pyarrow", "db.batches", FRAMES)
        from backstory.frames import events
        from backstory.frames.columns import batches

        line, upto = self._view(at)
        warn_of_unknown(line.log, what)
        query, begin = wanted(what, tags), self.handle.position(after, line)
        columns, typed = events.columns(what)
        rows = events.rows(line.log, line.codec, query, typed=typed, after=begin, upto=upto, limit=limit)
        yield from batches(rows, columns, size)


def _is_found(what: Any) -> bool:
    """Whether `find` gives what is meant: the states of a class, or the rows of a table; and no events."""
    return (isinstance(what, type) and issubclass(what, State)) or isinstance(what, Table)
