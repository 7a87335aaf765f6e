"""Habits of this project that nobody should have to remember."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import backstory

ROOT = Path(__file__).parents[1]

LINES = 400
LONG_FILES: dict[str, str] = {
    "src/backstory/errors.py": "every error in one tree, so that somebody who catches one sees the others",
    "src/backstory/web/assets/backstory.css": "the one stylesheet of all pages: tokens, then components",
    "src/backstory/aio/verbs.py": "made by scripts/async_face.py: a method for each verb of backstory/verbs",
}
"""Files under src/ that may be longer than that, each with the reason why it is still one thing."""


def test_public_names_are_sorted_and_each_once_and_there() -> None:
    assert list(backstory.__all__) == sorted(set(backstory.__all__))
    missing = [name for name in backstory.__all__ if not hasattr(backstory, name)]
    assert not missing


def test_no_module_would_hide_the_public_name_that_it_shares() -> None:
    modules = {path.stem for path in (ROOT / "src" / "backstory").iterdir()}
    assert not modules & set(backstory.__all__)


def test_no_source_file_is_long_without_a_reason() -> None:
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "src").rglob("*")
        if path.suffix in {".py", ".sql", ".js", ".css", ".html"}
    }
    long = {path: size for path, size in sizes.items() if size > LINES}
    assert long.keys() == LONG_FILES.keys(), (
        "long files without a reason, or reasons for files that are not long"
    )
    assert all(reason.strip() for reason in LONG_FILES.values())


def test_the_changelog_tells_of_this_version_or_of_the_next() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    headings = re.findall(
        r"^## \[?([^]\s]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert headings, "CHANGELOG.md has no version at all"
    assert headings[0] in {"Unreleased", version}


def test_make_help_tells_of_every_target() -> None:
    targets = set(
        re.findall(r"^([a-z][\w-]*):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    shown = subprocess.run(
        ["make"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert {"help", "demo", "test", "lint", "format", "bench", "docs", "clean"} <= targets
    assert set(re.findall(r"^  ([a-z][\w-]*) +\S", shown, re.MULTILINE)) == targets
