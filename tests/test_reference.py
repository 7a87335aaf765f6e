"""The reference of the public names: it is what the docstrings say, has each of them, and is found from the README."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import backstory
from scripts import reference

ROOT = Path(__file__).parents[1]
MODULES = ["backstory", "backstory.aio", "backstory.outbox", "backstory.testing", "backstory.adapters"]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]


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


def code(page: Path) -> str:
    """What a page shows as code: its blocks, and what stands between backticks."""
    return "\n".join(
        found[0] or found[1]
        for found in re.findall(
            r"^ *```(.*?)^ *```|`([^`\n]+)`", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    )


def test_each_public_name_is_used_in_the_code_of_a_page_that_the_readme_leads_to_in_two_steps() -> None:
    readme = ROOT / "README.md"
    first = links(readme)
    pages = {readme, *first, *(page for near in first for page in links(near))} - {
        ROOT / "docs" / "reference.md"
    }
    told = "".join(map(code, sorted(pages)))
    assert [name for name in backstory.__all__ if not re.search(rf"\b{name}\b", told)] == []


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_each_name_that_a_guide_imports_is_in_the_reference_or_on_the_page_of_errors(page: Path) -> None:
    told, errors = (ROOT.joinpath("docs", name).read_text("utf-8") for name in ("reference.md", "errors.md"))
    imports = re.findall(
        r"^\s*from backstory[\w.]* import (\([^)]*\)|.*)", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    names = {name for words in imports for name in re.findall(r"\w+", re.sub(r"#.*|\bas \w+", "", words))}
    assert [
        name for name in sorted(names - {"aio"}) if f"### `{name}`" not in told and f"`{name}`" not in errors
    ] == []


def test_each_page_of_the_docs_is_one_that_the_readme_leads_to_in_two_steps() -> None:
    first = links(ROOT / "README.md")
    reached = first | {page for near in first for page in links(near)}
    assert [
        page.name for page in sorted((ROOT / "docs").rglob("*.md")) if page.resolve() not in reached
    ] == []
