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
        "change     deposit\n    reads    Account\n    gives    Deposited (1, last at #2, 2026-11-02 12:00)\n"
        in ran.out
    )
    assert "    gives    Withdrawn (never yet)\n    refuses  funds\n" in ran.out
    assert "gives    Settled (never yet)\n" in ran.out
    assert "view       balances\n    of       Deposited (2), Withdrawn (1)\n" in ran.out
    assert "gives    Withdrawn\n" in run("model", "--no-store").out


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


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("--html", "<!doctype html>\n<html"),
        ("--svg", "<?xml"),
        ("--mermaid", "flowchart LR\n"),
        ("--markdown", "# The event model of bank\n"),
        ("--asyncapi", '{\n  "asyncapi": "3.0.0"'),
    ],
)
def test_each_form_is_printed_or_written_to_a_file(run: Run, tmp_path: Path, form: str, begins: str) -> None:
    ran = run("model", form)
    assert ran.code == 0
    assert ran.out.startswith(begins)
    target = tmp_path / "out.txt"
    written = run("model", form, "-o", str(target))
    assert (written.code, written.out, written.err) == (0, "", f"wrote {target}\n")
    assert target.read_text(encoding="utf-8") == ran.out


def test_a_schema_of_each_event_is_written_into_a_folder(run: Run, tmp_path: Path) -> None:
    ran = run("model", "--json-schema", str(tmp_path / "deep" / "schemas"))
    assert (ran.code, ran.err) == (0, f"wrote 6 schemas into {tmp_path / 'deep' / 'schemas'}\n")
    assert len(list((tmp_path / "deep" / "schemas").iterdir())) == 6


@pytest.mark.parametrize(
    "words",
    [("--html", "--svg"), ("--html", "--json"), ("-o", "x.html"), ("--json-schema", "d", "--json")],
)
def test_one_form_at_a_time(run: Run, words: tuple[str, ...]) -> None:
    assert run("model", *words).code == 2


def test_what_the_store_has_seen_stands_beside_the_code(run: Run) -> None:
    found = run("model", "--json").json
    edges = {(edge["command"], edge["event"]): edge["events"] for edge in found["observed"]["edges"]}
    assert edges["deposit", "Deposited"] == 1
    assert run("model", "--json", "--no-store").json["observed"] is None
    assert run("model", "--html", "-o", "bank.db").code == 2


def test_an_application_of_tables_alone_has_a_model_and_one_of_nothing_is_none(
    run: Run, tmp_path: Path
) -> None:
    code = "def note(db: object) -> None:\n    db.table('rows_alone', unique=['name'])\n"
    (tmp_path / "rows_alone.py").write_text(f"import backstory\n\n{code}", encoding="utf-8")
    (tmp_path / "none_at_all.py").write_text("x = 1\n", encoding="utf-8")
    ran = run("model", "--app", "rows_alone", "--no-store")
    assert ran.out == (
        "table      rows alone\n    Rows; no two have the same name.\n"
        "    gives    rows_alone.RowInserted, rows_alone.RowChanged, rows_alone.RowDeleted\n"
    )
    assert run("check", "--app", "rows_alone", "--no-store").code == 0
    assert "no events, states or commands" in run("model", "--app", "none_at_all", "--no-store").err


def test_every_verb_takes_an_application_of_tables_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rows_alone.py").write_text("import backstory\n", encoding="utf-8")
    app = ("--app", "rows_alone")
    assert run("commands", *app).err == "backstory: rows_alone has no commands\n"
    assert run("state", "people", "p-1", *app).err == (
        "backstory: there is no table people with rows\nTo see the tables: backstory table\n"
    )
    assert run("set", "people", "p-1", "city=Bern", "--new").code == 0
    assert run("why", "people", "p-1", "city", *app).code == 0
    assert "Bern" in run("log", "-p", *app).out
    assert run("ui", "--no-open", "--for", "0", *app).code == 0
