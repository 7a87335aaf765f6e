"""A table of rows with a history: what `db.table("customers")` gives.

    customers = db.table("customers")
    customers["c-1"] = {"name": "Ann", "city": "Basel"}
    customers.update("c-1", city="Bern")
    customers.get("c-1", at="main~1")["city"]          # Basel

A row is a state like any other, `customers.row("c-1")`, so all verbs of a database take it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypedDict, TypeVar, Unpack
from uuid import UUID

import msgspec

from backstory.errors import InvalidEvent, MissingRow, StaleRow
from backstory.rows.change import Asked, RowChange, change, is_write
from backstory.rows.events import Fields, same
from backstory.rows.kinds import Row, kind, known
from backstory.rows.shape import Shape, Typed, names, text_of
from backstory.syncing import BATCH, Syncing, Written
from backstory.writing import reused

if TYPE_CHECKING:
    from datetime import datetime
    from typing import NoReturn

    from backstory.database import Database
    from backstory.decide.call import Command
    from backstory.history.refs.revision import Revision
    from backstory.projections.find import Page
    from backstory.store import Record
    from backstory.values.commit import Commit

T = TypeVar("T")
ATTEMPTS = 20
"""How often a write reads the row again that others change meanwhile, before it raises `StaleRow`."""

Key = str | int | UUID
"""The name of a row, as a caller gives it; it is kept as text."""


Given: TypeAlias = T | Mapping[str, Any]
"""A row as it is given: an object of the table's class, or a dict of its fields."""


class Saying(TypedDict, total=False):
    """The words that a write may have, as for `Database.execute`."""

    id: str | None
    author: str | None
    message: str | None
    metadata: Mapping[str, Any] | None
    at: datetime | None


class Editing(NamedTuple, Generic[T]):
    """A row in an `edit` block: as it was, and as the block has it."""

    key: str
    was: Fields
    row: T


