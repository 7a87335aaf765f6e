"""Where the tables of a group lie: the homes of its generations.

| store | inline | in the background |
|---|---|---|
| SQLite | in the log's file, each table under a name of its own | a file for each generation, in a folder beside it |
| PostgreSQL | a schema for each generation | the same |
| memory | in the store's tables | the same |
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from difflib import unified_diff
from pathlib import Path
from typing import Protocol

from backstory.errors import DefinitionError, ProjectionError, StoreRefused
from backstory.projections.catalog import Catalog, Parked, Row, newest
from backstory.projections.elsewhere import tables_of
from backstory.projections.files import GoneError, TableFile
from backstory.projections.names import LONGEST_NAME, Own, declared, suffix_of
from backstory.projections.projection import Group
from backstory.store import Store
from backstory.stores.sqlite.tables import SqliteTables
from backstory.tables import Tables, Transaction

SETTINGS = "SELECT set_config('search_path', ?, true), set_config('TimeZone', 'UTC', true)"
"""Settings of a transaction in PostgreSQL: the tables that SQL names, and the zone of times without one."""


WRONG_SQL = frozenset({"SQLError", "ProgrammingError"})
"""The errors of apsw, of psycopg, of DuckDB and of SQLAlchemy that say that a statement is wrong."""


class Home(Protocol):
    """The place of a group's tables, with their catalog."""

    group: Group
    catalog: Catalog

    def rows(self) -> list[Row]:
        """Each generation that this version of the group has."""
        ...

    def writing(self, generation: int) -> AbstractContextManager[Transaction]:
        """A transaction of the database that has this generation."""
        ...

    def own(self, tx: Transaction, generation: int) -> Own:
        """The same transaction for the projection's own SQL."""
        ...

    def make(self, generation: int, left_out: Iterable[Parked] = ()) -> Row:
        """The row of a generation; its tables are made if they are not there, and leave these events out."""
        ...

    def reading(self) -> AbstractContextManager[tuple[Row, Own] | None]:
        """One snapshot of the generation that readers see, with its row; None if there is none yet."""
        ...

    def forsaken(self) -> list[Row]:
        """Each generation of another version that nobody feeds, where the version follows from the code."""
        ...

    def drop(self, row: Row) -> None:
        """Take a generation away, of any version."""
        ...


