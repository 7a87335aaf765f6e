"""Stores, which keep history. `open_store` finds the store for an address, and imports nothing of the others."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backstory.errors import StoreError, UnknownOption
from backstory.likeness import did_you_mean
from backstory.told import extra

if TYPE_CHECKING:
    from backstory.store import Store


def _made(make: Callable[..., Store], address: str, **options: Any) -> Store:
    """The store that a class or a function opens. Raises `UnknownOption` for an option that it does not take."""
    if options.keys() - {"create"}:
        from inspect import signature

        _, *known = signature(make).parameters.values()
        names = {one.name for one in known if one.kind is not one.VAR_KEYWORD}
        unknown = sorted(options.keys() - names)
        if unknown and len(names) == len(known):
            raise UnknownOption(unknown[0], names)
    return make(address, **options)


def _memory(_address: str, *, create: bool | None = None) -> Store:  # noqa: ARG001 - it is always made
    from backstory.stores.memory import MemoryStore

    return MemoryStore()


def _sqlite(address: str, **options: Any) -> Store:
    if scheme_of(address) and not address.startswith("sqlite:///"):
        raise StoreError("an address of SQLite is sqlite:///path; the path alone does as well")
    from backstory.stores.sqlite import SqliteStore

    return _made(SqliteStore, address.removeprefix("sqlite:///"), **options)


def _postgres(address: str, **options: Any) -> Store:
    extra("psycopg", "a store in PostgreSQL", "postgres")
    from backstory.stores.postgres import PostgresStore

    return _made(PostgresStore, address, **options)


SCHEMES: dict[str, Callable[..., Store]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgresql": _postgres,
    "postgres": _postgres,
}
"""How an address's scheme opens: a function from the address and the options to a store."""

ENTRY_POINTS = "backstory.stores"
"""The group of entry points by which other packages add schemes: `cloud = "my_package:open_store"`, such a function."""


HARMLESS = frozenset({
    "application_name", "connect_timeout", "dbname", "host", "hostaddr", "options", "pool", "port", "prepare", "schema",
    "sslmode", "target_session_attrs", "timeout", "user",
})  # fmt: skip
"""The parameters of an address that are shown. No list of secret ones would be whole."""


CONNECTION_STRING = re.compile(
    r"(?![./~])(.*\s)?(host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=", re.DOTALL
)
"""libpq's other way to name a database, such as `host=db user=ann password=...`. Here it would be taken for a path."""


def scheme_of(address: str) -> str:
    """The scheme of an address; empty for a path."""
    scheme, colon, _ = address.partition(":")
    return scheme if colon and len(scheme) > 1 and "/" not in scheme else ""


def shown(address: str) -> str:
    """The address without its secrets, to be printed, logged, or written to a file."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        if CONNECTION_STRING.match(address):
            return "..."
        scheme = scheme_of(address)
        return f"{scheme}:..." if scheme and scheme != "memory" else address
    # A password may hold a slash or an @ that nobody escaped: everything before the last @ is the user's.
    user, at, place = rest.rpartition("@")
    if "?" in user:  # a password's, or the query's, with a password that holds an @
        return f"{scheme}://..."
    base, _, query = place.partition("?")
    kept = "&".join(part for part in query.split("&") if part.partition("=")[0] in HARMLESS)
    return f"{scheme}://{user.partition(':')[0]}{at}{base}{'?' if kept else ''}{kept}"


def _opener(scheme: str) -> Callable[..., Store]:
    """The function that opens addresses of a scheme: of this package, else of another one. Raises `StoreError`."""
    if scheme in SCHEMES:
        return SCHEMES[scheme]
    from importlib.metadata import entry_points

    others = entry_points(group=ENTRY_POINTS)
    if scheme in others.names:
        try:
            found: Callable[..., Store] = others[scheme].load()
        except Exception as error:
            raise StoreError(
                f"{scheme}: addresses are opened by {others[scheme].value}, which cannot be imported: {error}"
            ) from error
        return found
    known = sorted({*SCHEMES, *others.names})
    hint = did_you_mean(scheme, known, f"known are a path, {', '.join(known)}")
    raise StoreError(f"no store is known for {scheme}: addresses; {hint}")


def _checked(address: object) -> str:
    """The address as text. Raises `StoreError` for one that no store has, and `TypeError`."""
    if not isinstance(address, (str, os.PathLike)):
        kind = type(address).__name__
        raise TypeError(f"the address of a store is a text or a path, not a value of type {kind}")
    address = str(os.fspath(address))
    place = address.removeprefix("sqlite:///")
    if not place.strip():
        raise StoreError(
            "the address of the store is empty; a file has a path, as bank.db, and memory: keeps nothing"
        )
    if place == ":memory:":
        raise StoreError("a store in memory is memory: here; :memory: is SQLite's own name for one")
    return address


def open_store(address: str | os.PathLike[str], *, create: bool | None = None, **options: Any) -> Store:
    """Open the store at an address: a path, `sqlite:///path`, `postgresql://host/database`, or `memory:`.

    `create`: True makes the store and refuses one that exists, False needs one that exists, None takes either. Other
    options are the store's own. Raises `StoreError`, and `UnknownOption`, which is one.
    """
    address = _checked(address)
    if CONNECTION_STRING.match(address):
        raise StoreError(
            "a store has an address or a path, and not a connection string of libpq:"
            " write postgresql://user@host/database, or ./ before a path that looks like one"
        )
    store = _made(_opener(scheme_of(address) or "sqlite"), address, create=create, **options)
    if create is not False:
        from backstory.right import begin

        begin(store)
    return store
