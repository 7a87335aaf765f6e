"""Finding states: in a table that is kept of them, or by folding the log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from backstory import timelimit
from backstory.decide.state import State, is_withheld
from backstory.errors import ExpressionError
from backstory.history.ask.entities import Entities
from backstory.history.ask.expression import predicate, value_of
from backstory.projections import cursor
from backstory.projections.coded import NESTED, WITHHELD, sortable
from backstory.projections.count import about, counted
from backstory.projections.materialize import Column, Materialized, name
from backstory.projections.where import LARGEST, Where, translated
from backstory.store import Log
from backstory.tables import Transaction
from backstory.values.masking import html_of_all

S = TypeVar("S")
F = TypeVar("F")

SPELLED = re.compile(r"""field\((".*"|'.*')\)""")

MOST_WITHHELD = 100
"""Keys of rows that are told because not all of their fields are known."""

BATCH = 500
"""Rows that are read at a time where Python has to look at each."""


class Page(list[S], Generic[S]):
    """States that were found, in order.

    `cursor` leads to those behind them: `find(..., after=found.cursor)`; None if there are none. `total` is how many
    there are in all, where that was asked for. `withheld` are the keys of rows of a table that are left out, because
    data of their events were withheld and nobody knows all of their fields: the first 100 by key.
    """

    cursor: str | None = None
    total: int | None = None
    withheld: Sequence[str] = ()

    def _repr_html_(self) -> str:
        """For notebooks: a row for each of the first, masked."""
        return html_of_all(self)

    def of(self, others: Iterable[F]) -> Page[F]:
        """The same piece, with other things in the place of its states."""
        page = Page(others)
        page.cursor, page.total, page.withheld = self.cursor, self.total, self.withheld
        return page


class Asked(NamedTuple):
    """A question: the condition, the fields to sort by (`-` before one: descending), and the piece of the answer."""

    where: str
    order_by: tuple[str, ...]
    limit: int | None
    after: str | None
    total: bool | Literal["about"]


def asked(
    where: str,
    order_by: str | Sequence[str],
    limit: int | None,
    after: str | None,
    total: bool | Literal["about"],
) -> Asked:
    """The question of a caller. Raises `ValueError` for a `limit` below 0."""
    if limit is not None and limit < 0:
        raise ValueError(f"limit is the most states that are given, not {limit}; None gives all")
    return Asked(where, (order_by,) if isinstance(order_by, str) else tuple(order_by), limit, after, total)


class Term(NamedTuple):
    """A field to sort by."""

    name: str
    descending: bool


def terms(order_by: Sequence[str], cls: type[State]) -> list[Term]:
    """The fields to sort by. Raises `ExpressionError` for one that the state does not have."""
    found = [Term(each.removeprefix("-"), each.startswith("-")) for each in order_by]
    for at, (text, each) in enumerate(zip(order_by, found, strict=True)):
        fields = list(predicate(f"{each.name} == 0", cls).fields)
        if fields not in ([each.name], [_spelled(each.name)]):
            raise ExpressionError(text, 0, "a field to sort by is a name, with - before it for descending")
        found[at] = each._replace(name=fields[0])
    return found


def _spelled(text: str) -> str | None:
    """The name in `field("concept:name")`."""
    called = SPELLED.fullmatch(text.strip())
    return None if called is None else ast.literal_eval(called[1])


def in_table(kept: Materialized, asked: Asked, tx: Transaction) -> Page[Any]:
    """Find in the table of a class."""
    order = terms(asked.order_by, kept.cls)
    if any(term.name not in kept.columns for term in order):
        states = (
            (key, kept.decoded(state)) for key, state in tx.rows(f"SELECT key, state FROM {kept.table}")
        )
        return among(kept.cls, states, asked)
    where = _where(kept, asked.where)
    holds = predicate(where.rest, kept.cls) if where.rest else None
    sorting = ", ".join([*(_sorting(term, kept.columns[term.name]) for term in order), "key"])
    found: Page[Any] = Page()
    wanted = None if asked.limit is None else min(asked.limit, LARGEST - 1) + 1
    by = [kept.columns[term.name] for term in order]
    plain = [term.name for term in order if kept.columns[term.name].coded]
    place = None if asked.after is None else cursor.read_for(asked.after, by, tx.dialect)
    rows: list[Any] = []
    while wanted is None or len(rows) < wanted:
        conditions, arguments = [where.sql] if where.sql else [], list(where.arguments)
        if place is not None:
            behind, values = _behind(order, kept.columns, place)
            conditions.append(behind)
            arguments += values
        step = BATCH if holds or wanted is None else wanted
        columns = ", ".join(["key", "state", *(f'"{term.name}"' for term in order)])
        sql = f"SELECT {columns} FROM {kept.table}"
        sql += f" WHERE {' AND '.join(conditions)}" if conditions else ""
        got = tx.rows(f"{sql} ORDER BY {sorting} LIMIT {step}", arguments)
        pairs = [
            (kept.decoded(state), _plain([*values, key])) for key, state, *values in timelimit.counted(got)
        ]
        if pairs:
            place = pairs[-1][1]
        if plain:
            pairs = [(state, [*_values(state, order), values[-1]]) for state, values in pairs]
        rows += [pair for pair in pairs if holds is None or holds(pair[0])]
        if len(got) < step:
            break
    if kept.takes_withheld:
        lost = f"SELECT key FROM {kept.table} WHERE \"{kept.cls.inside}\" = '{WITHHELD}'"
        lost += f" ORDER BY key LIMIT {MOST_WITHHELD}"
        found.withheld = [key.partition(":")[2] for [key] in tx.rows(lost)]
    if asked.total:
        count = about if asked.total == "about" else counted
        found.total = count(kept, where, holds, tx)
    return _piece(found, rows, asked.limit)


def scans(kept: Materialized, asked: Asked) -> bool:
    """Whether no index of the table leads to the states that are asked for, so that all rows may have to be read."""
    order = terms(asked.order_by, kept.cls)
    where = _where(kept, asked.where)
    if not order and not asked.where.strip():
        return False
    return not any(_serves(index, where, order, kept.columns) for index in kept.index)


def _where(kept: Materialized, text: str) -> Where:
    """The condition in SQL. Of plain rows, only those are found that are there."""
    where = translated(text, kept.columns)
    if not kept.cls.inside:
        return where
    there = f"\"{kept.cls.inside}\" = '{NESTED}'"
    return where._replace(sql=f"{there} AND {where.sql}" if where.sql else there)


def _serves(index: Sequence[str], where: Where, order: Sequence[Term], columns: Mapping[str, Column]) -> bool:
    """Whether an index leads to the rows of a condition, or has them in this order."""
    rest = list(index)
    while rest and rest[0] in where.equal:
        rest.pop(0)
    in_order = (
        bool(order)
        and [term.name for term in order] == rest[: len(order)]
        and len({term.descending for term in order}) == 1
        and not any(columns[term.name].optional and not columns[term.name].coded for term in order)
    )
    return in_order or len(rest) < len(index) or index[0] in where.ranged


def _sorting(term: Term, column: Column) -> str:
    """How SQL sorts by a field: values that are missing come last."""
    if column.coded:
        return f'"{column.name}"{" DESC" if term.descending else ""} NULLS LAST'
    missing = f'("{column.name}" IS NULL), ' if column.optional else ""
    return f'{missing}"{column.name}"{" DESC" if term.descending else ""}'


def _behind(order: Sequence[Term], columns: Any, place: Sequence[Any]) -> tuple[str, list[Any]]:
    """The condition for the rows behind a place."""
    *values, key = place
    said, arguments = "key > ?", [key]
    for term, value in zip(reversed(order), reversed(values), strict=True):
        column, more = f'"{term.name}"', "<" if term.descending else ">"
        optional = columns[term.name].optional
        if value is None:
            said = f"({column} IS NULL AND {said})"
        else:
            beyond = f"({column} {more} ? OR {column} IS NULL)" if optional else f"{column} {more} ?"
            said, arguments = f"({beyond} OR ({column} = ? AND {said}))", [value, value, *arguments]
    if order and not columns[order[0].name].optional:  # which an index can take, as it cannot take the OR
        said = f'"{order[0].name}" {"<=" if order[0].descending else ">="} ? AND {said}'
        arguments = [values[0], *arguments]
    return said, arguments


def _plain(values: Sequence[Any]) -> list[Any]:
    """Values as a cursor keeps them."""
    return [int(each) if type(each).__name__ == "Decimal" else each for each in values]


def _piece(found: Page[Any], rows: Sequence[tuple[Any, list[Any]]], limit: int | None) -> Page[Any]:
    piece = rows if limit is None else rows[:limit]
    found.extend(state for state, _ in piece)
    if limit is not None and len(rows) > limit and piece:
        found.cursor = cursor.written(piece[-1][1])
    return found


def by_folding(log: Log, cls: type[State], asked: Asked, upto: int | None = None) -> Page[Any]:
    """Find by folding every event of every state of the class."""
    entities = Entities(log, cls)
    for _ in entities.follow(upto):
        pass
    return among(cls, ((name(key), entity.state) for key, entity in entities.found.items()), asked)


def among(cls: type[State], states: Iterator[tuple[str, Any]], asked: Asked) -> Page[Any]:
    """Find among states, each with its key."""
    holds = predicate(asked.where, cls) if asked.where.strip() else None
    order = terms(asked.order_by, cls)
    found: Page[Any] = Page()
    if cls.inside:
        there = [(key, state) for key, state in states if getattr(state, cls.inside) is not None]
        lost = (key.partition(":")[2] for key, state in there if is_withheld(state))
        found.withheld = sorted(lost)[:MOST_WITHHELD]
        states = ((key, state) for key, state in there if not is_withheld(state))
    rows = [
        (state, [*_values(state, order), key])
        for key, state in timelimit.counted(states)
        if holds is None or holds(state)
    ]
    rows.sort(key=lambda row: row[1][-1])
    for index, term in reversed(list(enumerate(order))):
        rows.sort(key=lambda row, at=index: _rank(row[1][at]), reverse=term.descending)  # type: ignore[misc]
        rows.sort(key=lambda row, at=index: row[1][at] is None)  # type: ignore[misc]
    if asked.total:
        found.total = len(rows)
    if asked.after is not None:
        place = cursor.read(asked.after, len(order))
        behind = next((index for index, row in enumerate(rows) if row[1] == place), None)
        rows = rows[(0 if behind is None else behind + 1) :]
        if behind is None:
            rows = [row for row in rows if _is_behind(row[1], place, order)]
    return _piece(found, rows, asked.limit)


def _is_behind(values: Sequence[Any], place: Sequence[Any], order: Sequence[Term]) -> bool:
    for value, other, term in zip(values, place, order, strict=False):
        if value == other:
            continue
        if value is None or other is None:
            return value is None
        return bool((_rank(value) < _rank(other)) == term.descending)
    return bool(values[-1] > place[-1])


def _values(state: State, order: Sequence[Term]) -> Iterator[Any]:
    return (sortable(value_of(state, term.name)) for term in order)


def _rank(value: Any) -> Any:
    return (isinstance(value, str), value) if value is not None else (False, 0)