class SharedHome:
    """Tables in the database of the log, or another one, which has all generations."""

    def __init__(self, group: Group, tables: Tables) -> None:
        self.group = group
        self._tables = tables
        with tables.reading() as tx:
            self._dialect = tx.dialect
        self._schema = getattr(tables, "schema", "backstory")
        sqlite = self._dialect == "sqlite"
        self.catalog = Catalog(self._dialect, "backstory_" if sqlite else f'"{self._schema}_projections".')
        self._made = group.schema(self._dialect)
        self._names = _names(group, self._made) if sqlite else frozenset()

    def _place(self, generation: int, version: str = "") -> str:
        """The schema of a generation in PostgreSQL."""
        name = f"{self._schema}_{self.group.name}_v{version or self.group.version}_{generation}"
        if len(name.encode()) <= LONGEST_NAME:
            return name
        return name[:30] + hashlib.sha256(name.encode()).hexdigest()[:16]

    def _is_made(self) -> bool:
        with self._tables.reading() as tx:
            return self.catalog.is_made(tx)

    def rows(self) -> list[Row]:
        """Each generation of this version; see `Home.rows`."""
        with self._tables.reading() as tx:
            return self.catalog.all(tx, *self.group.key) if self.catalog.is_made(tx) else []

    def writing(self, generation: int) -> AbstractContextManager[Transaction]:  # noqa: ARG002 - all are in one place
        """A transaction; see `Home.writing`."""
        return self._tables.transaction()

    def own(self, tx: Transaction, generation: int) -> Own:
        """The same transaction for the projection's own SQL; see `Home.own`."""
        if self._dialect == "sqlite":
            return Own(tx, self._names, suffix_of(*self.group.key, generation))
        if self._dialect == "duckdb":
            tx.execute(f'USE "{self._place(generation)}"')
        else:
            tx.execute(SETTINGS, (f'"{self._place(generation)}"',))
        return Own(tx)

    def make(self, generation: int, left_out: Iterable[Parked] = ()) -> Row:
        """Make a generation where it is not there; see `Home.make`."""
        key = (*self.group.key, generation)
        with self._tables.transaction() as tx:
            if self._dialect == "postgresql":
                tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (self.catalog.rows,))
            if self._dialect != "sqlite" and not self.catalog.is_made(tx):
                tx.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}_projections"')
            self.catalog.make(tx)
            row = self.catalog.lock(tx, key)
            if row is None:
                if self._dialect != "sqlite":
                    tx.execute(f'CREATE SCHEMA "{self._place(generation)}"')
                _run(self._made, self.group, self.own(tx, generation))
                self.catalog.add(tx, key, self._made, self.group.code())
                self.catalog.park(tx, key, left_out)
                row = self.catalog.lock(tx, key)
        assert row is not None
        return row

    @contextmanager
    def reading(self) -> Iterator[tuple[Row, Own] | None]:
        """One snapshot; see `Home.reading`."""
        with self._tables.reading() as tx:
            row = self.catalog.live(tx, *self.group.key) if self.catalog.is_made(tx) else None
            yield None if row is None else (row, self.own(tx, row.generation))

    def forsaken(self) -> list[Row]:
        """Each generation of another version that nobody feeds; see `Home.forsaken`."""
        with self._tables.reading() as tx:
            return _forsaken(self.group, self.catalog, tx)

    def drop(self, row: Row) -> None:
        """Take a generation away; see `Home.drop`."""
        with self._tables.transaction() as tx:
            if self._dialect == "postgresql":
                tx.execute("SET LOCAL lock_timeout = '2s'")  # somebody may read it for long
            self.catalog.lock(tx, row.key)  # in the order in which those take their locks who feed it
            if self._dialect != "sqlite":
                tx.execute(f'DROP SCHEMA IF EXISTS "{self._place(row.generation, row.version)}" CASCADE')
            else:
                suffix = suffix_of(*row.key)
                for name in declared(row.made):
                    found = tx.rows("SELECT type FROM sqlite_schema WHERE name = ?", (name + suffix,))
                    for [kind] in found:
                        if kind in ("table", "view"):
                            tx.execute(f'DROP {kind} IF EXISTS "{name}{suffix}"')
            self.catalog.forget(tx, row.key)

    @contextmanager
    def scratch(self) -> Iterator[Own]:
        """Empty tables that nobody else sees, and that are gone after the block; where generations are schemas."""
        with suppress(_DoneError), self._tables.transaction() as tx:
            tx.execute(f'CREATE SCHEMA "{self._place(0)}"')
            own = self.own(tx, 0)
            _run(self._made, self.group, own)
            yield own
            raise _DoneError

    def close(self) -> None:
        """Close the connections to another database than the log's."""
        if self.group.into is not None:
            self._tables.close()  # type: ignore[attr-defined]


class _DoneError(Exception):
    """The transaction has done its work, and is taken back."""


