"""Where the store comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstory.stores import shown
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


@pytest.mark.parametrize("words", [("log",), ("blame", "customers", "4711")])
def test_without_any_the_three_ways_are_explained(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
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


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (f"postgresql:u:{SECRET}@h", "an address of PostgreSQL is postgresql://user@host/database"),
        (f"mysql:u:{SECRET}@h", "no store is known for mysql:"),
        (f"user=u password={SECRET} host=h", "not a connection string of libpq"),
        (f"password = {SECRET}", "not a connection string of libpq"),
        ("sqlite:bank.db", "an address of SQLite is sqlite:///path"),
        ("sqlite://bank.db", "an address of SQLite is sqlite:///path"),
    ],
)
def test_an_address_in_another_form_is_refused_and_its_password_not_shown(
    run: Run, alone: Path, address: str, why: str
) -> None:
    for words in (["init", address], ["-s", address, "log"], ["clone", address, "copy.db"]):
        ran = run(*words)
        assert (ran.code, ran.out) == (2, "")
        assert why in ran.err
        assert SECRET not in ran.err
    assert not list(alone.iterdir())
    assert SECRET not in shown(address)


@pytest.mark.parametrize("path", ["./user=u.db", "odd name.db", "a=b.db", "c:d.db"])
def test_a_path_may_look_odd(run: Run, path: str) -> None:
    assert run("init", path).out == f"made {path}, an empty store\n"
    assert Path(path).exists()
    assert shown(path) == path
