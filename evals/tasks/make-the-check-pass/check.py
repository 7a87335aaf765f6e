from __future__ import annotations

import tomllib
from pathlib import Path

from backstory.testing import given
from evals.checking import check, ran


def the_tests_pass() -> str | None:
    return None if ran("pytest", "-q").returncode == 0 else "the tests do not pass"


def the_check_finds_nothing() -> str | None:
    checked = ran("backstory", "check", "--no-store")
    return None if checked.returncode == 0 else f"backstory check: {(checked.stdout or checked.stderr)[:200]}"


def nothing_is_silenced() -> str | None:
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    return "a finding is silenced" if "check" in settings["tool"]["backstory"] else None


def visitors_are_counted_as_before() -> None:
    from library.visits import VisitorsCounted, Visits, count_visitors

    given().when(count_visitors(Visits("park"), number=3)).then(VisitorsCounted("park", 3))
    given().when(count_visitors(Visits("park"), number=0)).then_refused("nobody")
    past = VisitorsCounted("park", 999_999)
    given(past).when(count_visitors(Visits("park"), number=2)).then_refused("too-many")


check(the_tests_pass, the_check_finds_nothing, nothing_is_silenced, visitors_are_counted_as_before)
