"""`backstory model`: the event model of an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("application")


def test_the_slices_are_listed_with_what_they_read_give_and_refuse(run: Run) -> None:
    ran = run("model")
    assert (ran.code, ran.err) == (0, "")
    assert (
        "change     withdraw\n    reads    Account\n    gives    Withdrawn\n    refuses  funds\n" in ran.out
    )
    assert "view       balances\n    of       Deposited, Withdrawn\n" in ran.out


def test_the_document_has_every_element_with_its_line(run: Run, application: Path) -> None:
    found = run("model", "--json").json
    assert (found["schema"], found["kind"], found["app"]) == (1, "model", "bank")
    lines = (application).read_text(encoding="utf-8").splitlines()
    for command in found["commands"]:
        place = command["place"]
        assert place["file"] == "bank.py"
        assert lines[place["line"] - 1].startswith(f"def {command['name']}(")


def test_scenarios_of_another_form_are_refused_by_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "told.json").write_text("[]", encoding="utf-8")
    ran = run("model", "--scenarios", str(tmp_path / "told.json"))
    assert ran.code == 2
    assert "told.json is no file of scenarios" in ran.err
