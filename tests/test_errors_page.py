"""Each public error and warning is on the page of errors, with its kind, a cause and a way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from backstory import errors
from backstory.cli.exits import UsageError
from backstory.errors import BackstoryError
from backstory.history.ask.expression import ExpressionError

E = TypeVar("E", bound=BaseException)

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"


def rows() -> Iterator[list[str]]:
    """The cells of each row that begins with a name."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def public(root: type[E]) -> dict[str, type[E]]:
    """The classes of `backstory.errors` that derive from a root, by name."""
    found = vars(errors).values()
    return {cls.__name__: cls for cls in found if isinstance(cls, type) and issubclass(cls, root)}


ERRORS = {**public(BackstoryError), "ExpressionError": ExpressionError, "UsageError": UsageError}
WARNINGS = public(Warning)


@pytest.mark.parametrize("name", sorted(set(ERRORS) - {"BackstoryError"}))
def test_each_error_is_there_once_with_its_kind_a_cause_and_a_way_out(name: str) -> None:
    found = [row for row in rows() if row[0] == f"`{name}`"]
    assert len(found) == 1
    _, kind, cause, way_out = found[0]
    cls = ERRORS[name]
    assert kind == f"`{BackstoryError.__new__(cls).kind}`"
    assert cause
    assert way_out


@pytest.mark.parametrize("name", sorted(WARNINGS))
def test_each_warning_is_there(name: str) -> None:
    assert [len(row) for row in rows() if row[0] == f"`{name}`"] == [3]


def test_nothing_else_is_there() -> None:
    known = {*ERRORS, *WARNINGS, "ResourceWarning"}
    assert [row[0] for row in rows() if row[0].strip("`") not in known] == []


def test_the_tree_in_the_module_has_each_error() -> None:
    tree = errors.__doc__ or ""
    assert [name for name in ERRORS if not re.search(rf"\b{name}\b", tree)] == []
