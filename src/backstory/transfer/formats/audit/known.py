"""The history tables that other libraries make, found by their columns, and those that somebody describes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from backstory.errors import DefinitionError, SourceError
from backstory.likeness import did_you_mean
from backstory.rows.kinds import kind
from backstory.transfer.formats.audit.database import TableThere
from backstory.transfer.formats.audit.plans import DELETIONS, Beside, Plan

Like = Literal["simple-history", "pghistory", "continuum", "table"]

SIMPLE = ("history_id", "history_date", "history_type")
PGHISTORY = ("pgh_id", "pgh_created_at", "pgh_label")
CONTINUUM = ("transaction_id", "operation_type")

NAMES = ("username", "email", "name", "login")
"""Columns of a table of users that name one, the first that is there."""

USERS = "auth_user"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says of the tables, where these do not say it themselves; see `read_audit`."""

    like: Like | None = None
    tables: Mapping[str, str | None] = {}
    key: tuple[str, ...] = ()
    time: str | None = None
    author: str | None = None
    message: str | None = None
    operation: str | None = None
    deletions: frozenset[str] = frozenset()
    mark: str | None = None
    sequence: str | None = None
    by_time: bool = False
    differs: bool = False
    drop: frozenset[str] = frozenset()
    users: str | None = None


def plans(there: Mapping[str, TableThere], asked: Asked, name: str) -> list[Plan]:
    """The plan of each history table. Raises `SourceError` where there is none, or where the columns do not tell."""
    for table in asked.tables:
        if table not in there:
            raise SourceError(name, 0, f"there is no table {table!r}; {did_you_mean(table, there)}")
    chosen = [there[table] for table in asked.tables or there]
    found = [plan for table in chosen if (plan := _plan(there, table, asked, name)) is not None]
    if not found:
        raise SourceError(name, 0, _none_found(asked))
    return found


def _plan(there: Mapping[str, TableThere], table: TableThere, asked: Asked, name: str) -> Plan | None:
    """The plan of a table; None if it is no history, and nobody said that it is one."""
    like = asked.like or like_of(table)
    if like is None and asked.tables and asked.time:
        like = "table"
    if like is None or (like != "table" and like_of(table) != like):
        if asked.tables:
            kind = f"no history of {asked.like}" if asked.like else "a history of no known kind"
            why = f"it is {kind}: say --like table, with --key and --time"
            raise SourceError(f"{name}, table {table.name}", 0, why)
        return None
    makers = {"simple-history": _simple, "pghistory": _pghistory, "continuum": _continuum, "table": _generic}
    try:
        return _checked(makers[like](there, table, asked))
    except LookupError as wrong:
        raise SourceError(f"{name}, table {table.name}", 0, str(wrong.args[0])) from None


def like_of(table: TableThere) -> Like | None:
    """The library whose history table this is; None if its columns do not say so."""
    columns = table.columns
    if all(name in columns for name in SIMPLE):
        return "simple-history"
    if all(name in columns for name in PGHISTORY):
        return "pghistory"
    if all(name in columns for name in CONTINUUM) and "transaction_id" in table.primary:
        return "continuum"
    return None


def _simple(there: Mapping[str, TableThere], table: TableThere, asked: Asked) -> Plan:
    base = "".join(table.name.rsplit("historical", 1)) if "historical" in table.name else table.name
    own = {*SIMPLE, "history_user_id", "history_change_reason", "history_relation_id"}
    users, author = _users(there, table, "history_user_id", asked)
    return _made(
        there,
        table,
        asked,
        base,
        own,
        time="history_date",
        sequence=("history_id",),
        author=author,
        message="history_change_reason" if "history_change_reason" in table.columns else None,
        operation="history_type",
        beside=users,
    )


def _pghistory(there: Mapping[str, TableThere], table: TableThere, asked: Asked) -> Plan:
    own = {name for name in table.columns if name.startswith("pgh_")}
    beside: tuple[Beside, ...] = ()
    context = ""
    if "pgh_context" in table.columns:
        context = "pgh_context"
    elif "pgh_context_id" in table.columns and "pghistory_context" in there:
        beside = (Beside("context", there["pghistory_context"], "id", "pgh_context_id"),)
        context = "context.metadata"
    user = f"{context}->user"
    users, author = _users(there, table, user, asked) if context else ((), ())
    return _made(
        there,
        table,
        asked,
        table.name.removesuffix("event"),
        own,
        time="pgh_created_at",
        sequence=("pgh_id",),
        author=author,
        operation="pgh_label",
        said={"context": context} if context else {},
        key=("pgh_obj_id",) if "pgh_obj_id" in table.columns else (),
        beside=(*beside, *users),
    )


