"""`backstory do`: commands from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("application")


def head(run: Run) -> int:
    """Where the log ends."""
    return int(run("stats", "--json").json["position"])


def test_a_command_is_executed_and_its_commit_is_shown(run: Run) -> None:
    ran = run("do", "withdraw", "a-7", "--cents", "50", "-m", "lunch", "--author", "ann")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0].endswith("#7 lunch")
    assert ran.out.splitlines()[1] == "  #7 Withdrawn  account:a-7"
    shown = run("show", "#7", "--json").json
    assert "ann" in str(shown)
    assert "withdraw" in str(shown)


def test_a_state_is_named_by_its_place_or_by_its_parameter(run: Run) -> None:
    by_place = run("do", "transfer", "a-7", "b-1", "--cents", "50", "--preview", "--json")
    by_name = run(
        "do", "transfer", "--target", "b-1", "--source", "a-7", "--cents", "50", "--preview", "--json"
    )
    mixed = run("do", "transfer", "b-1", "--source", "a-7", "--cents", "50", "--preview", "--json")
    assert by_place.out == by_name.out == mixed.out
    assert [event["tags"] for event in by_place.json["events"]] == [["account:a-7"], ["account:b-1"]]


def test_a_preview_shows_events_and_changes_and_appends_nothing(run: Run) -> None:
    before = head(run)
    ran = run("do", "withdraw", "a-7", "--cents", "50", "--preview")
    assert ran.code == 0
    assert ran.out == (
        "withdraw(a-7, cents=50) would append:\n"
        "  Withdrawn  account:a-7\n"
        '    {"account":"a-7","cents":50}\n'
        "Account a-7\n"
        "  ~ balance: 300 -> 250\n"
    )
    seen = run("do", "withdraw", "a-7", "--cents", "50", "--preview", "--json").json
    assert (seen["kind"], seen["command"]) == ("preview", "withdraw(a-7, cents=50)")
    assert seen["events"] == [
        {"type": "Withdrawn", "version": 1, "tags": ["account:a-7"], "data": {"account": "a-7", "cents": 50}}
    ]
    [state] = seen["states"]
    assert state["changes"] == [{"kind": "changed", "path": "/balance", "before": 300, "after": 250}]
    assert head(run) == before


def test_a_refusal_is_exit_code_1_with_reason_code_and_details(run: Run) -> None:
    for more in ([], ["--preview"]):
        ran = run("do", "withdraw", "a-7", "--cents", "900", *more)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == (
            "backstory: withdraw(a-7, cents=900) was refused: insufficient funds\n  code: funds\n  balance: 300\n"
        )
    document = run("do", "withdraw", "a-7", "--cents", "900", "--json").json
    assert (document["kind"], document["code"], document["details"]) == ("refusal", "funds", {"balance": 300})
    assert head(run) == 6


def test_a_command_that_gives_nothing_says_so(run: Run) -> None:
    ran = run("do", "withdraw", "a-7", "--cents", "0")
    assert (ran.code, ran.out) == (0, "withdraw(a-7, cents=0) decided that nothing is to happen\n")
    assert run("do", "withdraw", "a-7", "--cents", "0", "--json").json["kind"] == "nothing"


def test_with_an_id_it_happens_once(run: Run) -> None:
    words = ("do", "deposit", "a-7", "--cents", "5", "--id", "once", "--json")
    assert run(*words).json["hash"] == run(*words).json["hash"]
    assert head(run) == 7
    assert run("do", "deposit", "a-7", "--cents", "6", "--id", "once").code == 2


def test_the_author_is_who_the_environment_says(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKSTORY_AUTHOR", "bob")
    assert run("do", "deposit", "a-7", "--cents", "5", "--json").json["author"] == "bob"


SETTLE = ("do", "settle", "a-7", "--json", "--preview")


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ([], "plan", "free"),
        (["--plan", "paid"], "plan", "paid"),
        (["--rate", "1.50"], "rate", "1.50"),
        (["--notes", "a", "--notes", "[b"], "notes", ["a", "[b"]),
        (["--notes", '["a", "b"]'], "notes", ["a", "b"]),
        ([], "notes", []),
        ([], "urgent", False),
        (["--urgent"], "urgent", True),
        (["--urgent", "--no-urgent"], "urgent", False),
        (["--arg-message", "{x}"], "message", "{x}"),
        ([], "to", {"city": "Rome"}),
        ([], "on", "2026-11-03T00:00:00Z"),
        (["--on", "2026-11-03T14:00:00+01:00"], "on", "2026-11-03T14:00:00+01:00"),
    ],
    ids=str,
)
def test_arguments_are_read_by_their_types(run: Run, words: list[str], field: str, value: Any) -> None:
    ran = run(*SETTLE, "--to", '{"city": "Rome"}', "--on", "2026-11-03", *words)
    assert ran.code == 0, ran.err
    assert ran.json["events"][0]["data"][field] == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["withdraw", "a-7"],
            "withdraw: --cents is missing\nusage: backstory do withdraw ACCOUNT --cents INT",
        ),
        (["settle", "a-7"], "settle: --to and --on are missing"),
        (["withdraw", "--cents", "5"], "withdraw: which Account? ACCOUNT is missing"),
        (["transfer", "a-7", "--cents", "5"], "transfer: which Account? TARGET is missing"),
        (["withdraw", "a-7", "5"], "withdraw: '5' is too much; other arguments are given by name"),
        (
            ["withdraw", "a-7", "cents=5"],
            "withdraw: for cents=5 write --cents 5\nusage: backstory do withdraw",
        ),
        (
            ["withdraw", "account=a- 7", "cents=5"],
            "withdraw: for 'account=a- 7' cents=5 write --account 'a- 7' --cents 5",
        ),
        (["withdraw", "account=a-7", "--cents", "5"], "withdraw: for account=a-7 write --account a-7"),
        (
            ["settle", "a-7", "urgent=no", "message="],
            "settle: for urgent=no message= write --no-urgent --arg-message ''",
        ),
        (
            ["withdraw", "account=-a", "cents=5"],
            "withdraw: for account=-a cents=5 write --account=-a --cents 5",
        ),
        (["withdraw", "a-7", "--cents", "fifty"], "withdraw: --cents takes a whole number, not 'fifty'"),
        (["deposit", "a-7", "--cents", "-5"], "deposit: --cents takes a whole number >= 1, not '-5'"),
        (["withdraw", "a-7", "--cent", "5"], "unrecognized arguments: --cent 5; did you mean --cents"),
        (
            ["withdraw", "a-7", "--cents"],
            "argument --cents: expected one argument\nusage: backstory do withdraw",
        ),
        (["settle", "a-7", "--plan", "gold"], "settle: --plan takes free or paid, not 'gold'"),
        (["settle", "a-7", "--on", "soon"], "settle: --on 'soon'"),
        (["settle", "a-7", "--to", "Rome"], """settle: --to takes JSON like {"city": ...}, not 'Rome'"""),
        (["settle", "a-7", "--to", '{"town": 1}'], "settle: --to object missing required field `city`"),
        (
            ["settle", "a-7", "--to", '{"city": 1}'],
            "settle: --to expected text, got a whole number - at `city`",
        ),
        (["settle", "a-7", "--rate", "x"], "settle: --rate takes a decimal number, not 'x'"),
        (["withdrw"], "bank has no command 'withdrw'; did you mean withdraw?"),
        ([], "which command? They are listed by: backstory commands"),
        (["withdraw", "a-7", "--cents", "13"], "withdraw(a-7, cents=13) failed:\n"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_the_usage(run: Run, words: list[str], message: str) -> None:
    ran = run("do", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"backstory: {message}"), ran.err
    assert head(run) == 6


def test_an_error_inside_of_a_command_names_the_line_and_is_not_called_our_bug(
    run: Run, application: Path
) -> None:
    ran = run("do", "withdraw", "a-7", "--cents", "13")
    line = (
        application.read_text(encoding="utf-8")
        .splitlines()
        .index('        raise ValueError("13 is not a number")')
    )
    assert f"  {application}:{line + 1} in withdraw\nValueError: 13 is not a number\n" in ran.err
    assert "bug" not in ran.err


def test_the_help_of_a_command_shows_its_own_parameters(run: Run) -> None:
    shown = run("do", "settle", "--help")
    assert shown.code == 0
    for text in (
        "--to JSON",
        "--plan free|paid",
        "--notes TEXT",
        "--no-urgent",
        "--arg-message TEXT",
        "ACCOUNT",
    ):
        assert text in shown.out
    assert "default: none" in shown.out
    assert "Pay in." in run("do", "deposit", "--help").out
    assert "Any amount but nothing." in run("do", "-h", "deposit").out
    assert "COMMAND" in run("do", "--help").out


def test_a_parameter_may_have_the_name_of_an_option(run: Run, application: Path) -> None:
    code = (
        "from bank import Account, Noted\nfrom backstory import command\n"
        "@command\n"
        "def odd(account: Account, pager: bool, id: int, branch: str, json: list[int] = []) -> Noted:\n"
        "    assert (pager, id, branch, json) == (False, 3, 'b', [1])\n"
        "    return Noted()\n"
    )
    (application.parent / "odd.py").write_text(code, encoding="utf-8")
    words = ("--no-arg-pager", "--arg-id", "3", "--arg-branch", "b", "--arg-json", "1")
    assert run("do", "--app", "odd", "odd", "a-7", *words, "--id", "mine", "--json").json["id"] == "mine"


def test_a_state_without_identity_needs_no_words(run: Run) -> None:
    assert run("do", "change-rate", "--percent", "3.5").code == 0
    assert run("state", "Rates", "--json").json["fields"] == {"percent": 3.5}


def test_options_may_stand_before_the_verb_and_the_command(run: Run, bank: Path) -> None:
    assert run("-s", str(bank), "do", "--app", "bank", "-m", "x", "deposit", "a-7", "--cents", "5").code == 0
    assert head(run) == 7
