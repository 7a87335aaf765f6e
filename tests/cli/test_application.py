"""`backstory states`, `commands` and `state` with the code of an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.usefixtures("application")
def test_a_state_is_shown_as_its_code_folds_it(run: Run) -> None:
    ran = run("state", "Account", "a-7")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "Account a-7  since #3 2026-11-03 12:00 Withdrawn\n\nfield    value\nbalance  300\nnotes    []\n"
    )
    assert run("state", "Account", "a-7", "--json").json == {
        "schema": 1,
        "kind": "state",
        "state": "Account",
        "identity": {"account": "a-7"},
        "position": 3,
        "time": "2026-11-03T12:00:00Z",
        "authored": "2026-11-03T12:00:00Z",
        "fields": {"account": "a-7", "balance": 300, "notes": []},
    }


@pytest.mark.usefixtures("application")
def test_a_state_that_changed_late_in_the_log_has_both_times(run: Run, tmp_path: Path) -> None:
    line = (
        '{"time":"2026-11-02T00:00:00Z","events":[{"type":"Withdrawn","tags":["account:a-7"],"data":%s}]}\n'
    )
    (tmp_path / "late.jsonl").write_text(line % '{"account":"a-7","cents":1}', encoding="utf-8")
    assert run("import", "jsonl", "late.jsonl").code == 0
    title = run("state", "Account", "a-7").out.splitlines()[0]
    place = "Account a-7  since #7 2026-11-02 00:00 Withdrawn, in the log since "
    assert title.startswith(place)
    assert title.removeprefix(place) > "2026-11-02 00:00"


@pytest.mark.usefixtures("application")
def test_a_state_is_shown_as_it_was(run: Run) -> None:
    for revision in ("#2", "main~2", "pay"):
        ran = run("state", "Account", "a-7", "--at", revision, "--json")
        assert ran.json["fields"]["balance"] == 500
    ran = run("state", "Account", "b-1", "--at", "#2")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "backstory: no event concerns Account b-1 at #2; its first event is #4\n"


@pytest.mark.usefixtures("application")
def test_lists_in_a_state_get_a_line_for_each_item(run: Run) -> None:
    words = ("--to", '{"city": "Rome"}', "--on", "2026-11-03", "--notes", "one", "--notes", "2")
    assert run("do", "settle", "a-7", *words).code == 0
    assert 'notes[0]  one\nnotes[1]  "2"\n' in run("state", "Account", "a-7").out


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["Account", "a-8"], 1, "no event concerns Account a-8; did you mean a-7?"),
        (["Account"], 2, "Account needs the identity ACCOUNT; got none"),
        (["Account", "a", "b"], 2, "Account needs the identity ACCOUNT; got a b"),
        (["Rates", "a"], 2, "Rates needs no identity; got a"),
        (["Acount", "a-7"], 2, "bank has no state 'Acount'; did you mean Account?"),
        (["account:a-7", "b"], 2, "one tag at a time; 'b' is too much"),
    ],
)
def test_what_is_not_there_is_said(run: Run, words: list[str], code: int, message: str) -> None:
    ran = run("state", *words)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err == f"backstory: {message}\n"


@pytest.mark.usefixtures("application")
def test_a_tag_needs_no_application(run: Run) -> None:
    Path("pyproject.toml").unlink()
    assert run("state", "account:a-7").code == 0
    assert run("state", "Account", "a-7").code == 2


def test_an_application_that_is_named_is_asked_what_to_mask(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKSTORY_APP", "not_there")
    assert run("state", "account:a-7").code == 2


@pytest.mark.usefixtures("application")
def test_an_event_that_its_class_would_have_written_otherwise_is_said_when_it_is_appended(run: Run) -> None:
    words = "the event is in the log, but the application would have written another one: "
    ran = run("append", "Deposited", "account=a-7", "cents=5")
    assert (ran.code, ran.err) == (
        0,
        f"{words}Deposited of these data has the tag account:a-7, which is not there\n",
    )
    assert run("append", "Deposited", "--tag", "account:a-7", "account=a-7", "cents=5").err == ""
    assert run("append", "Noticed", "cents=5").err == ""


@pytest.mark.usefixtures("application")
def test_an_event_that_the_code_cannot_read_is_named(run: Run) -> None:
    ran = run("append", "Deposited", "--tag", "account:a-7", "--data", '{"account": "a-7"}')
    assert "cannot be read" in ran.err
    ran = run("state", "Account", "a-7")
    assert ran.code == 2
    assert "#7 Deposited (version 1) cannot be read" in ran.err


@pytest.mark.usefixtures("application")
def test_states_are_listed(run: Run) -> None:
    assert run("states").out == (
        "Account ACCOUNT\n"
        "    What an account holds.\n"
        "    events  AccountOpened, Deposited, Settled, Withdrawn\n"
        "    balance: int\n"
        "    notes: list[str]\n"
        "Rates\n"
        "    What everybody pays.\n"
        "    events  RateChanged\n"
        "    percent: float\n"
    )
    document = run("states", "--json").json
    assert document["app"] == "bank"
    assert document["states"][0]["identity"] == {"account": "TEXT"}


@pytest.mark.usefixtures("application")
def test_commands_are_listed(run: Run) -> None:
    out = run("commands").out
    assert (
        "transfer SOURCE TARGET --cents INT\n"
        "    Move money.\n"
        "    reads Account (source, target): AccountOpened, Deposited, Settled, Withdrawn\n"
        "    gives Withdrawn, Deposited\n"
    ) in out
    assert (
        "settle ACCOUNT --to JSON --on TIME [--plan free|paid] [--rate DECIMAL] [--notes TEXT ...]"
        " [--urgent|--no-urgent] [--arg-message TEXT]\n"
    ) in out
    found = {command["name"]: command for command in run("commands", "--json").json["commands"]}
    assert found["deposit"]["doc"] == "Pay in."
    assert found["deposit"]["parameters"][0] == {
        "name": "account",
        "type": "Account",
        "state": True,
        "required": True,
    }
    assert found["withdraw"]["gives"] == ["Withdrawn"]


def test_without_an_application_the_three_ways_are_explained(run: Run) -> None:
    for words in (["states"], ["commands"], ["do", "x"], ["schema", "check"]):
        ran = run(*words)
        assert ran.code == 2
        for way in ("--app bank", "BACKSTORY_APP", "[tool.backstory]"):
            assert way in ran.err


def test_the_option_wins_over_the_environment_which_wins_over_the_project(
    run: Run, application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = application.parent
    (folder / "slim.py").write_text("from bank import deposit as only\n", encoding="utf-8")
    (folder / "none.py").write_text("from bank import Noted\n", encoding="utf-8")
    assert run("commands", "--json").json["app"] == "bank"
    monkeypatch.setenv("BACKSTORY_APP", "slim")
    assert [command["name"] for command in run("commands", "--json").json["commands"]] == ["deposit"]
    assert run("commands", "--app", "none").err == "backstory: none has no commands\n"
    assert run("states", "--app", "none").err == "backstory: none has no states\n"


def test_a_project_names_its_application_for_every_folder_in_it(
    run: Run, application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = application.parent / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert run("states", "--json").json["app"] == "bank"
