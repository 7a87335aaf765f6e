"""The docs name files, functions and other pages: each of them is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "backstory"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|sql|toml|md))`")
LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)")
OF_READERS = {"bank.py", "shop.py", "app.py", "orders.py", "pyproject.toml", "backstory.toml", "env.py"}
"""Files of readers' programs, which a page may name, as it may those that its own blocks write."""


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def is_there(name: str) -> bool:
    """Whether a file is where a page says: in the repository, the package, or, named alone, anywhere in the package."""
    if any((folder / name).is_file() for folder in (ROOT, ROOT / "src", PACKAGE)):
        return True
    return "/" not in name and any(PACKAGE.rglob(name))


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_page_that_a_page_names_is_there(page: Path) -> None:
    text = prose(page)
    written = re.findall(r"^```.*\bfile=(\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    readers = OF_READERS.union(written, (file.partition("/")[2] for file in written))  # also after `cd`
    gone = [name for name in FILE.findall(text) if name not in readers and not is_there(name)]
    for target, anchor in LINK.findall(text):
        other = page if not target else (page.parent / target).resolve()
        if not other.exists() or (anchor and anchor not in headings(other)):
            gone.append(f"{target}#{anchor}")
    assert gone == []


def rules() -> Iterator[tuple[str, list[str], list[str]]]:
    """The questions of architecture.md, with the files and functions that answer them."""
    page = (ROOT / "docs/design/architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Where a rule is")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", table, re.MULTILINE)[1:]:
        yield row[0], re.findall(r"`([^`]+)`", row[1]), re.findall(r"`([^`]+)`", row[2])


def test_each_rule_is_where_the_architecture_says() -> None:
    found = list(rules())
    assert len(found) >= 15
    for question, files, names in found:
        sources = "\n".join((PACKAGE / file).read_text(encoding="utf-8") for file in files)
        assert files
        assert names
        for name in names:
            for part in name.split("."):
                made = re.search(rf"\b(?:def|class) {part}\b|^{part}\b.*=", sources, re.MULTILINE)
                assert made, f"{question}: {', '.join(files)} has no {name}"


def test_each_module_and_folder_is_where_the_architecture_says() -> None:
    page = (ROOT / "docs/design/architecture.md").read_text(encoding="utf-8")
    tables = re.findall(
        r"^\| (floor|folder)(?: of `(\w+)`)? \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE
    )
    assert {of for _, of, _ in tables} >= {"", "decide", "values", "cli", "history"}
    for kind, of, rows in tables:
        column = 2 if kind == "floor" else 1
        names = [
            name for row in rows.splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[column])
        ]
        folder = PACKAGE / of
        gone = [name for name in names if not any((folder / f"{name}{end}").exists() for end in ("", ".py"))]
        assert names
        assert gone == []
