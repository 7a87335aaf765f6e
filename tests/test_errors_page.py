"""Each public error and warning is on the page of errors, with its kind, a cause and a way out."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

import backstory
from backstory import errors
from backstory.errors import BackstoryError

E = TypeVar("E", bound=BaseException)

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"


def rows() -> Iterator[list[str]]:
    """The cells of each row that begins with a name."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def public(root: type[E]) -> dict[str, type[E]]:
    """Every class of the package that derives from a root, by name, but for those that never reach a caller."""
    for module in pkgutil.walk_packages(backstory.__path__, "backstory."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, left = {}, [root]
    while left:
        cls = left.pop()
        left += cls.__subclasses__()
        if cls.__module__.startswith("backstory.") and cls.__name__ not in INSIDE:
            found[cls.__name__] = cls
    return found


INSIDE = {"ChangedError", "GoneError", "LostError", "TakenError"}
"""Errors that the library raises and catches itself."""

ERRORS, WARNINGS = public(BackstoryError), public(Warning)


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


ELSEWHERE = {
    "Later": "outbox",
    "StopSending": "outbox",
    "WrongSignature": "outbox",
    "UsageError": "cli.exits",
    "BadParameter": "web.ask",
    "Busy": "web.ask",
    "NotFound": "web.ask",
    "Forbidden": "hosts",
    "NotOperated": "operating",
}
"""Errors that belong to a part of the library; the page says where."""


@pytest.mark.parametrize("name", sorted({*ERRORS, *WARNINGS}))
def test_each_is_importable_from_where_the_page_says(name: str) -> None:
    module = f"backstory.{ELSEWHERE.get(name, 'errors')}"
    assert getattr(importlib.import_module(module), name) is {**ERRORS, **WARNINGS}[name]
    assert name not in ELSEWHERE or f"`{module}`" in PAGE.read_text(encoding="utf-8")
