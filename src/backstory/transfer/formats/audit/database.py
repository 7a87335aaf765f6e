"""A database that is read: its tables and columns, and rows that stream from it. SQLAlchemy is imported when used."""

from __future__ import annotations

import re
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote

import msgspec

from backstory.errors import SourceError
from backstory.rows.forms import Kind
from backstory.told import extra

if TYPE_CHECKING:
    from types import ModuleType

    from sqlalchemy import Connection, Engine, Select
    from sqlalchemy.engine import URL

Holds: TypeAlias = Kind | Literal["integer", "text"]

FETCHED = 1_000
"""Rows that are fetched at a time."""

JSON_CHECKED = re.compile(r"JSON_VALID\(\s*[\"`\[]?(\w+)", re.IGNORECASE)
"""The check by which a column of SQLite says that its text is JSON, as Django writes it."""

DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "sqlite": "sqlite"}
"""The drivers that read, where a URL names none, or one for async code."""

SNAPSHOT = ("postgresql", "sqlite")
"""Databases of which one connection streams several tables, as of one moment."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table: the kind of its values, `integer`, or `text` for those that are read so; the digits after
    the point of a decimal; and whether a value is an array."""

    name: str
    kind: Holds = ""
    scale: int | None = None
    many: bool = False


class TableThere(msgspec.Struct, frozen=True):
    """A table or a view that a database has. `refers` has, by column, the table and the column that it points to."""

    name: str
    columns: dict[str, Column]
    primary: tuple[str, ...]
    refers: dict[str, tuple[str, str]]


def alchemy() -> ModuleType:
    """SQLAlchemy. Raises `ExtraMissing`."""
    extra("sqlalchemy", "import audit", "sqlalchemy")
    import sqlalchemy

    return sqlalchemy


class Source:
    """A database that is only read. Its errors name it by the URL without a user and a password."""

    def __init__(self, url: str, schema: str | None = None) -> None:
        """Raises `SourceError` for a URL that means no database, or if a driver is missing."""
        self.schema = schema
        self._url = _parsed(url)
        self.name = _shown(self._url)
        self._secrets = [text for text in (self._url.password, *_queried(self._url)) if text]
        self._engine = self._made()
        self._open: list[Connection] = []

    @property
    def dialect(self) -> str:
        """The kind of database, such as `postgresql`."""
        return self._engine.dialect.name

    def close(self) -> None:
        """Let go of all connections."""
        for connection in self._open:
            with suppress(alchemy().exc.SQLAlchemyError):  # nothing was written, so nothing can be lost
                connection.close()
        self._engine.dispose()

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Turn errors of the database into `SourceError`, without a password in its words."""
        try:
            yield
        except alchemy().exc.SQLAlchemyError as wrong:
            raise SourceError(self.name, 0, self._told(getattr(wrong, "orig", None) or wrong)) from None
        except (sqlite3.Error, ImportError) as wrong:
            raise SourceError(self.name, 0, self._told(wrong)) from None

    def _told(self, wrong: BaseException) -> str:
        text = str(wrong).strip()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if isinstance(wrong, ImportError):
            return f"the driver of this database is not installed: {text}"
        return text

    def _made(self) -> Engine:
        create, pool = alchemy().create_engine, alchemy().pool.NullPool
        options: dict[str, Any] = {}
        with self.readable():
            if self._url.get_backend_name() == "sqlite":
                path = self._url.database
                if not path or path == ":memory:" or not Path(path).is_file():
                    raise SourceError(self.name, 0, "there is no such file")
                options = {"creator": lambda: _sqlite(str(path))}
            engine: Engine = create(self._url, poolclass=pool, **options)
            return engine

    def tables(self) -> dict[str, TableThere]:
        """All tables and views, by their names."""
        inspected = alchemy().inspect
        kinds = alchemy().engine.reflection.ObjectKind.ANY
        with self.readable(), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", alchemy().exc.SAWarning
            )  # a type or an index that it does not know
            found = inspected(self._engine)
            columns = found.get_multi_columns(schema=self.schema, kind=kinds)
            primary = found.get_multi_pk_constraint(schema=self.schema, kind=kinds)
            foreign = found.get_multi_foreign_keys(schema=self.schema, kind=kinds)
            checks = found.get_multi_check_constraints(schema=self.schema) if self.dialect == "sqlite" else {}
        texts = {
            (table[1], name)
            for table, there in checks.items()
            for each in there
            for name in JSON_CHECKED.findall(each["sqltext"])
        }
        return {
            name: TableThere(
                name,
                {
                    each["name"]: Column(each["name"], "json")
                    if (name, each["name"]) in texts
                    else _column(each["name"], each["type"])
                    for each in columns[(schema, name)]
                },
                tuple((primary.get((schema, name)) or {}).get("constrained_columns") or ()),
                {
                    each["constrained_columns"][0]: (each["referred_table"], each["referred_columns"][0])
                    for each in foreign.get((schema, name)) or ()
                    if len(each["constrained_columns"]) == 1
                },
            )
            for schema, name in sorted(columns, key=lambda each: each[1])
        }

    def stream(self, select: Select[Any]) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows of a question, a thousand at a time: the database sorts them, and memory does not grow."""
        with self.readable():
            connection = self._connection()
            yield from connection.execute(select).partitions(FETCHED)
            if self.dialect not in SNAPSHOT:
                connection.close()

    def _connection(self) -> Connection:
        if not self._open or self.dialect not in SNAPSHOT:
            made = self._engine.connect()
            self._open.append(made)
            if self.dialect == "postgresql":
                made.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                made.exec_driver_sql("SET LOCAL intervalstyle = 'iso_8601'")
            made.execution_options(stream_results=True, max_row_buffer=FETCHED)
        return self._open[-1]


