"""Making the schema of a store, and bringing an older one to this format: one file of SQL for each step."""

from __future__ import annotations

from importlib import resources

from backstory.errors import NewerFormat, NotAStore, StoreError, StoreExists, StoreMissing, StoreReadOnly
from backstory.stores.postgres.server import Connection, Row, Server
from backstory.told import pasted

STEPS = ("format_1.sql",)
"""The scripts that make each format from the one before; the first makes a new store."""

FORMAT = len(STEPS)
"""The newest format that this code reads and writes."""

FOUND = """
SELECT pg_backend_pid(), current_setting('default_transaction_isolation'), current_setting('server_encoding'),
    current_setting('server_version_num')::int, to_regclass('{schema}.meta') IS NOT NULL,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('{schema}'))
        OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = to_regnamespace('{schema}'))
        OR EXISTS (SELECT FROM pg_type WHERE typnamespace = to_regnamespace('{schema}')),
    EXISTS (SELECT FROM pg_get_keywords() WHERE word = '{schema}' AND catcode IN ('R', 'T'))
"""

OLDEST = 150_000
"""The oldest server that the tests run on."""


def prepare(server: Server, create: bool | None) -> None:
    """Find the store, make it, or bring it to this format.

    `create` is that of `open_store`. Raises `StoreError`.
    """
    shown, schema = server.address.shown, server.address.schema

    def look(connection: Connection) -> tuple[int, Row]:
        return connection.info.backend_pid, connection.execute(
            FOUND.format(schema=schema).encode()
        ).fetchall()[0]

    told, (process, isolation, encoding, version, exists, taken, reserved) = server.run(look, reads=True)
    if version < OLDEST:
        raise StoreError(
            f"{shown}: PostgreSQL {OLDEST // 10_000} or newer is needed, this is {version // 10_000}"
        )
    if encoding != "UTF8":
        raise StoreError(f"{shown}: the database's encoding must be UTF8, it is {encoding}")
    if reserved:
        raise StoreError(f"{shown}: {schema} is a word of SQL's own; name another schema with ?schema=")
    if create and exists:
        raise StoreExists(f"{shown} is there already")
    if not exists and taken:
        raise NotAStore(f"{shown}: the schema {schema} holds something else; name another with ?schema=")
    found = _format(server) if exists else 0
    if found == 0 and create is False:
        raise StoreMissing(f"there is no store at {shown}; make one with: {pasted('init', shown)}")
    if found > FORMAT:
        raise NewerFormat(
            f"{shown} has format {found}, this Backstory knows up to {FORMAT}: upgrade with pip install -U backstory"
        )
    if found < FORMAT:
        try:
            server.run(lambda connection: migrate(connection, schema))
        except StoreReadOnly as error:
            what = f"bring it from format {found} to {FORMAT}" if found else "make it"
            raise StoreMissing(
                f"{error}. A user with the right must {what}: {pasted('init', shown)}"
            ) from error
    if told != process and server.address.prepare is None:
        server.pool_elsewhere()  # another process answers than the one that we connected to
    server.commits_read = isolation == "read committed"
    server.patience = server.address.timeout


def _format(server: Server) -> int:
    return int(server.fetch(f"SELECT format FROM {server.address.schema}.meta")[0][0])


def migrate(connection: Connection, schema: str) -> None:
    """Take every step that is missing, in one transaction. Two processes may try at once."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('backstory'), hashtext(%s))", (schema,))
        made = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{schema}.meta",)).fetchall()[0][0]
        found = 0
        if made:
            found = int(connection.execute(f"SELECT format FROM {schema}.meta".encode()).fetchall()[0][0])
        elif not connection.execute("SELECT to_regnamespace(%s)", (schema,)).fetchall()[0][0]:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        for step in STEPS[found:]:
            connection.execute(sql(step, schema))
        if found < FORMAT:
            for functions in ("functions.sql", "steps.sql"):
                connection.execute(sql(functions, schema))
            connection.execute(f"UPDATE {schema}.meta SET format = %s".encode(), (FORMAT,))


def roles(schema: str = "backstory") -> str:
    """The SQL that makes a reading and a writing role for a store; its owner runs it once."""
    return sql("roles.sql", schema).decode()


def sql(name: str, schema: str) -> bytes:
    """A file of SQL of this package, for a schema."""
    text = resources.files("backstory.stores.postgres").joinpath(name).read_text(encoding="utf-8")
    return text.replace("{schema}", schema).encode()
