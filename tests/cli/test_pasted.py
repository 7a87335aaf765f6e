"""A command line that a hint shows can be pasted into a shell as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from backstory.told import pasted
from tests.cli.conftest import Run

ODD = "my bank & 'yours'.db"


def shown(text: str) -> list[list[str]]:
    """The command lines in a text, as a shell reads them, without the program's name."""
    lines = [
        line[line.index("backstory ") :]
        for line in text.splitlines()
        if "  backstory " in line or ": backstory " in line
    ]
    return [shlex.split(line)[1:] for line in lines]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_hints_of_init_name_the_store(run: Run) -> None:
    made = run("init", ODD)
    hints = shown(made.err)
    assert [words[:2] for words in hints] == [["-s", ODD], ["-s", ODD]]
    for words in hints:
        assert run(*words).code == 0, words
    assert shlex.split(made.err.splitlines()[-1])[-1] == f"BACKSTORY_STORE={ODD}"


def test_a_store_that_is_missing_says_how_to_make_it(run: Run) -> None:
    refused = run("-s", ODD, "log")
    assert refused.code == 2
    [words] = shown(refused.err)
    assert words == ["init", ODD]
    assert run(*words).code == 0


def test_a_tag_with_a_space_may_be_pasted(run: Run) -> None:
    run("init", "x.db")
    refused = run("-s", "x.db", "log", "account:ann & bob")
    assert shown(refused.err) == [["log", "--tag", "account:ann & bob"]]


def test_an_address_keeps_its_options() -> None:
    address = "postgresql://ann@/bank?host=/tmp&schema=a b"
    assert shlex.split(pasted("init", address)) == ["backstory", "init", address]
