"""`backstory init`."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.conftest import Run


def test_a_store_is_made_and_the_next_step_is_named(run: Run) -> None:
    ran = run("init", "shop.db")
    assert (ran.code, ran.out) == (0, "made shop.db, an empty store\n")
    assert "backstory -s shop.db append" in ran.err
    assert "export BACKSTORY_STORE=shop.db" in ran.err
    assert run("-s", "shop.db", "verify").code == 0


def test_in_a_project_with_an_application_the_next_step_is_to_see_its_commands(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKSTORY_APP", "bank")
    ran = run("init", "shop.db")
    assert ran.code == 0
    assert "backstory -s shop.db commands" in ran.err
    assert "append" not in ran.err


def test_it_has_an_id_of_its_own_that_a_clone_has_not(run: Run) -> None:
    run("init", "shop.db")
    run("clone", "shop.db", "copy.db")
    said = [
        run("-s", path, verb, "--json").json["id"]
        for path in ("shop.db", "copy.db")
        for verb in ("status", "stats")
    ]
    assert said[0] == said[1] != said[2] == said[3]
    assert {UUID(id).version for id in said} == {4}


def test_what_is_there_is_never_touched(run: Run) -> None:
    Path("notes").write_text("mine", encoding="utf-8")
    run("init", "shop.db")
    for path in ("notes", "shop.db", "."):
        ran = run("init", path)
        assert ran.code == 2
        assert "there already" in ran.err
    assert Path("notes").read_text(encoding="utf-8") == "mine"


def test_without_a_path_it_is_the_store_that_is_named_anyway(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKSTORY_STORE", "named.db")
    ran = run("init")
    assert ran.code == 0
    assert Path("named.db").exists()
    assert "-s named.db" not in ran.err


def test_two_names_are_one_too_many(run: Run) -> None:
    assert run("init", "a.db", "-s", "b.db").code == 2
    assert run("init").code == 2


def test_json_names_the_store(run: Run) -> None:
    assert run("init", "a.db", "--json").json == {"schema": 1, "kind": "store", "store": "a.db"}
