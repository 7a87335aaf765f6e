from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from library.books import Book, give_back
from library.events import BookLent, BookReturned, ReaderFined
from library.readers import Reader

from backstory import connect
from backstory.testing import given
from evals.checking import check, ran
from evals.tasks import HERE

TEST = Path("tests/test_incident.py")
START = HERE / "tasks" / "incident-to-test" / "start"


def outcome(books: Path) -> subprocess.CompletedProcess[str]:
    """How the test of the incident ends with the application of `app/` and this module of it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copytree(
            HERE / "app", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
        shutil.copy(books, folder / "library" / "books.py")
        shutil.copy(TEST, folder / "tests")
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{TEST.name}"]
        return subprocess.run(
            words, cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
        )


def the_test_fails_with_the_code_as_it_was() -> str | None:
    assert TEST.exists(), "there is no tests/test_incident.py"
    found = outcome(START / "library" / "books.py")
    if found.returncode == 0:
        return "the test passes with the code as it was"
    return (
        None
        if " failed" in found.stdout and " error" not in found.stdout
        else "the test does not run with the code as it was"
    )


def the_test_passes_with_the_right_rule() -> str | None:
    return (
        None
        if outcome(HERE / "app" / "library" / "books.py").returncode == 0
        else "the test fails with the right rule"
    )


def the_test_is_of_that_decision() -> str | None:
    text = TEST.read_text("utf-8")
    if "give_back" not in text or "given(" not in text:
        return "the test is no given, when, then of give_back"
    return None if re.search("2026-03-15|2026, *3, *15", text) else "the test is of another day"


def no_name_is_in_the_test() -> str | None:
    text = TEST.read_text("utf-8")
    with connect("library.db", create=False) as db:
        names = {db.load(reader).name for reader in db.identities(Reader)}
    return "the test has the name of a reader" if any(name in text for name in names if name) else None


def the_code_is_mended() -> str | None:
    lent, back = BookLent("b-7", "r-7", date(2026, 3, 29)), BookReturned("b-7", "r-7")
    returning = give_back(Book("b-7"))
    given(lent).when(returning, time="2026-03-20T10:00").then(back)
    given(lent).when(returning, time="2026-03-31T10:00").then(back, ReaderFined("r-7", "b-7", 40))
    return None if ran("pytest", "-q").returncode == 0 else "the tests do not pass"


check(
    the_test_fails_with_the_code_as_it_was,
    the_test_passes_with_the_right_rule,
    the_test_is_of_that_decision,
    no_name_is_in_the_test,
    the_code_is_mended,
)
