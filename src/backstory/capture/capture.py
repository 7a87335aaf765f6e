"""Capture of some tables: what is made in the application's database, and what is said in its transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from backstory.capture import postgres, sqlite
from backstory.capture.claim import adopt, need_made, not_made, seat
from backstory.capture.described import Captured, Column, quoted
from backstory.capture.first import Copying
from backstory.errors import DefinitionError
from backstory.tables import Transaction
from backstory.values.event_data import check_text
from backstory.values.forms import free_json
from backstory.values.ids import new_id

if TYPE_CHECKING:
    from backstory.capture.drain import Drainer
    from backstory.database import Database

Begin = Callable[[], AbstractContextManager[Transaction]]
"""Gives a transaction of the application's database for the length of a block, which is committed at its end."""

HOME = "backstory_capture"
"""The schema of the outbox in PostgreSQL; in SQLite its tables begin with `backstory_`."""


PAGE = 1_000
"""Rows that are copied in one transaction, unless somebody says another number."""


class Capture:
    """The captured tables of one database. It holds no connection. Safe for many threads.

    Raises `DefinitionError` for two tables with one history, unless one is a `part` of the other.
    """

    def __init__(self, tables: Sequence[Captured], *, home: str = HOME) -> None:
        self.tables = tuple(tables)
        self.home = home
        whole = [table.history for table in self.tables if not table.part]
        if twice := {name for name in whole if whole.count(name) > 1}:
            raise DefinitionError(f"two tables cannot have one history: {', '.join(sorted(twice))}")

    def install(self, tx: Transaction, *, is_ahead: bool = False) -> None:
        """Make the outbox and the triggers, or make them fit the tables as they are now. All or nothing.

        `is_ahead` says that migrations are still to make some of what is described here. Columns that are not there
        yet have no changes to record. A table that is not there is left alone, and so is one without a column of its
        key or one that is `left_out`: its values may have another name until then, and must not be recorded.
        """
        with _whole(tx):
            self._make_home(tx)
            for each in self.tables:
                table = self._as_it_is(tx, each) if is_ahead else each
                if table is None:
                    continue
                made = self._resolved(tx, table)
                layout = self._layout(tx, made)
                self._drop(tx, table)
                if tx.dialect == "sqlite":
                    sqlite.create(tx, made, layout)
                else:
                    postgres.create(tx, made, layout, self.home)

    def remove(self, tx: Transaction) -> None:
        """Drop the triggers. Rows in the outbox stay for the drainer."""
        with _whole(tx):
            for table in self.tables:
                self._drop(tx, table)

    def recorded(self, tx: Transaction) -> list[Captured]:
        """The tables that have triggers, also those that are none of these any more: each as it was last captured."""
        dialect = sqlite if tx.dialect == "sqlite" else postgres
        found = tx.rows(f"SELECT captured FROM {self._name(tx, 'layouts')} ORDER BY id")
        known = [msgspec.json.decode(captured, type=Captured) for (captured,) in found]
        return [
            table for table in {each.name: each for each in known}.values() if dialect.triggers(tx, table)
        ]

    def check(self, tx: Transaction) -> list[str]:
        """The faults, in words: triggers that are missing, and columns that they do not know. Empty if all fits."""
        if fault := not_made(tx, self._name(tx, "capture")):
            return [fault]
        found = []
        for table in self.tables:
            try:
                made = self._resolved(tx, table)
            except DefinitionError as wrong:
                found.append(str(wrong))
                continue
            if tx.dialect == "sqlite":
                there, needed = sqlite.triggers(tx, table), {"INSERT", "UPDATE", "DELETE"}
            else:
                there, needed = postgres.triggers(tx, table), {"INSERT", "UPDATE", "DELETE", "TRUNCATE"}
            if missing := needed - set(there):
                found.append(
                    f"{table.name}: changes are lost, there is no trigger for {', '.join(sorted(missing))}"
                )
                continue
            number = self._known(tx, made)
            if number is None:
                was = next((one for one in self.recorded(tx) if one.name == table.name), None)
                found.append(f"{table.name}: its triggers do not fit: {_unlike(was, made)}")
        return [f"{each}; install the capture again" for each in found]

    def say(
        self,
        tx: Transaction,
        *,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        transaction: str | None = None,
    ) -> None:
        """Say who writes, and why, for what this transaction writes from now on. It ends with the transaction.

        In SQLite it is a row that is written in the transaction, so `hush` must take it away before the commit; rows
        that are written without any are each a commit of the log, with what triggers of the application wrote about it
        before. `transaction` names the transaction there, with a text that no other one has, where something is said
        twice in it.
        """
        said = (
            None if author is None else check_text(author, "the author"),
            None if message is None else check_text(message, "the message"),
            None if metadata is None else free_json(dict(metadata), "the metadata").decode(),
        )
        if tx.dialect == "sqlite":
            tx.execute(
                "INSERT OR REPLACE INTO backstory_said VALUES (1, ?, ?, ?, ?)",
                (transaction or new_id(), *said),
            )
        else:
            tx.rows(
                "SELECT set_config('backstory.author', ?, true), set_config('backstory.message', ?, true),"
                " set_config('backstory.metadata', ?, true)",
                [each or "" for each in said],
            )

    def hush(self, tx: Transaction) -> None:
        """Take away what was said, at the end of a transaction of SQLite; in PostgreSQL it ends by itself."""
        if tx.dialect == "sqlite":
            tx.execute("DELETE FROM backstory_said")

    def copy(
        self,
        begin: Begin,
        *,
        rows: int = PAGE,
        again: bool = False,
        author: str | None = None,
        message: str | None = "as it was when its history began",
    ) -> int:
        """Bring the rows that tables had before into the outbox, and return how many.

        Each page of `rows` is a transaction, and a commit of the log. A copy that was killed goes on where it was, and
        one that is over is not made again, unless `again` is set: then the log gets what it does not know, such as a
        column that is new. Rows that are not there any more stay in the log. Raises `ValueError` for a page of none.
        """
        if rows < 1:
            raise ValueError(f"a page has at least one row, not {rows}")
        copied = 0
        for table in self.tables:
            with begin() as tx:
                copying = self._copying(tx, table)
                there = copying.begin(tx, again=again)
            while there:
                with begin() as tx:
                    number = copying.page(tx, rows, partial(self.say, tx, author=author, message=message))
                    if number:
                        self.hush(tx)
                if number is None:
                    break
                copied += number
        return copied

    def copy_row(
        self, tx: Transaction, key: Sequence[Any], *, author: str | None = None, message: str | None = None
    ) -> None:
        """Bring a row as it is now into the outbox again, by the values of its key's columns; none if it is gone.

        The log gets what it does not know: the whole row, where data of its events were withheld.
        """
        for table in self.tables:
            self._copying(tx, table).row(tx, key, partial(self.say, tx, author=author, message=message))
            self.hush(tx)

    def _copying(self, tx: Transaction, table: Captured) -> Copying:
        need_made(tx, self._name(tx, "capture"))
        made = self._resolved(tx, table)
        number = self._known(tx, made)
        if number is None:
            raise DefinitionError(
                f"{table.name}: its triggers do not fit; install the capture before its rows are copied"
            )
        return Copying(made, number, self._name(tx, "layouts"), self._name(tx, "outbox"))

    def adopt(self, tx: Transaction, db: Database) -> None:
        """Take a database that was copied, restored or moved for the one whose rows the history is of from now on.

        The drainer refuses such a database until then: of two copies, only one can be the truth of a history.
        """
        name = self._name(tx, "capture")
        id = new_id()
        tx.execute(f"UPDATE {name} SET id = ?, seat = ?", (id, seat(tx, name)))
        adopt(db, id, [table.history for table in self.tables])

    def drainer(self, db: Database, begin: Begin, adopting: str = "call adopt of the capture") -> Drainer:
        """The drainer, which takes rows out of the outbox and appends them to the branch of a database.

        `adopting` says in its errors what somebody does who goes on with a copy of the database.
        """
        from backstory.capture.drain import Drainer

        return Drainer(db, begin, self.home, adopting)

    def _make_home(self, tx: Transaction) -> None:
        if tx.dialect == "sqlite":
            for statement in sqlite.TABLES:
                tx.execute(statement.strip())
        elif tx.dialect == "postgresql":
            for statement in postgres.home_sql(self.home):
                tx.execute(statement.strip())
        else:
            raise DefinitionError(
                f"rows of {tx.dialect} cannot be captured: there are triggers for SQLite and for PostgreSQL"
            )

        name = self._name(tx, "capture")
        tx.execute(f"INSERT INTO {name} VALUES (1, ?, ?) ON CONFLICT DO NOTHING", (new_id(), seat(tx, name)))

    def _name(self, tx: Transaction, table: str) -> str:
        """One of the capture's own tables, in SQL."""
        return f"backstory_{table}" if tx.dialect == "sqlite" else f"{quoted(self.home)}.{table}"

    def _resolved(self, tx: Transaction, table: Captured) -> Captured:
        """The table with all of its columns, as it is now."""
        found = (sqlite if tx.dialect == "sqlite" else postgres).columns(tx, table)
        names = {column.name for column in found}
        said = {column.name: column for column in table.columns}
        if strangers := [name for name in (*table.key, *table.left_out, *said) if name not in names]:
            raise DefinitionError(
                f"{table.name} has no column {strangers[0]}; it has {', '.join(sorted(names))}"
            )
        virtual = [] if tx.dialect == "sqlite" else postgres.virtual(tx, table)
        left_out = (*table.left_out, *(name for name in virtual if name not in table.left_out))
        made = tuple(
            _both(said.get(column.name, column), column) for column in found if column.name not in left_out
        )
        return replace(table, columns=made, left_out=left_out)

    def _as_it_is(self, tx: Transaction, table: Captured) -> Captured | None:
        """The table without columns that are not there yet; None if it is to be left alone."""
        try:
            found = (sqlite if tx.dialect == "sqlite" else postgres).columns(tx, table)
        except DefinitionError:
            return None
        names = {column.name for column in found}
        if not names.issuperset((*table.key, *table.left_out)):
            return None
        return replace(table, columns=tuple(column for column in table.columns if column.name in names))

    def _known(self, tx: Transaction, made: Captured) -> int | None:
        """The number of the newest description of a table, if it is this one."""
        layouts = self._name(tx, "layouts")
        found = tx.rows(
            f"SELECT id, captured FROM {layouts} WHERE source = ? ORDER BY id DESC LIMIT 1", (made.name,)
        )
        return found[0][0] if found and found[0][1] == _encoded(made) else None

    def _layout(self, tx: Transaction, made: Captured) -> int:
        """The number of this description of a table; rows in the outbox name it, so it stays as it is."""
        number = self._known(tx, made)
        if number is None:
            layouts = self._name(tx, "layouts")
            tx.execute(f"INSERT INTO {layouts} (source, captured) VALUES (?, ?)", (made.name, _encoded(made)))
            number = self._known(tx, made)
        assert number is not None
        return number

    def _drop(self, tx: Transaction, table: Captured) -> None:
        (sqlite if tx.dialect == "sqlite" else postgres).drop(tx, table)


