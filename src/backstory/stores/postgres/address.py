"""The address of a store: a PostgreSQL URI of libpq's, with a few parameters of ours."""

from __future__ import annotations

import re
import threading
from urllib.parse import unquote

import msgspec
from psycopg.pq import Conninfo

from backstory import stores
from backstory.errors import StoreError
from backstory.likeness import did_you_mean

SCHEMA = "backstory"
OURS = ("schema", "pool", "timeout", "prepare")


class Address(msgspec.Struct, frozen=True):
    """The address of a store. `conninfo` is for libpq alone and may hold a password; `shown` is for people.

    `pool` is how many connections a process may have, `timeout` how many seconds a call tries again after a failure,
    and `prepare` whether statements are prepared; None: unless there is a pooler, which may not be able to.
    """

    conninfo: str
    shown: str
    schema: str = SCHEMA
    pool: int = 8
    timeout: float = 30.0
    prepare: bool | None = None

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


def _split(address: str) -> tuple[str, str]:
    """An address and its parameters: as libpq does, the first @ before any / ends the user and the password."""
    scheme, _, rest = address.partition("://")
    if scheme not in ("postgresql", "postgres"):
        raise StoreError("an address of PostgreSQL is postgresql://user@host/database")
    user = re.match(r"[^@/]*@", rest)
    begin = len(scheme) + 3 + (user.end() if user else 0)
    place, _, query = address[begin:].partition("?")
    if "@" in place:
        raise StoreError(
            f"{stores.shown(address)}: the part that libpq would take for the host has an @;"
            " in a user's name or a password write @ as %40, / as %2F and ? as %3F"
        )
    return address[:begin] + place, query


def likely(conninfo: str) -> str:
    """The parameters that were meant by those of an address that nobody knows, in words. Shows nothing of it."""
    names = [part.partition("=")[0] for part in _split(conninfo)[1].split("&")]
    known = {*OURS, *(option.keyword.decode() for option in Conninfo.get_defaults())}
    return next((words for name in names if name not in known and (words := did_you_mean(name, known))), "")


def parsed(address: str, **options: object) -> Address:
    """Take an address apart: `postgresql://user@host/database?schema=shop&sslmode=verify-full`. Raises `StoreError`.

    `options` are parameters of ours that were given beside the address, and go before those in it.
    """
    base, query = _split(address)
    own: dict[str, str] = {}
    rest = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name in OURS:
            own[name] = unquote(value)
        else:
            rest.append(part)
    own |= {name: str(value) for name, value in options.items() if value is not None}
    shown = stores.shown(base)
    schema = own.get("schema", SCHEMA)
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,49}", schema) or schema.startswith("pg_"):
        raise StoreError(
            f"{shown}: a schema is named with lower-case letters, digits and _, at most 50, not {schema!r}"
        )
    try:
        pool, timeout = int(own.get("pool", "8")), float(own.get("timeout", "30"))
        prepare = {"on": True, "off": False, "auto": None}[own.get("prepare", "auto")]
    except (ValueError, KeyError):
        pool, timeout, prepare = 0, 0.0, None
    if pool < 1 or not 0 <= timeout <= threading.TIMEOUT_MAX:
        raise StoreError(
            f"{shown}: pool is a number from 1, timeout is in seconds, prepare is on, off or auto"
        )
    conninfo = base + ("?" + "&".join(rest) if rest else "")
    return Address(conninfo, f"{shown}?schema={schema}", schema, pool, timeout, prepare)