class Table(Generic[T]):
    """A table on one branch. It holds no rows: each verb reads the history. Safe for many threads."""

    def __init__(self, db: Database, name: str, shape: Shape[T], unique: tuple[str, ...] = ()) -> None:
        self._db = db
        self._kind = kind(name)
        self._shape = shape
        self.name = name
        self.unique = unique

    def __repr__(self) -> str:
        return f"<Table {self.name} of {self._db!r}>"

    @property
    def state(self) -> type[Row]:
        """The class of its rows as states, for `find`, `identities`, `turns` and `materialize` of the database."""
        return self._kind.row

    def row(self, key: Key) -> Row:
        """The reference to a row, for the verbs of the database: `db.blame(customers.row("c-1"))`."""
        return self._kind.row(text_of(key, self.name))

    def __getitem__(self, key: Key) -> T:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: Key, row: T | Mapping[str, Any]) -> None:
        self.put(key, row)

    def __delitem__(self, key: Key) -> None:
        try:
            self.delete(key)
        except MissingRow:
            raise KeyError(key) from None

    def __contains__(self, key: Key) -> bool:
        return self._loaded(key).row is not None

    def __iter__(self) -> NoReturn:
        raise TypeError("a table holds no rows to go through: for row in table.find()")

    def get(self, key: Key, at: Revision | None = None) -> T | None:
        """The row, now or as of a revision; None if there is none. What is given belongs to the caller.

        Raises `UnreadableEvent` where data of the row were withheld: then not all of its fields are known.
        """
        fields = known(self._loaded(key, at))
        return None if fields is None else self._shape.made(text_of(key, self.name), fields)

    def history(self, key: Key, at: Revision | None = None) -> Iterator[Record]:
        """Stream its events, oldest first: `RowInserted`, `RowChanged`, `RowDeleted`; `Unknown` where withheld."""
        return self._db.read(self.row(key), at=at)

    def find(
        self,
        where: str = "",
        *,
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        after: str | None = None,
        count: bool | Literal["about"] = False,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        timeout: float = 5.0,
    ) -> Page[T]:
        """The rows for which a condition on their fields is true, sorted by fields, then by key: `city == "Bern"`.

        As `Database.find`, which says what each parameter is. The rows are read from the table of
        `db.materialize(customers.state)`, else the log is folded. A field that a row does not have is None.
        """
        found = self._db.find(
            self.state,
            where,
            order_by=order_by,
            limit=limit,
            after=after,
            count=count,
            at=at,
            commit=commit,
            timeout=timeout,
        )
        return found.of(self._shape.made(each.key, each.row or {}) for each in found)

    def insert(self, key: Key | Given[T], row: Given[T] | None = None, /, **said: Unpack[Saying]) -> Commit:
        """Write a new row: its key and the row, or the row alone if one of its fields is the key.

        Raises `DuplicateRow` if a row with this key, or with one of its unique values, is there, and `InvalidEvent`.
        """
        name, fields = self._split(key, row)
        made = self._db.execute(self._change(RowChange(name, None, fields)), **said)
        assert made is not None
        return made

    def put(
        self, key: Key | Given[T], row: Given[T] | None = None, /, **said: Unpack[Saying]
    ) -> Commit | None:
        """Write a row whole: insert it, or change the fields that differ. None if there is nothing to change.

        It is `customers["c-1"] = row`, with what else a write may say. Of an untyped table, fields that are not in the
        row are taken away; fields that a class does not have stay. Raises as `insert`.
        """
        name, fields = self._split(key, row)

        def wanted(row: Row) -> Command | None:
            now = row.row
            if now is None or row.withheld:
                return self._change(RowChange(name, None, fields))
            return self._towards(name, now, {**fields}, gone=set(self._shape.known(now)) - set(fields))

        return self._again(name, wanted, said, (fields, None))

    def update(self, key: Key, /, **fields: Any) -> Commit | None:
        """Give fields of a row other values: `update("c-1", city="Bern")`. Raises `MissingRow`, `DuplicateRow`.

        None if they have these values already. `patch` says the same with an author and a message.
        """
        return self.patch(key, fields)

    def patch(
        self, key: Key, set: Mapping[str, Any], unset: Iterable[str] = (), **said: Unpack[Saying]
    ) -> Commit | None:
        """Give some fields of a row other values (None is one), and take others away; see `update`."""
        name, gone = text_of(key, self.name), frozenset(map(self._shape.column, names(unset, "unset")))
        if both := sorted(gone.intersection(map(self._shape.column, set))):
            raise ValueError(f"{self.name}: {both[0]} cannot be given a value and be taken away at once")

        def wanted(row: Row) -> Command | None:
            now = known(row)
            if now is None:
                raise self._missing(name)
            return self._towards(name, now, self._patched(name, now, set), gone)

        return self._again(name, wanted, said, (set, gone))

    def delete(self, key: Key, **said: Unpack[Saying]) -> Commit:
        """Delete a row; its history stays. Raises `MissingRow`."""
        name = text_of(key, self.name)

        def wanted(row: Row) -> Command:
            if row.row is None:
                raise self._missing(name)
            return self._change(RowChange(name, row.row, None))

        made = self._again(name, wanted, said, None)
        assert made is not None
        return made

    def upsert_many(
        self,
        rows: Iterable[Given[T] | tuple[Key, Given[T]]],
        *,
        columns: Collection[str] | None = None,
        batch: int = BATCH,
        **said: Unpack[Saying],
    ) -> Written:
        """Write many rows as `put` does: insert those that are not there, change those that differ, and count them.

        Each is a row that has its key, or a pair of a key and a row; they may come from a generator. `batch` rows are
        one commit, all or none. `columns` are the fields of which the rows speak: others of a row stay. Raises as
        `put`; the batches before that are written.
        """
        syncing = self._syncing(columns, batch, said)
        syncing.write(self._many(rows))
        return syncing.written

    def sync(
        self,
        rows: Iterable[Given[T] | tuple[Key, Given[T]]],
        *,
        columns: Collection[str] | None = None,
        allow_deletes: int | None = None,
        allow_missing: str | Iterable[str] | None = None,
        batch: int = BATCH,
        **said: Unpack[Saying],
    ) -> Written:
        """Make the table have these rows and no others, as `upsert_many`: write what differs, delete what is not there.

        Raises `Refused`, and has written nothing, if that deleted more than 10 percent of the rows, or more than
        `allow_deletes`, and if two rows have one key. Of a table without a class also if no row that is given has a
        field that most rows have: it may be the rows of another table. `allow_missing` names the fields that may be
        missing so; with `columns`, all may, unless it is given. Fields that are new may always come.
        """
        syncing = self._syncing(columns, batch, said)
        is_checked = allow_missing is not None or (columns is None and not isinstance(self._shape, Typed))
        may_miss = names(allow_missing or (), "allow_missing") if is_checked else None
        syncing.sync(self._many(rows), allow_deletes, may_miss)
        return syncing.written

    def _many(self, rows: Iterable[Any]) -> Iterator[tuple[str, Fields]]:
        for row in rows:
            if not isinstance(row, tuple):
                yield self._split(row, None)
            elif len(row) == 2:
                yield self._split(*row)
            else:
                raise InvalidEvent(f"{self.name}: a key and a row are a pair, not {len(row)} things")

    def _syncing(self, columns: Collection[str] | None, batch: int, said: Saying) -> Syncing:
        if "id" in said:
            raise TypeError(f"{self.name}: many rows are many commits, and an id is of one")
        if batch < 1:
            raise ValueError(f"a batch has at least one row, not {batch}")
        spoken = None if columns is None else {self._shape.column(name) for name in names(columns, "columns")}

        def towards(key: str, now: Fields | None, fields: Fields) -> RowChange | None:
            if now is None:
                return RowChange(key, None, fields)
            gone = set(self._shape.known(now)) - set(fields)
            return self._difference(key, now, fields, gone if spoken is None else gone & spoken)

        def spoken_of(fields: Mapping[str, Any]) -> Mapping[str, Any]:
            known = self._shape.known(fields)
            return (
                known if spoken is None else {name: value for name, value in known.items() if name in spoken}
            )

        whole = columns is None
        return Syncing(self._db, self._kind, self.unique, towards, spoken_of, batch, said, whole=whole)

    @contextmanager
    def edit(self, key: Key, **said: Unpack[Saying]) -> Iterator[T]:
        """The row, to be read and changed in a block; what differs at its end is one commit.

        It relies on all that the row had: raises `StaleRow` if anybody has changed the row meanwhile, and `MissingRow`.
        Nothing is written if the block raises, or changes nothing. The objects of a class must not be frozen.
        """
        editing = self._begun(key)
        yield editing.row
        self._ended(editing, **said)

    def _begun(self, key: Key) -> Editing[T]:
        """The first half of `edit`."""
        name, was = text_of(key, self.name), known(self._loaded(key))
        if was is None:
            raise self._missing(name)
        return Editing(name, was, self._shape.made(name, msgspec.json.decode(msgspec.json.encode(was))))

    def _ended(self, editing: Editing[T], **said: Unpack[Saying]) -> None:
        """Its second half."""
        name, was = editing.key, editing.was
        own, fields = self._shape.split(editing.row)
        if own not in (None, name):
            raise ValueError(f"{self.name}: the key of a row stays; {name} cannot become {own}")
        command = self._towards(name, was, fields, set(self._shape.known(was)) - set(fields), relied=was)
        if command is not None:
            self._db.execute(command, **said)

    def _missing(self, key: str) -> MissingRow:
        return MissingRow(f"{self.name} has no row {key}", self.name, key)

    def _loaded(self, key: Key, at: Revision | None = None) -> Row:
        return self._db.load(self.row(key), at)

    def _split(self, key: Any, row: Any) -> tuple[str, Fields]:
        """The key and the fields of a row, given as a key and a row, or as a row."""
        if row is None:
            if isinstance(key, Key):
                raise InvalidEvent(f"{self.name}: where is the row of {key!r}? Give a dict of its fields")
            key, row = None, key
        own, fields = self._shape.split(row)
        given = None if key is None else text_of(key, self.name)
        if own is not None and given not in (None, own):
            raise ValueError(f"{self.name}: a row of the key {own} cannot be written as {given}")
        found = given if own is None else own
        if found is None:
            raise ValueError(f"{self.name}: which row is it? Give its key")
        return found, fields

    def _patched(self, key: str, now: Fields, changes: Mapping[str, Any]) -> Fields:
        if isinstance(self._shape, Typed):
            return self._shape.patched(key, now, changes)
        own, fields = self._shape.split(changes)
        if own not in (None, key):
            raise ValueError(f"{self.name}: the key of a row stays; {key} cannot become {own}")
        return fields

    def _difference(
        self, key: str, now: Fields, fields: Fields, gone: Iterable[str], relied: Fields | None = None
    ) -> RowChange | None:
        """The change that takes a row from what it is to these fields; None if it is there."""
        changes = {
            name: value for name, value in fields.items() if name not in now or not same(now[name], value)
        }
        unset = tuple(sorted(name for name in gone if name in now))
        if not changes and not unset:
            return None
        touched = {name: now[name] for name in (*changes, *unset) if name in now}
        if relied is not None:
            return RowChange(key, relied, changes, unset, whole=True)
        return RowChange(key, touched, changes, unset)

    def _towards(
        self, key: str, now: Fields, fields: Fields, gone: Iterable[str], relied: Fields | None = None
    ) -> Command | None:
        """The same as a command."""
        found = self._difference(key, now, fields, gone, relied)
        return None if found is None else self._change(found)

    def _change(self, one: RowChange) -> Command:
        return change(table=self.name, **msgspec.structs.asdict(one), unique=self.unique)

    def _again(
        self,
        key: str,
        wanted: Callable[[Row], Command | None],
        said: Saying,
        asked: Asked | None,
    ) -> Commit | None:
        """Read the row, and write what is wanted of it; again if somebody changed these fields meanwhile."""
        if (known := self._recorded(key, said.get("id"), asked)) is not None:
            return known
        tries = 0
        while True:
            command = wanted(self._loaded(key))
            if command is None:
                return None
            try:
                return self._db.execute(command, **said)
            except StaleRow:
                tries += 1
                if tries == ATTEMPTS:
                    raise

    def _recorded(self, key: str, id: str | None, asked: Asked | None) -> Commit | None:
        """The commit of this id, if it is the same write. Raises `IdReused`."""
        known = self._db.handle.known(id)
        if known is None or is_write(known.command or {}, self.name, key, asked):
            return known
        raise reused(known, "was used for something else than this write of a row")
