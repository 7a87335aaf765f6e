"""Predicates as text: `balance < 0 and len(items) > 3 or status == "open"`, compiled to functions that can do no harm.

The text is parsed as Python, and only these parts are understood: the state's fields, the fields of their values (of
dicts by name too), subscripts, comparisons, `and or not`, arithmetic on numbers, constants, a few functions, and
`any(line.count < 0 for line in lines)`. Only data are looked up, so an expression cannot reach code; texts, numbers
and the steps of one evaluation are bounded. A missing value (a key, an index, a field of `Latest` that no event gave
yet) is None; None is neither less nor more than any value. A field whose name is no word of Python is
`field("concept:name")`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from keyword import iskeyword
from typing import Any

import msgspec

from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.errors import ExpressionError
from backstory.history.ask.operators import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    LARGEST,
    VIEWS,
    Budget,
    attribute,
    item,
    number,
)
from backstory.history.ask.seen import check_name, check_seen, seen_value
from backstory.history.compare.jsonable import names_of
from backstory.likeness import meant, near

LONGEST = 2_000
DEEPEST = 40
STEPS = 1_000_000
"""How many elements one evaluation may visit."""

Value = Callable[["Scope"], Any]

ONE_EQUAL = re.compile(r"(?<![=!<>])=(?!=)")
FIELD = "field"
"""The function that gives a field by its name as a text."""

CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None"}
"""The constants as other languages write them."""

MOST_NAMES = 20
"""Names of fields that are listed where none of them is like the one that was meant."""


class Scope:
    """The values of names while an expression is evaluated, and the number of steps that it may still take."""

    __slots__ = ("budget", "names", "state")

    def __init__(self, state: Any) -> None:
        self.state = state
        self.names: dict[str, Any] = {}
        self.budget = Budget(STEPS)


class Expression:
    """A compiled text: a function of a state, which raises `ExpressionError` for operations without sense.

    `fields` are those that it asks for.
    """

    def __init__(
        self, text: str, compiled: Value, fields: Collection[str], open_names: Mapping[str, int]
    ) -> None:
        self.fields = fields
        self._text = text
        self._compiled = compiled
        self._open_names = open_names

    def __call__(self, state: Any) -> bool:
        """Whether it is true of this state."""
        return bool(self._compiled(Scope(state)))

    def check(self, known: Iterable[str]) -> None:
        """Raise `ExpressionError` for a field of `Latest` that is none of these, which are all that events gave."""
        names = sorted(known)
        for name, column in self._open_names.items() if names else ():
            if name not in names:
                raise ExpressionError(self._text, column, no_such_field("", name, names, spelled))


def predicate(text: str, cls: type[State]) -> Expression:
    """A function of a state of this class. Raises `ExpressionError`."""
    compiler = _Compiler(text, cls)
    compiled = compiler.compile()
    return Expression(text.strip(), compiled, compiler.used, compiler.open_names)


def value_of(state: State, name: str) -> Any:
    """The value of a field, or of a key of the dict that is `State.inside`; None if there is no such key."""
    if name in state.__struct_fields__:
        return getattr(state, name)
    return (getattr(state, state.inside) or {}).get(name)


def no_such_field(owner: str, name: str, known: Iterable[str], written: Callable[[str], str]) -> str:
    """The words about a field that a class does not have, or no event; `written` is the way to write a name."""
    names = sorted(known)
    likely = meant(map(written, near(name, names)))
    listed = ", ".join(map(written, names[:MOST_NAMES])) + (", ..." if len(names) > MOST_NAMES else "")
    lacking, have = (f"{owner} has no", "it has") if owner else ("no event has had a", "they have had")
    return f"{lacking} field {name!r}; {likely or f'{have} {listed}'}"


def spelled(name: str) -> str:
    """A field's name as an expression has it."""
    return (
        name
        if name.isidentifier() and not iskeyword(name)
        else f"{FIELD}({msgspec.json.encode(name).decode()})"
    )


