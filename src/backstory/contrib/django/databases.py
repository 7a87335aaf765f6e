"""The database of a Django project: one for each process, and inside of a transaction the one that is part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.signals import connection_created
from django.test.signals import setting_changed
from django.test.utils import _TestState

from backstory.contrib.django.conf import Configured, configured
from backstory.contrib.django.running import forget_logs, log_of_test
from backstory.database import Database, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

_open: dict[str, Database] = {}
"""The open database by its address. It is safe for threads and forks by itself."""

_parts: WeakKeyDictionary[BaseDatabaseWrapper, _Part] = WeakKeyDictionary()
"""The last one that was part of a transaction, of each connection."""

MEMORY = "memory:"

OF_DATABASE = ("clock", "ids", "secrets", "codec")
"""The options that the database inside of a transaction has, too."""


def connection_of(settings: Configured | None = None) -> BaseDatabaseWrapper:
    """Django's connection, of this thread, to the database whose models are recorded."""
    return connections[(settings or configured()).database]


def shares_database(settings: Configured | None = None) -> bool:
    """Whether the store lies in the user's own database, so that one transaction holds both."""
    settings = settings or configured()
    return settings.store is None and connection_of(settings).vendor == "postgresql"


def blocks_of(connection: BaseDatabaseWrapper) -> list[Any]:
    """The blocks of `atomic` that are open, but for those of a test, which are never committed."""
    blocks: list[Any] = getattr(connection, "atomic_blocks", [])
    return [block for block in blocks if not block._from_testcase]


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Whether it is in a transaction, other than the one that a test is in; without autocommit it always is."""
    if connection.in_atomic_block:
        return bool(blocks_of(connection))
    return connection.connection is not None and not connection.autocommit


def is_test_run() -> bool:
    """Whether Django has set up its test environment in this process."""
    return hasattr(_TestState, "saved_data")


def address(settings: Configured | None = None) -> str:
    """The address of the store. Raises `ImproperlyConfigured` where nobody has said it and it does not follow.

    A test run gets a store in memory in the place of one that is named: its database is none of the real one either.
    """
    settings = settings or configured()
    if shares_database(settings):
        return _address_of(connection_of(settings), settings.schema)
    if is_test_run():
        return MEMORY
    if settings.store is None:
        raise ImproperlyConfigured(
            "BACKSTORY['STORE'] is missing: the file of the log, such as BASE_DIR / 'history.db'. Only PostgreSQL has"
            " the log in the same database"
        )
    return settings.store


def _address_of(connection: BaseDatabaseWrapper, schema: str) -> str:
    given = {
        name: value
        for name, value in cast("Any", connection).get_connection_params().items()
        if isinstance(value, (str, int)) and not isinstance(value, bool)
    }
    for name in ("client_encoding", "cursor_factory", "prepare_threshold", "isolation_level", "assume_role"):
        given.pop(name, None)
    user = quote(str(given.pop("user", "")), safe="")
    password = quote(str(given.pop("password", "")), safe="")
    host, port = str(given.pop("host", "")), given.pop("port", "")
    name = quote(str(given.pop("dbname", "")), safe="")
    if set(host) & set("/,:"):  # the folder of a socket, several hosts, an address of IPv6
        given["host"], host = host, ""
    who = f"{user}:{password}@" if password else f"{user}@" if user else ""
    place = f"{host}:{port}" if port and host else host
    if port and not host:
        given["port"] = port
    query = urlencode({**given, "schema": schema}, quote_via=quote)
    return f"postgresql://{who}{place}/{name}?{query}"


def main_database(settings: Configured | None = None) -> Database:
    """The one of this process, outside of every transaction; opened when it is first asked for."""
    settings = settings or configured()
    where = address(settings)
    if where == MEMORY and is_test_run():
        return log_of_test(connection_of(settings), lambda: connect(where, **settings.options))
    found = _open.get(where)
    if found is None:
        opened = connect(where, **settings.options)
        found = _open.setdefault(where, opened)
        if found is not opened:  # another thread was first
            opened.close()
    return found


def current_database(settings: Configured | None = None) -> Database:
    """The database as the code that runs now writes to it: a part of its transaction, or the one of this process."""
    settings = settings or configured()
    connection = connection_of(settings)
    if not connection.in_atomic_block or not shares_database(settings):
        return main_database(settings)
    return _joined(connection, settings)


def _joined(connection: BaseDatabaseWrapper, settings: Configured) -> Database:
    if (last := _part(connection)) is not None:
        return last.database
    outside = main_database(settings)
    connection.ensure_connection()
    transaction = outside.store.join(connection)
    own = {name: value for name, value in settings.options.items() if name in OF_DATABASE}
    part = Database(outside.store.joined(transaction), **own)
    ends = _parts[connection] = _Part(part, transaction, outside.store.wake)
    connection.on_commit(ends)
    return part


def has_written(connection: BaseDatabaseWrapper) -> bool:
    """Whether the block that is open has written to the log: all others who append wait for its end."""
    last = _part(connection)
    return last is not None and last.transaction.wrote and in_transaction(connection)


def followed(connection: BaseDatabaseWrapper, statement: str) -> None:
    """Warn of a statement that the project's code sends after a write to the log in the same transaction."""
    last = _part(connection)
    if last is not None and in_transaction(connection):
        last.transaction.followed(statement)


def _part(connection: BaseDatabaseWrapper) -> _Part | None:
    """The part of the transaction that is open, if there is one and no savepoint has taken it back."""
    last = _parts.get(connection)
    waits = last is not None and not last.ended and any(each[1] is last for each in connection.run_on_commit)
    return last if waits else None


class _Part:
    """A database that is part of a transaction, for as long as this waits for the commit.

    After the commit the database refuses everything, and followers look. Django forgets it with a rollback.
    """

    def __init__(self, database: Database, transaction: Any, wake: Callable[[], None]) -> None:
        self.database = database
        self.transaction = transaction
        self._wake = wake

    @property
    def ended(self) -> bool:
        """Whether the commit was told already: a test may run what waits for it in its midst."""
        return bool(self.transaction.ended)

    def __call__(self) -> None:
        self.transaction.ended = True
        self._wake()


def close() -> None:
    """Close what is open here; the next call opens it again."""
    forget_logs()
    while _open:
        _open.popitem()[1].close()


def _changed(setting: str, **_: object) -> None:
    if setting in ("BACKSTORY", "DATABASES"):
        close()


def _without_database(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Somebody is about to make, copy or drop databases, as test runners do: nobody may be connected to them."""
    if connection.alias == NO_DB_ALIAS:
        close()


setting_changed.connect(_changed)
connection_created.connect(_without_database)