def _both(said: Column, found: Column) -> Column:
    """A column as it was described, with what the database says where nothing else was said."""
    if said.kind and said.kind != found.kind:
        return said
    return replace(said, kind=found.kind, scale=found.scale if said.scale is None else said.scale)


def _encoded(made: Captured) -> str:
    return msgspec.json.encode(made).decode()


def _unlike(was: Captured | None, made: Captured) -> str:
    """The columns in which a table differs from what its triggers were made for."""
    before = {column.name for column in was.columns} if was is not None else set()
    now = {column.name for column in made.columns}
    new, gone = sorted(now - before), sorted(before - now)
    told = [f"they do not know {', '.join(new)}"] if new else []
    told += [f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} gone"] if gone else []
    return (
        "; ".join(told)
        or "the table's key, the name of its history, or the kind of a column is another one now"
    )


@contextmanager
def _whole(tx: Transaction) -> Iterator[None]:
    """All statements of a block or none, also where the driver of SQLite begins no transaction for them."""
    tx.execute("SAVEPOINT backstory_capture")
    try:
        yield
    except BaseException:
        tx.execute("ROLLBACK TO SAVEPOINT backstory_capture")
        tx.execute("RELEASE SAVEPOINT backstory_capture")
        raise
    tx.execute("RELEASE SAVEPOINT backstory_capture")
