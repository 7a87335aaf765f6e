"""Failures of PostgreSQL as errors of ours, and whether trying again may help.

Every transaction of this store may run twice: commits are known by their ids, logs by the id that they were made
under, and a ref that has its new value is set. So errors that may pass are tried again, also if it is not known
whether the first try was kept.
"""

from __future__ import annotations

import psycopg

from backstory.errors import (
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreMissing,
    StoreReadOnly,
    StoreRefused,
)

PASSING = ("08", "40", "57P01", "57P02", "57P03", "57P05", "53300")
"""SQLSTATEs, or their classes, of errors that pass: no connection, serialization and deadlocks, a server that stops or
starts, and too many connections."""

CANCELLED = ("57014", "55P03")
"""A timeout of the server's ended the statement, or its wait for a lock; or somebody cancelled it."""

FEW = (*CANCELLED, "25006")
"""Errors that are tried again a few times only: a call may just take too long, or this may be a replica for good."""

REFUSED = ("22", "23", "54")
"""Classes of SQLSTATEs for wrong data: invalid text, a rule of a table, more than a row or an index takes."""

OWNERS = "BS001"
"""The error of `functions.sql` if only the owner of the schema may do something."""

NAMED: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (("53100",), StoreFull, "no space is left on the server; nothing of this was kept"),
    (CANCELLED, StoreLocked, "the server's timeout ended it, or somebody cancelled it"),
    (("25006",), StoreReadOnly, "this server takes no writes: it is a replica, or was told so"),
    (("42501",), StoreReadOnly, "this user may not do that"),
    ((OWNERS,), StoreRefused, "this user may not do that"),
    (("3D000",), StoreMissing, "there is no such database"),
    (("3F000", "42P01", "42883"), StoreMissing, "there is no store in this schema"),
    (
        ("26000", "42P05"),
        StoreError,
        "a pooler keeps no prepared statements: take prepare=on out of the address",
    ),
    (("XX001", "XX002"), StoreCorrupt, "the stored data are damaged"),
)


def may_pass(error: psycopg.Error) -> bool:
    """Whether another try may succeed. A lost connection has no SQLSTATE."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError) and not _is_refusal(error)
    return error.sqlstate.startswith(PASSING) or error.sqlstate in FEW


def _is_refusal(error: psycopg.Error) -> bool:
    """Whether connecting failed for a reason that stays: libpq gives no SQLSTATE there, only words."""
    text = str(error)
    return (
        any(
            words in text
            for words in (
                "authentication failed",
                "no password supplied",
                "no pg_hba.conf entry",
                "certificate",
                "invalid ",
                "does not support SSL",
                "could not translate host name",
                "is not permitted to log in",
            )
        )
        or ("database" in text and "does not exist" in text)
        or ("role" in text and "does not exist" in text)
    )


def named(shown: str, error: psycopg.Error, *, reads: bool = False) -> StoreError:
    """The error of ours for one of PostgreSQL's. `reads`: nothing was being written.

    Its words hold no password: libpq's do not, once it has understood the address, and `address.parsed` lets no
    password pass for a host; before that they may, and are left out.
    """
    state = error.sqlstate
    if isinstance(error, psycopg.ProgrammingError) and state is None:
        return StoreError(f"{shown}: libpq does not understand this address or a parameter of it")
    words = " ".join(str(error).partition("\nCONTEXT:")[0].split())
    if state is None and 'database "' in words and "does not exist" in words:
        return StoreMissing(f"{shown}: there is no such database ({words})")
    for states, ours, says in NAMED:
        if state in states:
            return ours(f"{shown}: {says} ({words})")
    if state is not None and state.startswith(REFUSED):
        return StoreRefused(f"{shown}: this cannot be stored ({words})")
    if may_pass(error):
        kept = "; a write may have been kept all the same: make it again with the same ids"
        return StoreError(
            f"{shown}: the server cannot be reached or went away ({words}){'' if reads else kept}"
        )
    return StoreError(f"{shown}: {words}")
