"""Conditions as text, in SQL: the parts of `balance < 0 and len(items) > 3` that SQL answers as Python does.

A condition is a conjunction. Each part of it that compares plain fields with constants becomes SQL; the rest is asked
of each state in Python. The meaning is that of `backstory.history.ask.expression`: a missing value is neither less nor
more than any.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from backstory.projections.coded import EXACT, NESTED, NUMBER, TEXT, coded, is_exact
from backstory.projections.materialize import Column

OPERATORS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", ">"), ast.LtE: ("<=", ">="), ast.Gt: (">", "<"), ast.GtE: (">=", "<="),
    ast.Eq: ("=", "="), ast.NotEq: ("<>", "<>"), ast.Is: ("=", "="), ast.IsNot: ("<>", "<>"),
}  # fmt: skip
SIMPLE = re.compile(r'"([^"]+)" (=|<>|<=?|>=?|IS NULL)(?: \?)?')
LARGEST = 2**63 - 1
SMALLEST = -LARGEST
"""Numbers beyond these are compared in Python."""

BEYOND = {NUMBER: TEXT, TEXT: NESTED}
"""The beginning of the coded values of the next type."""

UNTAKEN = re.compile(r"[\x00\ud800-\udfff]")
"""Characters that no text in a database has, or in PostgreSQL."""


class Where(NamedTuple):
    """A condition in SQL, its arguments, and the text of what is left for Python; empty where nothing is left.

    `equal` and `ranged` are the fields by which an index can find the rows: each row has this value, or one in a range.
    """

    sql: str
    arguments: tuple[Any, ...]
    rest: str
    equal: frozenset[str]
    ranged: frozenset[str]


def translated(text: str, columns: Mapping[str, Column]) -> Where:
    """As much of a condition as SQL can answer. The text was compiled before, so it is understood."""
    if not text.strip():
        return Where("", (), "", frozenset(), frozenset())
    tree = ast.parse(text.strip(), mode="eval").body
    parts = list(_conjuncts(tree))
    said: list[str] = []
    arguments: list[Any] = []
    rest: list[str] = []
    fields: dict[str, set[str]] = {"equal": set(), "ranged": set()}
    for part in parts:
        found = _sql(part, columns)
        if found is None:
            rest.append(f"({ast.unparse(part)})")
        else:
            said.append(found[0])
            arguments += found[1]
            if (simple := SIMPLE.match(found[0])) and simple[2] != "<>" and not found[0].startswith("("):
                fields["equal" if simple[2] in ("=", "IS NULL") else "ranged"].add(simple[1])
    return Where(
        " AND ".join(said),
        tuple(arguments),
        " and ".join(rest),
        frozenset(fields["equal"]),
        frozenset(fields["ranged"]),
    )


def _conjuncts(node: ast.expr) -> Iterator[ast.expr]:
    """The parts of a condition that are all to be true."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _conjuncts(value)
    else:
        yield node


def _sql(
    node: ast.expr, columns: Mapping[str, Column], *, inverted: bool = False
) -> tuple[str, list[Any]] | None:
    """A part in SQL. Below a `not` it may not be NULL, which elsewhere is as good as false, and lets indexes work."""
    match node:
        case ast.BoolOp(op=op, values=values):
            found = [_sql(value, columns, inverted=inverted) for value in values]
            whole = [each for each in found if each is not None]
            if len(whole) < len(found):
                return None
            word = " AND " if isinstance(op, ast.And) else " OR "
            return f"({word.join(sql for sql, _ in whole)})", [one for _, own in whole for one in own]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _sql(operand, columns, inverted=True)
            return None if inner is None else (f"(NOT {inner[0]})", inner[1])
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(left, op, right, columns, inverted=inverted)
        case ast.Name(id=name) if (
            name in columns and columns[name].type is bool and not columns[name].optional
        ):
            return f'"{name}"', []
        case _:
            return None


def _compared(
    left: ast.expr, op: ast.cmpop, right: ast.expr, columns: Mapping[str, Column], *, inverted: bool
) -> tuple[str, list[Any]] | None:
    if type(op) not in OPERATORS:
        return None
    forwards, backwards = OPERATORS[type(op)]
    column, value = _column(left, columns), _constant(right)
    if column is None:
        column, value, forwards = _column(right, columns), _constant(left), backwards
    if column is None or value is None:
        return None
    constant = value[0]
    if constant is None:
        return None if forwards not in ("=", "<>") else (_null(column, forwards), [])
    if column.coded:
        return _coded(column, forwards, constant, inverted=inverted)
    if not _comparable(column.type, constant):
        return None
    if forwards == "<>" and column.optional:
        return f'("{column.name}" IS NULL OR "{column.name}" <> ?)', [constant]
    sql = f'"{column.name}" {forwards} ?'
    return (f"coalesce({sql}, false)" if column.optional and inverted else sql), [constant]


def _coded(column: Column, operator: str, constant: Any, *, inverted: bool) -> tuple[str, list[Any]] | None:
    """A comparison with a coded value. A value of another type is neither less nor more."""
    constant = int(constant) if isinstance(constant, bool) else constant
    if not is_exact(constant, ordered=operator not in ("=", "<>")):
        return None
    if not _comparable(str if isinstance(constant, str) else float, constant):
        return None
    name, value = f'"{column.name}"', coded(constant)
    assert value is not None
    if operator == "<>":
        return f"({name} IS NULL OR {name} <> ?)", [value]
    sql, arguments = f"{name} {operator} ?", [value]
    beyond = {
        "<": (">=", value[0]),
        "<=": (">=", value[0]),
        ">": ("<", BEYOND[value[0]]),
        ">=": ("<", BEYOND[value[0]]),
    }
    if operator in beyond:
        other, limit = beyond[operator]
        sql, arguments = f"{sql} AND {name} {other} ?", [value, limit]
    return (f"coalesce({sql}, false)" if inverted else sql), arguments


def _null(column: Column, operator: str) -> str:
    return f'"{column.name}" IS {"" if operator == "=" else "NOT "}NULL'


def _column(node: ast.expr, columns: Mapping[str, Column]) -> Column | None:
    match node:
        case ast.Name(id=name):
            return columns.get(name)
        case ast.Call(func=ast.Name(id="field"), args=[ast.Constant(value=str() as name)]):
            found = columns.get(name)
            return found if found is not None and found.coded else None
        case _:
            return None


def _constant(node: ast.expr) -> tuple[Any] | None:
    """A constant, in a tuple, because None is one."""
    match node:
        case ast.Constant(value=value):
            return (value,)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return (-value,)
        case _:
            return None


def _comparable(kind: type[Any], value: Any) -> bool:
    if kind in (int, float):
        most = LARGEST if type(value) is kind else EXACT - 1
        return type(value) in (int, float) and -most <= value <= most
    return type(value) is kind and not (kind is str and UNTAKEN.search(value))
