"""The examples are without a finding, but for those that are silenced with a reason."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from backstory.application import load
from backstory.model import model_of
from backstory.model.check import check, silences_of

ROOT = Path(__file__).parents[2]
SCENARIOS = {"BM005", "BM006", "BM016"}
"""The rules that need the tests to run."""


@pytest.mark.parametrize(
    "name", ["agent", "bank", "cart", "courses", "helpdesk", "recipes", "refunds", "shop"]
)
def test_an_example_has_no_finding_that_its_code_alone_shows(name: str) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["backstory"][
        "check"
    ]
    silences = [one for one in silences_of(settings, "pyproject.toml") if one.code not in SCENARIOS]
    app = load(f"examples.{name}", ROOT)
    done = check(model_of(app, ROOT), app, silences=silences)
    assert [(one.code, one.element) for one in done.findings if one.code != "BM016"] == []


def test_an_example_is_sound_with_the_scenarios_of_its_tests(tmp_path: Path) -> None:
    told = str(tmp_path / "told.json")
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "examples/cart",
        "--scenarios",
        told,
    ]
    ran = subprocess.run(tests, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    line = [
        sys.executable,
        "-m",
        "backstory",
        "check",
        "--app",
        "examples.cart",
        "--scenarios",
        told,
        "--no-store",
    ]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "sound: 0 findings in 3 events, 3 commands\n"