def _continuum(there: Mapping[str, TableThere], table: TableThere, asked: Asked) -> Plan:
    transaction = there.get("transaction") or next(
        (each for each in there.values() if {"id", "issued_at", "remote_addr"} <= set(each.columns)), None
    )
    if transaction is None:
        raise LookupError("the table of transactions, with the columns id and issued_at, is not there")
    mods = {f"{name}_mod" for name in table.columns} & set(table.columns)
    own = {*CONTINUUM, "end_transaction_id", *mods}
    beside = (Beside("transaction", transaction, "id", "transaction_id"),)
    users, author = _users(there, transaction, "user_id", asked, "transaction.")
    said = {"transaction": "transaction_id"}
    if "remote_addr" in transaction.columns:
        said["remote_addr"] = "transaction.remote_addr"
    key = tuple(name for name in table.primary if name != "transaction_id")
    return _made(
        there,
        table,
        asked,
        table.name.removesuffix("_version"),
        own,
        time="transaction.issued_at",
        sequence=("transaction_id", *key),
        author=author,
        operation="operation_type",
        deletions=frozenset({"2"}),
        said=said,
        key=key,
        beside=(*beside, *users),
    )


def _generic(there: Mapping[str, TableThere], table: TableThere, asked: Asked) -> Plan:
    if not asked.tables:
        raise LookupError("which tables are histories? Say --table, once or more")
    if asked.time is None or not asked.key:
        raise LookupError("which columns are the key of a row and the time of a change? Say --key and --time")
    users, author = _users(there, table, asked.author, asked) if asked.author else ((), ())
    primary = tuple(name for name in table.primary if name not in asked.key)
    single = len(primary) == 1 and table.columns[primary[0]].kind == "integer"
    own = {asked.time, asked.author, asked.message, asked.operation, asked.mark, asked.sequence}
    return _made(
        there,
        table,
        asked,
        table.name,
        {name for name in own if name} | (set(primary) if single else set()),
        time=asked.time,
        sequence=table.primary if not single else primary,
        author=author,
        message=asked.message,
        operation=asked.operation,
        beside=users,
    )


def _made(
    there: Mapping[str, TableThere],
    table: TableThere,
    asked: Asked,
    base: str,
    own: Collection[str],
    *,
    time: str,
    sequence: tuple[str, ...],
    author: tuple[str, ...],
    beside: tuple[Beside, ...],
    message: str | None = None,
    operation: str | None = None,
    deletions: frozenset[str] = DELETIONS,
    said: Mapping[str, str] = {},
    key: tuple[str, ...] = (),
) -> Plan:
    """The plan of a table. Columns that are not its `own` are fields, those of the row's table if that is there."""
    key = _key(there.get(base), table, asked, key)
    rest = [name for name in table.columns if name not in own and name not in asked.drop]
    rest = [name for name in rest if [name] != [*key]]
    counted = sequence and all(table.columns[name].kind == "integer" for name in sequence[:1])
    order = (asked.sequence, *sequence) if asked.sequence else sequence
    if asked.by_time or not (counted or asked.sequence):
        order = (time, *sequence)
    return Plan(
        there=table,
        table=asked.tables.get(table.name) or base,
        key=key,
        time=time,
        author=author,
        message=message,
        operation=operation,
        deletions=asked.deletions or deletions,
        mark=asked.mark,
        identity=sequence,
        order=tuple(dict.fromkeys(order)),
        fields={name: name for name in rest},
        said={**({"operation": operation} if operation else {}), **said},
        differs=asked.differs,
        beside=beside,
    )


def _key(base: TableThere | None, table: TableThere, asked: Asked, known: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that say which row it is: those that somebody named, else those of the primary key of its table."""
    columns = table.columns
    for key in (asked.key, () if base is None else base.primary, known, ("id",)):
        if key and (asked.key or all(name in columns for name in key)):
            return key
    raise LookupError("which columns are the key of a row? Say --key")


def _users(
    there: Mapping[str, TableThere], table: TableThere, column: str, asked: Asked, alias: str = ""
) -> tuple[tuple[Beside, ...], tuple[str, ...]]:
    """The table of users that a column points to, and the columns that name the author; else the column itself."""
    name, _, member = column.partition("->")
    if name not in table.columns and not member and not asked.author:
        return (), ()
    users, _, shown = (asked.users or "").partition(".")
    refers = table.refers.get(column) or ((USERS, "id") if member or column == "history_user_id" else None)
    if users:
        refers = (users, (there[users].primary or ("id",))[0] if users in there else "id")
    if refers is None or refers[0] not in there:
        if users:
            raise LookupError(f"there is no table of users {users!r}")
        return (), (alias + column,)
    found = there[refers[0]]
    names = [shown] if shown else [each for each in NAMES if each in found.columns][:1]
    if shown and shown not in found.columns:
        raise LookupError(f"there is no column {shown!r} in {users}; it has {', '.join(found.columns)}")
    beside = Beside("users", found, refers[1], alias + column)
    return (beside,), (*(f"users.{each}" for each in names), alias + column)


def _checked(plan: Plan) -> Plan:
    """The plan, if its columns are there, and if a table can have the name that its rows get."""
    for name in (*plan.named(), *plan.order):
        plan.place(name)
    try:
        kind(plan.table)
    except DefinitionError as wrong:
        raise LookupError(f"{wrong}. Name it: --table {plan.there.name}=NAME") from None
    return plan


def _none_found(asked: Asked) -> str:
    kinds = asked.like or "simple-history, pghistory or continuum"
    return f"no table is a history of {kinds}. Another one is told by --table, --key and --time"
