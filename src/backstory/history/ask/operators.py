"""The operations of expressions: each by itself total, bounded and without side effects."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from backstory.likeness import did_you_mean

LARGEST = 10**100
SIMPLE = frozenset((int, float, str, bool))


class Budget:
    """How many elements may still be visited."""

    __slots__ = ("_left",)

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Raises `ValueError` if it is too much."""
        self._left -= steps
        if self._left < 0:
            raise ValueError("this visits too many elements")

    def each(self, values: Any) -> Iterator[Any]:
        """The elements of a container, or of a generator of this expression."""
        if not isinstance(values, (Sequence, AbstractSet, Mapping, Iterator)) or isinstance(
            values, (str, bytes)
        ):
            raise TypeError(f"{_kind(values)} has no elements")
        for value in values:
            self.spend(1)
            yield value


def number(value: Any) -> Any:
    """The number, if it is one and not beyond all reason."""
    if not isinstance(value, (int, float, Decimal)):
        raise TypeError(f"{_kind(value)} is not a number")
    if isinstance(value, int) and not -LARGEST < value < LARGEST:
        raise ValueError("a number grew too large")
    return value


def attribute(value: Any, name: str) -> Any:
    """A field of a struct, dataclass, attrs class or model, or a dict's value under a name; None if it is absent."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value.get(name)
    fields = _fields(type(value))
    if name not in fields:
        hint = did_you_mean(name, fields, f"it has {', '.join(sorted(fields))}" if fields else "")
        raise ValueError(f"{_kind(value)} has no field {name!r}{hint and f'; {hint}'}")
    return getattr(value, name)


def item(value: Any, key: Any) -> Any:
    """The element of a list or the value of a dict; None if it is absent."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        found = value.get(key) if _hashable(key) else None
        return next((value[other] for other in value if _equal(other, key)), None) if found is None else found
    if isinstance(value, (Sequence,)) and type(key) is int:
        return value[key] if -len(value) <= key < len(value) else None
    raise TypeError(f"{_kind(value)} has no element {key!r}")


def _fields(cls: type[Any]) -> Iterable[str]:
    for attribute in ("__struct_fields__", "__dataclass_fields__", "model_fields"):
        if fields := getattr(cls, attribute, None):
            return tuple(fields)
    return tuple(field.name for field in getattr(cls, "__attrs_attrs__", ()))


def _hashable(key: Any) -> bool:
    return isinstance(key, (str, int, float))


def _equal(one: Any, other: Any) -> bool:
    one, other = _alike(one, other)
    return bool(one == other)


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Two values as they can be compared: enums by their value, times and UUIDs with a text as that text says."""
    one = one.value if isinstance(one, Enum) else one
    other = other.value if isinstance(other, Enum) else other
    if type(one) is str and not isinstance(other, str):
        return _as(other, one), other
    if type(other) is str and not isinstance(one, str):
        return one, _as(one, other)
    return one, other


def _as(example: Any, text: str) -> Any:
    try:
        if isinstance(example, datetime):
            found = datetime.fromisoformat(text)
            return found if found.tzinfo is not None else found.replace(tzinfo=example.tzinfo)
        if isinstance(example, date):
            return date.fromisoformat(text)
        return UUID(text) if isinstance(example, UUID) else text
    except ValueError:
        return text


def _in(one: Any, container: Any, budget: Budget) -> bool:
    if container is None:
        return False
    if isinstance(container, str):
        if not isinstance(one, str):
            raise TypeError(f"{_kind(one)} cannot be in a text")
        return one in container
    return any(_equal(one, element) for element in budget.each(container))


def _ordering(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Budget], bool]:
    def ordered(one: Any, other: Any, _budget: Budget) -> bool:
        if type(one) in SIMPLE and type(one) is type(other):
            return bool(compare(one, other))
        if one is None or other is None:
            return False
        try:
            return bool(compare(*_alike(one, other)))
        except TypeError:
            why = "have no order: compare text with text, and a number with a number"
            raise TypeError(f"{_kind(one)} and {_kind(other)} {why}") from None

    return ordered


def _sum(budget: Budget, values: Any) -> Any:
    total: Any = 0
    for value in budget.each(values):
        total = number(total + number(value))
    return total


def _length(_budget: Budget, value: Any) -> int:
    if value is None:
        return 0
    if not isinstance(value, (str, bytes, Sequence, AbstractSet, Mapping)):
        raise TypeError(f"{_kind(value)} has no length")
    return len(value)


def _best(choose: Callable[..., Any]) -> Callable[..., Any]:
    def best(budget: Budget, first: Any, *others: Any) -> Any:
        values = (first, *others) if others else budget.each(first)
        return choose((value for value in values if value is not None), default=None)

    return best


def _lower(_budget: Budget, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{_kind(value)} has no lower case")
    return value.lower()


def _round(_budget: Budget, value: Any, digits: Any = 0) -> Any:
    if type(digits) is not int or abs(digits) > 50 or not abs(number(value)) < LARGEST:
        raise ValueError("this cannot be rounded so")
    return round(value, digits)


def _view(name: str) -> Callable[[Any], Any]:
    def view(value: Any) -> Any:
        if value is None:
            return ()
        if not isinstance(value, Mapping):
            raise TypeError(f"{_kind(value)} has no {name}()")
        return list(getattr(value, name)())

    return view


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any, Budget], bool]] = {
    ast.Eq: lambda one, other, _: _equal(one, other),
    ast.NotEq: lambda one, other, _: not _equal(one, other),
    ast.Lt: _ordering(operator.lt),
    ast.LtE: _ordering(operator.le),
    ast.Gt: _ordering(operator.gt),
    ast.GtE: _ordering(operator.ge),
    ast.In: _in,
    ast.NotIn: lambda one, container, budget: not _in(one, container, budget),
    ast.Is: lambda one, _other, _: one is None,
    ast.IsNot: lambda one, _other, _: one is not None,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda _budget, value: abs(number(value)),
    "all": lambda budget, values: all(budget.each(values)),
    "any": lambda budget, values: any(budget.each(values)),
    "len": _length,
    "lower": _lower,
    "max": _best(max),
    "min": _best(min),
    "round": _round,
    "sum": _sum,
}
VIEWS = {name: _view(name) for name in ("keys", "values")}
