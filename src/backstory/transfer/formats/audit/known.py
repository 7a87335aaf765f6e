"""The history tables that other libraries make, found by their columns, and those that somebody describes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

import msgspec

from backstory.errors import DefinitionError, SourceError
from backstory.likeness import did_you_mean
from backstory.rows.kinds import kind
from backstory.transfer.formats.audit.database import TableThere
from backstory.transfer.formats.audit.plans import Beside, Listed, Plan

Like = Literal["simple-history", "pghistory", "continuum", "table"]

SIMPLE = ("history_id", "history_date", "history_type")
PGHISTORY = ("pgh_id", "pgh_created_at", "pgh_label")
CONTINUUM = ("transaction_id", "operation_type")

NAMES = ("username", "email", "name", "login")
"""Columns of a table of users that name one, the first that is there."""

USERS = "auth_user"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The words of somebody about the tables, where these do not say it themselves; see `read_audit`.

    `fields` has the names of fields by those of the columns, where they differ.
    """

    like: Like | None = None
    tables: Mapping[str, str | None] = {}
    key: tuple[str, ...] = ()
    time: str | None = None
    author: str | None = None
    message: str | None = None
    operation: str | None = None
    deletions: frozenset[str] = frozenset()
    mark: str | None = None
    pair: tuple[str, str] | None = None
    data: str | None = None
    named_by: str | None = None
    sequence: str | None = None
    by_time: bool = False
    differs: bool = False
    drop: frozenset[str] = frozenset()
    fields: Mapping[str, str] = {}
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
    for column in asked.fields:
        if not any(column in plan.fields or plan.pair or plan.data for plan in found):
            every = dict.fromkeys(each for plan in found for each in plan.fields)
            raise SourceError(name, 0, f"no column {column!r} is a field; {did_you_mean(column, every)}")
    named = Counter(plan.table for plan in found).most_common(1)[0]
    if named[1] > 1:
        raise SourceError(
            name, 0, f"two histories would be the table {named[0]!r}; name them: --table HISTORY=NAME"
        )
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
    base = "".join(table.name.rsplit("historical", 1))
    own = {*SIMPLE, "history_user_id", "history_change_reason", "history_relation_id"}
    reason = "history_change_reason"
    return _made(
        there,
        asked,
        Plan(
            there=table,
            table=base,
            key=_key(there.get(base), table, asked),
            time="history_date",
            message=reason if reason in table.columns else None,
            operation="history_type",
            identity=("history_id",),
            lists=tuple(_many_to_many(there, table)),
        ),
        own,
        user="history_user_id",
    )


def _many_to_many(there: Mapping[str, TableThere], table: TableThere) -> Iterator[Listed]:
    """The tables that keep the other side of a history's many-to-many fields."""
    own = f"{table.name.rpartition('historical')[2]}_id"
    for other in there.values():
        if {"m2m_history_id", "history_id"} <= set(other.columns) and other.name.startswith(f"{table.name}_"):
            targets = [
                name for name in other.columns if name not in ("m2m_history_id", "history_id", "id", own)
            ]
            if targets:
                yield Listed(other.name.removeprefix(f"{table.name}_"), other, "history_id", targets[-1])


def _pghistory(there: Mapping[str, TableThere], table: TableThere, asked: Asked) -> Plan:
    base = table.name.removesuffix("event")
    own = {name for name in table.columns if name.startswith("pgh_")}
    beside: tuple[Beside, ...] = ()
    context = "pgh_context" if "pgh_context" in table.columns else ""
    if not context and "pgh_context_id" in table.columns and "pghistory_context" in there:
        beside = (Beside("context", there["pghistory_context"], "id", "pgh_context_id"),)
        context = "context.metadata"
    known = ("pgh_obj_id",) if "pgh_obj_id" in table.columns else ()
    return _made(
        there,
        asked,
        Plan(
            there=table,
            table=base,
            key=_key(there.get(base), table, asked, known),
            time="pgh_created_at",
            operation="pgh_label",
            identity=("pgh_id",),
            said={"context": context} if context else {},
            beside=beside,
        ),
        own,
        user=f"{context}->user" if context else None,
    )


def _continuum(there: Mapping[str, TableThere], table: TableThere, asked: Asked) -> Plan:
    transaction = there.get("transaction") or next(
        (each for each in there.values() if {"id", "issued_at", "remote_addr"} <= set(each.columns)), None
    )
    if transaction is None or "issued_at" not in transaction.columns:
        raise LookupError("the table of transactions, with the columns id and issued_at, is not there")
    mods = {f"{name}_mod" for name in table.columns} & set(table.columns)
    key = tuple(name for name in table.primary if name != "transaction_id")
    address = "remote_addr" in transaction.columns
    return _made(
        there,
        asked,
        Plan(
            there=table,
            table=table.name.removesuffix("_version"),
            key=_key(None, table, asked, key),
            time="transaction.issued_at",
            operation="operation_type",
            deletions=frozenset({"2"}),
            identity=("transaction_id", *key),
            said={
                "transaction": "transaction_id",
                **({"remote_addr": "transaction.remote_addr"} if address else {}),
            },
            beside=(Beside("transaction", transaction, "id", "transaction_id"),),
        ),
        {*CONTINUUM, "end_transaction_id", *mods},
        user="transaction.user_id" if "user_id" in transaction.columns else None,
    )


