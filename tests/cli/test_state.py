"""`backstory state`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("bank")


def test_each_field_has_its_last_value_and_the_event_that_gave_it(run: Run) -> None:
    lines = run("state", "account:a-7").out.splitlines()
    assert lines[0] == "account:a-7  3 events, the last at #3"
    assert lines[2].split() == ["field", "value", "since", "event", "time", "author"]
    rows = {line.split()[0]: line.split()[1:4] for line in lines[3:]}
    assert rows == {
        "account": ["a-7", "#3", "Withdrawn"],
        "owner": ["Ann", "#1", "AccountOpened"],
        "limit": ["null", "#1", "AccountOpened"],
        "cents": ["200", "#3", "Withdrawn"],
    }
    assert lines[-1].endswith("Bob Ray")


def test_json_has_values_as_they_are_and_who_gave_them(run: Run) -> None:
    document = run("state", "account:a-7", "--json").json
    assert (document["schema"], document["kind"], document["tag"]) == (1, "state", "account:a-7")
    cents = document["fields"]["cents"]
    assert {name: cents[name] for name in ("value", "position", "type", "author", "time")} == {
        "value": 200,
        "position": 3,
        "type": "Withdrawn",
        "author": "Bob Ray",
        "time": "2026-11-03T12:00:00Z",
    }
    assert cents["commit"] == run("show", "rent", "--json").json["hash"]


@pytest.mark.parametrize("at", ["#2", "2", "pay"])
def test_the_state_at_an_earlier_point(run: Run, at: str) -> None:
    assert run("state", "account:a-7", "--at", at, "--json").json["fields"]["cents"]["value"] == 500


def test_text_is_told_from_other_values(run: Run) -> None:
    run(
        "append",
        "Noted",
        'a="5"',
        "b=5",
        "c=",
        "d= x",
        "e=two words",
        "f=[1, {}]",
        'g="null"',
        "--tag",
        "n:1",
    )
    rows = {
        line[:5].strip(): line[7:].split("  #")[0].strip()
        for line in run("state", "n:1").out.splitlines()[3:]
    }
    assert rows == {
        "a": '"5"',
        "b": "5",
        "c": '""',
        "d": '" x"',
        "e": "two words",
        "f": "[1,{}]",
        "g": '"null"',
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["account:a-8"], "nothing is known about account:a-8; did you mean account:a-7"),
        (["user:1"], "the keys of tags are listed by: backstory tags"),
        (["account:b-1", "--at", "#2"], "nothing is known about account:b-1 at #2; its first event is #4"),
    ],
)
def test_a_tag_of_which_nothing_is_known_is_a_difference_and_says_what_is_near(
    run: Run, words: list[str], message: str
) -> None:
    ran = run("state", *words)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err


def test_what_is_no_tag_or_no_revision_is_a_usage_error(run: Run) -> None:
    assert run("state", "a-7").code == 2
    assert run("state", "account:a-7", "--at", "#99").code == 2
    assert run("state").code == 2