def _parsed(url: str) -> URL:
    """The parts of a URL; a bare path is one of an SQLite file."""
    make, url_of = alchemy().engine.make_url, alchemy().engine.URL.create
    if "://" not in url:
        found: URL = url_of("sqlite", database=url)
        return found
    try:
        found = make(url)
    except (alchemy().exc.ArgumentError, ValueError):
        raise _no_url("one is like postgresql://user@host/name") from None
    if found.get_backend_name() != "sqlite" and "@" in f"{found.host}{found.database}":
        raise _no_url(
            "an @, a : or a / of its password is written %40, %3A or %2F"
        )  # or it would be shown as a name
    return _blocking(found)


def _blocking(url: URL) -> URL:
    """A URL with a driver that reads here. Raises `SourceError` if its own is for async code, and none is known."""
    backend = url.get_backend_name()
    try:
        is_async = "+" in url.drivername and url.get_dialect().is_async
    except (alchemy().exc.SQLAlchemyError, ImportError):
        return url  # which is told when it is opened
    if is_async and backend not in DRIVERS:
        raise SourceError(
            _shown(url),
            0,
            f"{url.drivername} is a driver for async code; name one that is not, as in {backend}://",
        )
    is_named = "+" in url.drivername and not is_async
    return url if is_named else url.set(drivername=DRIVERS.get(backend, url.drivername))


def _no_url(why: str) -> SourceError:
    return SourceError("import audit", 0, f"this is no URL of a database; {why}")


def _shown(url: URL) -> str:
    """A URL as people may see it: kind, host and name, without user, password and options."""
    if url.get_backend_name() == "sqlite":
        return url.database or "sqlite"
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


def _queried(url: URL) -> list[str]:
    """The values of a URL's options that are secrets."""
    found: list[str] = []
    for name, value in url.query.items():
        if "pass" in name.lower() or "secret" in name.lower():
            found += [value] if isinstance(value, str) else value
    return found


def _sqlite(path: str) -> sqlite3.Connection:
    """A connection that never makes or changes the file; text that is no UTF-8 comes through and is refused later."""
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, check_same_thread=False)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def _column(name: str, type: Any) -> Column:
    from sqlalchemy.dialects.postgresql import INTERVAL
    from sqlalchemy.dialects.postgresql.ranges import AbstractRange

    types = alchemy().types
    many = isinstance(type, types.ARRAY)
    one = type.item_type if many else type
    has_zone = getattr(one, "timezone", False)
    kinds: tuple[tuple[Any, Holds], ...] = (
        (types.Boolean, "bool"),
        (types.Integer, "integer"),
        (types.JSON, "json"),
        (INTERVAL, "duration"),
        (types.LargeBinary, "bytes"),
        (types.Uuid, "uuid"),
        (types.DateTime, "instant" if has_zone else "datetime"),
        (types.Date, "date"),
        (types.Time, "text" if has_zone else "time"),
        (types.Float, "float"),
        (types.Numeric, "decimal"),
        (AbstractRange, "text"),
    )
    for known, kind in kinds:
        if isinstance(one, known):
            return Column(name, kind, one.scale if kind == "decimal" else None, many)
    return Column(name, many=many)
