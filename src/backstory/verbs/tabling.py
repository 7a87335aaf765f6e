"""The verbs of tables: plain rows with a history, and a row that is to be forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from backstory.errors import BranchError, DefinitionError
from backstory.rows.shape import Found, Plain, Typed, name_of, names
from backstory.table import Table
from backstory.verbs.held import Held

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.rows.kinds import Row

T = TypeVar("T")


class Tables(Held):
    """Tables of rows."""

    @overload
    def table(
        self, what: str, *, name: None = None, key: str | None = None, unique: Iterable[str] = ()
    ) -> Table[Found]: ...

    @overload
    def table(
        self, what: type[T], *, name: str | None = None, key: str | None = None, unique: Iterable[str] = ()
    ) -> Table[T]: ...

    def table(
        self,
        what: str | type[T],
        *,
        name: str | None = None,
        key: str | None = None,
        unique: Iterable[str] = (),
    ) -> Table[Any]:
        """A table of rows with a history, on this branch: dicts by its name, or objects of a class.

        It need not be made: it has the rows that were written. A class (dataclass, struct, attrs, pydantic) has the
        name of the class in small letters (`CustomerOrder`: `customer_order`) unless `name` says another, and `key` is
        its field that says which row it is, `id` if it has one. Of an untyped table, `key` is a field that stands for
        the key in its rows. No two rows have the same value in a `unique` field, of those that were written with it.
        Raises `DefinitionError`.
        """
        if isinstance(what, str):
            if name is not None:
                raise DefinitionError(f"the table {what} has its name already, and cannot be {name}")
            called, shape = what, cast("Any", Plain(what, key))
        elif not isinstance(what, type):
            raise DefinitionError(
                f"a table is named by a text, or by the class of its rows, and not by {what!r}"
            )
        else:
            called = name or name_of(what)
            shape = Typed(called, what, key)
        fields = shape.unique(names(unique, "unique"))
        return Table(cast("Database", self), called, shape, fields)

    def forget(self, row: Row, *, message: str) -> int:
        """Take the values of a row out of its history for good: `db.forget(customers.row("c-1"), message="...")`.

        It holds for every branch, and for the arguments of the commands that wrote the row; it gives how many events
        had such values. That something happened, when, by whom and why stays, with every hash and with tags. Delete
        the row before: a row that is still there cannot be read then, until it is deleted or written whole. Tables of
        projections keep the values until they are made anew, and copies of the store keep them. Other processes that
        have read the row forget its values.

        Raises `BranchError` inside of `what_if`, and `DefinitionError` for what is no row.
        """
        from backstory.rows.forgetting import forget_row
        from backstory.rows.kinds import Row

        if self.name is None:
            raise BranchError(
                "this branch has no name, and forgetting is for good, on every branch: call forget of the database"
                " that it was made of"
            )
        if not isinstance(row, Row):
            raise DefinitionError(
                f"{row!r} is no row of a table: give one, as db.table('customers').row('c-1')"
            )
        try:
            return forget_row(self.branches, row.table, row.key, why=message)
        finally:
            self.handle.lines.cache.clear()