def _generic(there: Mapping[str, TableThere], table: TableThere, asked: Asked) -> Plan:
    if not asked.tables:
        raise LookupError("which tables are histories? Say --table, once or more")
    if asked.time is None or not asked.key:
        raise LookupError("which columns are the key of a row and the time of a change? Say --key and --time")
    number = [name for name in table.primary if name not in asked.key]
    is_counted = len(table.primary) == 1 == len(number) and table.columns[number[0]].kind == "integer"
    named = {asked.time, asked.author, asked.sequence, asked.named_by, asked.data, *(asked.pair or ())}
    return _made(
        there,
        asked,
        Plan(
            there=table,
            table=table.name,
            key=asked.key,
            time=asked.time,
            identity=table.primary,
            pair=asked.pair,
            data=asked.data,
            named_by=asked.named_by,
            renamed=asked.tables,
        ),
        {name for name in named if name} | ({*number} if is_counted else set()),
        is_counted=is_counted,
    )


def _made(
    there: Mapping[str, TableThere],
    asked: Asked,
    plan: Plan,
    own: Collection[str],
    *,
    user: str | None = None,
    is_counted: bool | None = None,
) -> Plan:
    """The plan with what somebody says, the author, the order, and the fields: columns that are not its `own`.

    The order is that of `sequence`, or of the number that tells changes apart, else that of their times.
    """
    columns = plan.there.columns
    message, operation, mark = asked.message or plan.message, asked.operation or plan.operation, asked.mark
    named = asked.author or user
    beside, author = _users(there, plan, named, asked) if named else ((), ())
    left_out = {*own, *asked.drop, *filter(None, [asked.author, message, operation, mark, asked.sequence])}
    fields = [name for name in columns if name not in left_out and [name] != [*plan.key]]
    if is_counted is None:
        is_counted = columns[plan.identity[0]].kind == "integer"
    counted = [asked.sequence] if asked.sequence else [] if is_counted else [plan.time]
    order = [plan.time, *plan.identity] if asked.by_time else [*counted, *plan.identity]
    return msgspec.structs.replace(
        plan,
        table=asked.tables.get(plan.there.name) or plan.table,
        author=author,
        message=message,
        operation=operation,
        deletions=asked.deletions or plan.deletions,
        mark=mark,
        order=tuple(dict.fromkeys(order)),
        fields={} if plan.pair else {name: name for name in fields},
        said={**({"operation": operation} if operation else {}), **plan.said},
        differs=asked.differs or plan.pair is not None,
        beside=(*plan.beside, *beside),
    )


def _key(
    base: TableThere | None, table: TableThere, asked: Asked, known: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """The columns that say which row it is: those that somebody named, else those of the primary key of its table."""
    columns = table.columns
    own = () if base is None or base.name == table.name else base.primary
    for key in (asked.key, own, known, ("id",)):
        if key and (asked.key or all(name in columns for name in key)):
            return key
    raise LookupError("which columns are the key of a row? Say --key")


def _users(
    there: Mapping[str, TableThere], plan: Plan, column: str, asked: Asked
) -> tuple[tuple[Beside, ...], tuple[str, ...]]:
    """The table of users that a column points to, and the columns that name the author; else the column itself."""
    alias, name, member = _place(plan, column)
    if not name:
        if asked.author:
            raise LookupError(f"there is no column {column!r}; it has {', '.join(plan.there.columns)}")
        return (), ()
    table = next((each.table for each in plan.beside if each.alias == alias), plan.there)
    users, _, shown = (asked.users or "").partition(".")
    refers = table.refers.get(name) or ((USERS, "id") if member or name == "history_user_id" else None)
    if users:
        if users not in there:
            raise LookupError(f"there is no table of users {users!r}; {did_you_mean(users, there)}")
        refers = (users, (there[users].primary or ("id",))[0])
    if refers is None or refers[0] not in there:
        return (), (column,)
    found = there[refers[0]]
    if shown and shown not in found.columns:
        raise LookupError(f"there is no column {shown!r} in {users}; it has {', '.join(found.columns)}")
    names = [shown] if shown else [each for each in NAMES if each in found.columns][:1]
    beside = Beside("users", found, refers[1], column)
    return (beside,), (*(f"users.{each}" for each in names), column)


def _place(plan: Plan, column: str) -> tuple[str, str, str]:
    """See `Plan.place`; without a column where it is not there."""
    try:
        return plan.place(column)
    except LookupError:
        return "", "", ""


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
