"""Where the store comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def make(run: Run, path: str, type: str) -> None:
    """A store whose only event's type says which one it is."""
    assert run("init", path).code == 0
    assert run("-s", path, "append", type).code == 0


def opened(run: Run, *words: str) -> str:
    """Which store a verb opens."""
    return str(run(*words, "types", "--json").json["types"][0]["type"])


def test_the_option_wins_over_the_environment_which_wins_over_the_project(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("option", "environment", "project"):
        make(run, f"{name}.db", name)
    Path("pyproject.toml").write_text('[tool.backstory]\nstore = "project.db"\n', encoding="utf-8")
    assert opened(run) == "project"
    monkeypatch.setenv("BACKSTORY_STORE", "environment.db")
    assert opened(run) == "environment"
    assert opened(run, "-s", "option.db") == "option"


def test_a_project_names_its_store_for_every_folder_in_it(
    run: Run, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(run, "here.db", "here")
    Path("pyproject.toml").write_text('[tool.backstory]\nstore = "here.db"\n', encoding="utf-8")
    deep = alone / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "pyproject.toml").write_text("[project]\nname = 'backstory-user'\n", encoding="utf-8")
    monkeypatch.chdir(deep)
    assert opened(run) == "here"


def test_an_address_in_a_project_is_not_taken_for_a_path(run: Run, alone: Path) -> None:
    make(run, "here.db", "here")
    Path("pyproject.toml").write_text(
        f'[tool.backstory]\nstore = "sqlite:///{alone}/here.db"\n', encoding="utf-8"
    )
    assert opened(run) == "here"


def test_without_any_the_three_ways_are_explained(run: Run) -> None:
    ran = run("log")
    assert ran.code == 2
    for way in ("-s bank.db", "BACKSTORY_STORE", "[tool.backstory]", "backstory init"):
        assert way in ran.err


@pytest.mark.parametrize(
    ("text", "message"),
    [("[tool.backstory]\nstore = 3\n", "not 3"), ("[tool.backstory]\nstore = \n", "Invalid value")],
)
def test_a_wrong_project_file_is_named(run: Run, text: str, message: str) -> None:
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    ran = run("log")
    assert ran.code == 2
    assert "pyproject.toml" in ran.err
    assert message in ran.err


@pytest.mark.usefixtures("bank")
def test_an_empty_name_is_not_another_store(run: Run) -> None:
    ran = run("-s", "", "append", "Noted")
    assert (ran.code, ran.err) == (2, "backstory: -s is followed by nothing, so no store is named\n")
