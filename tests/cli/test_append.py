"""`backstory append`."""

from __future__ import annotations

import getpass
import io
import sys
import uuid
from typing import Any

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("bank")


def last(run: Run) -> Any:
    """The last commit."""
    return run("show", "--json").json


def test_an_event_is_appended_with_its_fields_tags_and_message(run: Run) -> None:
    ran = run(
        "append",
        "Deposited",
        "--tag",
        "account:a-7",
        "account=a-7",
        "cents=100",
        "-m",
        "tip",
        "--tag",
        "by:x",
        "at=x=1",
    )
    assert ran.code == 0
    assert ran.out[10:] == " #7 tip\n"
    commit = last(run)
    assert commit["hash"].startswith(ran.out[:10])
    assert commit["message"] == "tip"
    assert commit["condition"] is None
    assert commit["events"][0]["data"] == {"account": "a-7", "cents": 100, "at": "x=1"}
    assert commit["events"][0]["tags"] == ["account:a-7", "by:x"]
    assert uuid.UUID(commit["id"]).version == 7


def test_values_are_json_where_they_read_so_and_kept_to_the_digit(run: Run) -> None:
    run(
        "append", "Noted", "a=1.10", "b=007", "c=true", 'd="true"', 'e={"x": [1]}', "f=", "g=NaN", "h=1e400 m"
    )
    assert '"a": 1.10,' in run("show").out
    data = last(run)["events"][0]["data"]
    assert {name: data[name] for name in "bcdefgh"} == {
        "b": "007",
        "c": True,
        "d": "true",
        "e": {"x": [1]},
        "f": "",
        "g": "NaN",
        "h": "1e400 m",
    }


@pytest.mark.parametrize("words", [["n=1e999"], ["n=[-1e999]"], ["--data", '{"n": 1e999}']])
def test_a_number_that_is_too_large_to_be_one_is_refused(run: Run, words: list[str]) -> None:
    ran = run("append", "Noted", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "too large" in ran.err
    assert run("append", "Noted", 'n="1e999"').code == 0


def test_data_may_be_one_json_object_also_from_standard_input(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("append", "Noted", "--data", '{"a":  1}').code == 0
    assert last(run)["events"][0]["data"] == {"a": 1}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO('{"ä": 2}'.encode())))
    assert run("append", "Noted", "--data", "-").code == 0
    assert last(run)["events"][0]["data"] == {"ä": 2}


def test_the_author_is_named_or_from_the_environment_or_the_user(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("append", "Noted")
    assert last(run)["author"] == getpass.getuser()
    monkeypatch.setenv("BACKSTORY_AUTHOR", "")
    run("append", "Noted")
    assert last(run)["author"] == getpass.getuser()
    monkeypatch.setenv("BACKSTORY_AUTHOR", "eve")
    run("append", "Noted")
    assert last(run)["author"] == "eve"
    run("append", "Noted", "--author", "ann")
    assert last(run)["author"] == "ann"
    run("append", "Noted", "--author", "")
    assert last(run)["author"] == ""


def test_nobody_can_tell_the_user(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert run("append", "Noted").code == 0
    assert last(run)["author"] == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--if-none-after", "3", "--if-tag", "account:a-7"], 0),
        (["--if-none-after", "2", "--if-tag", "account:a-7"], 1),
        (["--if-none-after", "2", "--if-tag", "account:a-7", "--if-type", "Deposited"], 0),
        (["--if-none-after", "1", "--if-tag", "account:a-7", "--if-type", "Deposited"], 1),
        (["--if-type", "Closed"], 0),
        (["--if-type", "Closed", "--if-type", "Noted"], 1),
        (["--tag", "account:b-1", "--if-none-after", "4"], 0),
        (["--tag", "account:b-1", "--if-none-after", "3"], 1),
        (["--if-none-after", "6"], 0),
        (["--if-none-after", "5"], 1),
        (["--if-none-after", "99"], 1),
    ],
)
def test_a_condition_lets_it_in_or_not(run: Run, words: list[str], code: int) -> None:
    ran = run("append", "Closed", *words)
    assert ran.code == code
    assert run("stats", "--json").json["events"] == (7 if code == 0 else 6)
    if code:
        assert ran.out == ""
        assert ran.err.startswith("backstory: decided on position")


def test_the_same_id_and_content_changes_nothing_and_other_content_is_refused(run: Run) -> None:
    first = run("append", "Noted", "n=1", "--id", "x", "--json")
    assert run("append", "Noted", "n=1", "--id", "x", "--json").json == first.json
    assert run("stats", "--json").json["events"] == 7
    ran = run("append", "Noted", "n=2", "--id", "x")
    assert ran.code == 2
    assert "commit id 'x' was used for other content" in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Noted", "cents"], "data is FIELD=VALUE"),
        (["Noted", "=5"], "data is FIELD=VALUE"),
        (["Noted", "a=1", "a=2"], "the field 'a' is given twice"),
        (["Noted", "a=1", "--data", "{}"], "either with --data"),
        (["Noted", "--data", "[1]"], "not a JSON object"),
        (["Noted", "--data", "{"], "not a JSON object"),
        (["Noted", "--tag", "x"], "a tag is key:value"),
        (["Noted", "--if-none-after", "-1"], "counts from 0"),
        (["Noted", "--id", ""], "commit id"),
        ([""], "an event needs a type"),
        ([], "arguments are required: TYPE"),
    ],
)
def test_what_no_log_may_hold_is_a_usage_error(run: Run, words: list[str], message: str) -> None:
    ran = run("append", *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert run("stats", "--json").json["events"] == 6


def test_names_that_are_kept_for_the_library_are_refused(run: Run) -> None:
    for words in (["Noted", "--id", "backstory.again.X"], ["backstory.noted"]):
        ran = run("append", *words)
        assert (ran.code, ran.out) == (2, "")
        assert "begins with 'backstory.', which is kept for Backstory itself; choose another" in ran.err
