"""The reference of the public names: it is what the docstrings say, has each of them, and is found from the README."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import backstory
from scripts import reference

ROOT = Path(__file__).parents[1]
MODULES = ["backstory", "backstory.aio", "backstory.testing", "backstory.adapters"]


def links(page: Path) -> set[Path]:
    """The pages of this project that a page links to."""
    found = re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return {(page.parent / link).resolve() for link in found}


def test_the_reference_is_what_the_docstrings_say() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.written(), (
        "run: python scripts/reference.py"
    )


@pytest.mark.parametrize("module", MODULES)
def test_each_public_name_is_in_the_reference_or_on_the_page_of_errors(module: str) -> None:
    told, errors = (ROOT.joinpath("docs", name).read_text("utf-8") for name in ("reference.md", "errors.md"))
    names = import_module(module).__all__
    assert [name for name in names if f"### `{name}`" not in told and f"`{name}`" not in errors] == []


def test_each_public_name_is_used_on_a_page_that_the_readme_leads_to_in_two_steps() -> None:
    readme = ROOT / "README.md"
    first = links(readme)
    pages = {readme, *first, *(page for near in first for page in links(near))} - {
        ROOT / "docs" / "reference.md"
    }
    told = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert [name for name in backstory.__all__ if not re.search(rf"\b{name}\b", told)] == []


def test_each_page_of_the_docs_is_one_that_the_readme_leads_to_in_two_steps() -> None:
    first = links(ROOT / "README.md")
    reached = first | {page for near in first for page in links(near)}
    assert [
        page.name for page in sorted((ROOT / "docs").rglob("*.md")) if page.resolve() not in reached
    ] == []