class _Compiler:
    """Turns each node of a text into a function of a scope."""

    def __init__(self, text: str, cls: type[State]) -> None:
        self._text = text
        self._fields = None if cls is Latest else sorted(cls.__struct_fields__)
        self._cls = cls
        self._names: set[str] = set()
        self.used: set[str] = set()
        self.open_names: dict[str, int] = {}
        """Names of fields that only events can know, with their columns."""

    def compile(self) -> Value:
        """The whole text as one function."""
        if len(self._text) > LONGEST:
            raise ExpressionError(
                self._text[:60] + "...", 0, f"an expression has at most {LONGEST} characters"
            )
        try:
            tree = ast.parse(self._text.strip(), mode="eval")
        except SyntaxError as wrong:
            column = len(self._text.strip()) if not wrong.offset else wrong.offset - 1
            odd_name = f'a name that is no word of Python is written {FIELD}("concept:name")'
            hint = "equal is written ==" if ONE_EQUAL.search(self._text) else odd_name
            raise self._error(column, f"not an expression: {wrong.msg}; {hint}") from None
        except (RecursionError, MemoryError, ValueError) as wrong:
            raise self._error(0, f"not an expression: {str(wrong) or 'too deep'}") from None
        return self._node(tree.body, 0)

    def _error(self, column: int, why: str) -> ExpressionError:
        return ExpressionError(self._text.strip(), column, why)

    def _column(self, node: ast.expr) -> int:
        """The column at which a node begins, in characters: Python counts bytes."""
        return len(self._text.strip().encode()[: node.col_offset].decode(errors="ignore"))

    def _node(self, node: ast.expr, depth: int) -> Value:
        column = self._column(node)
        if depth > DEEPEST:
            raise self._error(column, f"nested deeper than {DEEPEST}")
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self._error(column, f"{_WORDS.get(type(node), type(node).__name__)} cannot be used here")
        inner: Value = method(node, column, depth + 1)

        def guarded(scope: Scope) -> Any:
            try:
                return inner(scope)
            except (TypeError, ValueError, ArithmeticError) as wrong:
                if isinstance(wrong, ExpressionError):
                    raise
                raise self._error(column, str(wrong)) from wrong

        return inner if isinstance(node, (ast.Name, ast.Constant, ast.BoolOp)) else guarded

    def _constant(self, node: ast.Constant, column: int, _depth: int) -> Value:
        value = node.value
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise self._error(column, f"{value!r} cannot be used here")
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise self._error(column, "this number is too large")
        return lambda _scope: value

    def _name(self, node: ast.Name, column: int, _depth: int) -> Value:
        name = node.id
        if name in self._names:
            return lambda scope: scope.names[name]
        if name in CONSTANTS and name not in (self._fields or ()):
            field = f"{FIELD}({msgspec.json.encode(name).decode()})"
            raise self._error(column, f"it is written {CONSTANTS[name]}; a field of this name is {field}")
        return self._field(name, column)

    def _field(self, name: str, column: int) -> Value:
        self.used.add(name)
        if self._fields is None:
            check_seen((name,), self._cls)
            self.open_names.setdefault(name, column)
            return lambda scope: (
                None if (field := scope.state.fields.get(name)) is None else seen_value(field, name)
            )
        if name not in self._fields and self._cls.inside:
            check_seen((names_of(self._cls)[self._cls.inside], name), self._cls)
            return lambda scope: value_of(scope.state, name)
        if name not in self._fields or name.startswith("_"):
            raise self._error(column, no_such_field(self._cls.__qualname__, name, self._fields, spelled))
        check_seen((names_of(self._cls)[name],), self._cls)
        get: Callable[[Any], Any] = getattr(self._cls, name).__get__
        return lambda scope: get(scope.state)

    def _attribute(self, node: ast.Attribute, column: int, depth: int) -> Value:
        value, name = self._node(node.value, depth), node.attr
        if name.startswith("_"):
            raise self._error(column, f"{name!r} is not data: it begins with an underscore")
        check_name(name)
        return lambda scope: attribute(value(scope), name)

    def _subscript(self, node: ast.Subscript, _column: int, depth: int) -> Value:
        if isinstance(node.slice, ast.Constant):
            check_name(node.slice.value)
        value, key = self._node(node.value, depth), self._node(node.slice, depth)
        return lambda scope: item(value(scope), key(scope))

    def _compare(self, node: ast.Compare, column: int, depth: int) -> Value:
        steps = []
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, (ast.Is, ast.IsNot)) and not (
                isinstance(right, ast.Constant) and right.value is None
            ):
                raise self._error(column, "only None can be compared with `is`; use ==")
            steps.append((COMPARISONS[type(operator)], self._node(right, depth)))
        if all(_is_text(part) for part in (node.left, *node.comparators)):
            text: Any = node.left
            hint = f"a field is written {spelled(text.value)}"
            raise self._error(column, f"two texts are compared, and no field; {hint}")
        left = self._node(node.left, depth)
        if len(steps) == 1:
            [(compare, right_value)] = steps
            return lambda scope: compare(left(scope), right_value(scope), scope.budget)

        def chained(scope: Scope) -> bool:
            one = left(scope)
            for compare, value in steps:
                other = value(scope)
                if not compare(one, other, scope.budget):
                    return False
                one = other
            return True

        return chained

    def _boolop(self, node: ast.BoolOp, _column: int, depth: int) -> Value:
        values = [self._node(value, depth) for value in node.values]
        stops_at = isinstance(node.op, ast.Or)

        def chosen(scope: Scope) -> Any:
            found = None
            for value in values:
                found = value(scope)
                if bool(found) is stops_at:
                    break
            return found

        return chosen

    def _unaryop(self, node: ast.UnaryOp, column: int, depth: int) -> Value:
        value = self._node(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda scope: not value(scope)
        if isinstance(node.op, ast.USub):
            return lambda scope: -number(value(scope))
        raise self._error(column, f"{_SIGNS[type(node.op)]} cannot be used here; - and not can")

    def _binop(self, node: ast.BinOp, column: int, depth: int) -> Value:
        operate = ARITHMETIC.get(type(node.op))
        if operate is None:
            can = "and, or" if isinstance(node.op, ast.BitAnd | ast.BitOr) else "+ - * / // %"
            raise self._error(column, f"{_SIGNS[type(node.op)]} cannot be used here; {can} can")
        left, right = self._node(node.left, depth), self._node(node.right, depth)
        return lambda scope: number(operate(number(left(scope)), number(right(scope))))

    def _list(self, node: ast.List | ast.Tuple, _column: int, depth: int) -> Value:
        values = [self._node(element, depth) for element in node.elts]
        return lambda scope: [value(scope) for value in values]

    _tuple = _list

    def _call(self, node: ast.Call, column: int, depth: int) -> Value:
        if node.keywords:
            raise self._error(column, "a function takes no named arguments here")
        if isinstance(node.func, ast.Name) and node.func.id == FIELD:
            [name] = node.args if len(node.args) == 1 else [None]
            if not isinstance(name, ast.Constant) or type(name.value) is not str:
                raise self._error(
                    column, f'{FIELD} takes the name of a field as a text: {FIELD}("concept:name")'
                )
            return self._field(name.value, column)
        if isinstance(node.func, ast.Attribute) and node.func.attr in VIEWS and not node.args:
            view, value = VIEWS[node.func.attr], self._node(node.func.value, depth)
            return lambda scope: view(value(scope))
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise self._error(
                column,
                f"only these can be called: {', '.join(sorted([FIELD, *FUNCTIONS]))}; .values() of a dict",
            )
        function = FUNCTIONS[node.func.id]
        arguments = [
            self._generator(argument, depth)
            if isinstance(argument, ast.GeneratorExp)
            else self._node(argument, depth)
            for argument in node.args
        ]
        return lambda scope: function(scope.budget, *(argument(scope) for argument in arguments))

    def _generator(self, node: ast.GeneratorExp, depth: int) -> Value:
        [loop, *others] = node.generators
        if others or loop.is_async or not isinstance(loop.target, ast.Name):
            raise self._error(self._column(node), "one `for` with one name is all that can be used here")
        name = loop.target.id
        if name in self._names or name.startswith("_"):
            raise self._error(self._column(node), f"{name!r} cannot be the name of an element here")
        source = self._node(loop.iter, depth)
        self._names.add(name)
        conditions = [self._node(condition, depth) for condition in loop.ifs]
        element = self._node(node.elt, depth)
        self._names.remove(name)

        def elements(scope: Scope) -> Iterable[Any]:
            for value in scope.budget.each(source(scope)):
                scope.names[name] = value
                if all(condition(scope) for condition in conditions):
                    yield element(scope)

        return elements


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is str


_SIGNS: Mapping[type[ast.operator | ast.unaryop], str] = {
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.MatMult: "@",
    ast.Invert: "~",
    ast.UAdd: "+",
}

_WORDS: Mapping[type[ast.expr], str] = {
    ast.Lambda: "a lambda",
    ast.IfExp: "if ... else",
    ast.ListComp: "a list comprehension",
    ast.JoinedStr: "a formatted text",
    ast.NamedExpr: "an assignment",
    ast.Slice: "a slice",
    ast.GeneratorExp: "a generator outside a function",
    ast.Dict: "a dict",
    ast.Set: "a set",
}