class FilesHome:
    """A folder beside the log's file, with a file for each generation: `bank.views/orders-v1.2.db`."""

    def __init__(self, group: Group, folder: Path) -> None:
        self.group = group
        self.folder = folder
        self.catalog = Catalog("sqlite", "backstory_")
        self._made = group.schema("sqlite")
        self._files: dict[int, TableFile] = {}
        self._pattern = re.compile(rf"{group.name}-v{group.version}\.(\d+)\.db")

    def _file(self, generation: int) -> TableFile:
        file = self._files.get(generation)
        if file is None:
            path = self._path(self.group.version, generation)
            file = self._files.setdefault(generation, TableFile(path))
        return file

    def _path(self, version: str, generation: int) -> Path:
        return self.folder / f"{self.group.name}-v{version}.{generation}.db"

    def _generations(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        found = (self._pattern.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def rows(self) -> list[Row]:
        """Each generation of this version; see `Home.rows`."""
        return [row for generation in self._generations() if (row := self._row(generation)) is not None]

    def _row(self, generation: int) -> Row | None:
        try:
            with self._file(generation).reading() as tx:
                found = self.catalog.all(tx, *self.group.key) if self.catalog.is_made(tx) else []
        except GoneError:
            return None
        return found[0] if found else None

    def writing(self, generation: int) -> AbstractContextManager[Transaction]:
        """A transaction of the file of a generation."""
        return self._file(generation).transaction()

    def own(self, tx: Transaction, generation: int) -> Own:  # noqa: ARG002 - names are plain in a file
        """The same transaction for the projection's own SQL."""
        return Own(tx)

    def make(self, generation: int, left_out: Iterable[Parked] = ()) -> Row:
        """Make the file of a generation where it is not there."""
        key = (*self.group.key, generation)
        self._file(generation).make()
        with self._file(generation).transaction() as tx:
            self.catalog.make(tx)
            row = self.catalog.lock(tx, key)
            if row is None:
                _run(self._made, self.group, tx)
                self.catalog.add(tx, key, self._made, self.group.code())
                self.catalog.park(tx, key, left_out)
                row = self.catalog.lock(tx, key)
        assert row is not None
        return row

    @contextmanager
    def reading(self) -> Iterator[tuple[Row, Own] | None]:
        """One snapshot of the newest file that is live; see `Home.reading`."""
        for generation in reversed(self._generations()):
            with ExitStack() as stack:
                try:
                    tx = stack.enter_context(self._file(generation).reading())
                except GoneError:
                    continue
                row = self.catalog.live(tx, *self.group.key) if self.catalog.is_made(tx) else None
                if row is not None:
                    yield row, Own(tx)
                    return
        yield None

    def forsaken(self) -> list[Row]:
        """Each generation of another version that nobody feeds; see `Home.forsaken`."""
        found: list[Row] = []
        for path in self.folder.glob(f"{self.group.name}-v*.db"):
            if self._pattern.fullmatch(path.name):
                continue
            file = TableFile(path)
            with suppress(GoneError), file.reading() as tx:
                found += _forsaken(self.group, self.catalog, tx)
            file.close()
        return found

    def drop(self, row: Row) -> None:
        """Delete the file of a generation."""
        if row.version != self.group.version:
            TableFile(self._path(row.version, row.generation)).delete()
            return
        file = self._file(row.generation)
        self._files.pop(row.generation, None)
        file.delete()

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


def _names(group: Group, made: str) -> frozenset[str]:
    try:
        return declared(made)
    except DefinitionError as wrong:
        raise DefinitionError(f"{group.name}: {wrong}") from wrong


def _run(made: str, group: Group, tx: Transaction) -> None:
    """Make the tables of a group. Raises `DefinitionError` where the database does not take its SQL."""
    try:
        tx.execute(made)
    except Exception as error:
        if not WRONG_SQL.isdisjoint(cls.__name__ for cls in type(error).__mro__):
            raise DefinitionError(f"{group.name}: the tables cannot be made: {error}") from error
        raise


def _forsaken(group: Group, catalog: Catalog, tx: Transaction) -> list[Row]:
    if not group.renews or not catalog.is_made(tx):
        return []
    rows = [row for row in catalog.all(tx, group.name) if row.version != group.version]
    leases = catalog.leases(tx, rows)
    return [row for row in rows if leases.get(row.key, 0.0) <= 0]


def home_of(group: Group, store: Store, *, inline: bool) -> Home:
    """Where the tables of a group lie. Raises `StoreRefused` for a store that keeps no tables."""
    if group.into is not None:
        if inline:
            raise StoreRefused(
                f"{group.name} has its tables in another database, so it cannot be inline; run it: db.run(...)"
            )
        return SharedHome(group, tables_of(group.into))
    tables = store.tables
    if tables is None:
        raise StoreRefused(
            "this store keeps no tables, so it can have no projections; fold them with live=True"
        )
    if isinstance(tables, SqliteTables) and not inline:
        return FilesHome(group, folder_of(tables))
    return SharedHome(group, tables)


def folder_of(tables: SqliteTables) -> Path:
    """The folder of tables beside the file of a log."""
    path = Path(tables.path)
    return path.with_name(f"{path.name.removesuffix('.db')}.views")


def ensured(home: Home) -> list[Row]:
    """The generations of a group, of which the first is made where there is none.

    Raises `ProjectionError` if the tables were made by another schema under the same version.
    """
    rows = home.rows() or [home.make(1)]
    made = home.group.schema(home.catalog.dialect)
    newest_row = newest(rows)
    assert newest_row is not None
    if newest_row.made != made:
        lines = unified_diff(
            newest_row.made.splitlines(), made.splitlines(), "as made", "as said now", lineterm=""
        )
        raise ProjectionError(
            f"the tables of {home.group.name} were made by other SQL under the same version; give it a new version:\n"
            + "\n".join(lines)
        )
    return rows


def together(tx: Transaction) -> AbstractContextManager[object]:
    """Send statements of a block together, where the database can."""
    find: Callable[[], AbstractContextManager[object]] | None = getattr(tx, "together", None)
    return nullcontext() if find is None else find()


def can_send_together(tx: Transaction) -> bool:
    """Whether statements of this database may be sent together, so that an error may come at a later one."""
    return hasattr(tx, "together")
