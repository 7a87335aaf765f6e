"""`backstory show`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backstory.store import append
from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import draft
from backstory.values.query import Condition, Query
from tests import programs
from tests.cli.conftest import Run, day, fact

pytestmark = pytest.mark.usefixtures("bank")


def test_a_commit_is_shown_with_all_that_it_says_and_all_its_events(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    [rent] = run("log", "--ndjson", "--author", "Bob").ndjson
    shown = run("show", "rent").out
    assert shown.startswith(f"commit {rent['hash']} #3..#4 (2 events)\n")
    for line in (
        "Id:        rent\n",
        "Author:    Bob Ray\n",
        f"Content:   {rent['content']}\n",
        "Condition: no Deposited or Withdrawn about account:a-7 after #2\n",
        "\n    rent\n\n    for November\n",
        '\n#4 Deposited v2  account:b-1  transfer:t-1\n    {\n      "account": "b-1",\n      "cents": 200\n    }\n',
    ):
        assert line in shown
    pay = run("show", "pay").out
    assert 'Command:   {"name":"deposit","cents":500}\n' in pay
    assert 'Metadata:  {"ip":"127.0.0.1"}\n' in pay


def test_nothing_that_is_shown_has_the_secret_of_a_commit(run: Run, bank: Path) -> None:
    store = SqliteStore(bank)
    secrets = [commit.secret.hex() for commit in store.log().commits()]
    store.close()
    for words in (["show"], ["show", "--json"], ["log", "--json"], ["log", "--ndjson"]):
        shown = run(*words).out
        assert "RateChanged" in shown or "rates" in shown
        assert not any(secret in shown for secret in secrets)


def test_head_an_id_a_hash_in_either_case_and_a_position_name_a_commit(run: Run) -> None:
    whole = run("show", "--json").json
    assert whole["id"] == "rates"
    for name in ("HEAD", "@", "rates", whole["hash"], whole["hash"][:8], whole["hash"][:12].upper()):
        assert run("show", name, "--json").json == whole


@pytest.mark.parametrize("name", ["#4", "4"])
def test_a_position_shows_its_one_event_and_says_how_to_see_the_others(run: Run, name: str) -> None:
    ran = run("show", name)
    assert "#4 Deposited" in ran.out
    assert "#3 Withdrawn" not in ran.out
    assert "One event of 2 in this commit" in ran.err
    assert [event["position"] for event in run("show", name, "--json").json["events"]] == [4]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("#7", "the log has #1 to #6"),
        ("#0", "before the first"),
        ("#x", "a position is a number"),
        ("zzzz", "the positions #1 to #6"),
        ("abc", "at least 4 digits"),
    ],
)
def test_a_name_that_means_nothing_says_what_there_is(run: Run, name: str, message: str) -> None:
    ran = run("show", name)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_an_empty_log_has_no_head(run: Run) -> None:
    run("init", "new.db")
    assert "unknown revision 'HEAD': " in run("-s", "new.db", "show").err


def test_control_characters_do_not_reach_the_terminal(run: Run, bank: Path) -> None:
    run(
        "append",
        "Evil\x1b[2J",
        "--tag",
        "k:\x1b]0;x\x07",
        "-m",
        "\x1b[31mred\x1b[m\nsecond\tline",
        "text=\x1b[1m",
    )
    for words in (["show"], ["log"], ["log", "--oneline"], ["types"], ["tags", "--key", "k"], ["stats"]):
        ran = run(*words)
        assert ran.code == 0
        assert "\x1b" not in ran.out
    assert "\\x1b[31mred" in run("show").out


def test_a_commit_whose_author_was_late_shows_both_times(run: Run, bank: Path) -> None:
    store = SqliteStore(bank)
    append(store.log(), draft([fact("Noted", {})], id="late", time=day(1)))
    store.close()
    out = run("show", "late").out
    assert "Date:      Sun Nov 1" in out
    assert "In log as: Wed Nov 4" in out


def test_a_commit_is_shown_with_its_cause_its_effects_and_what_undoes_it(run: Run, bank: Path) -> None:
    with closing(SqliteStore(bank)) as store:
        log = store.log()
        effect: dict[str, Any] = {"causation": "pay", "correlation": "req-1"}
        for number, metadata in enumerate([*[effect] * 6, {"reverts": ["pay"]}, {"reverts": ["u6"]}]):
            event = fact("Noted", {"n": number})
            append(log, draft([event], id=f"u{number}", time=day(5), author="dana", metadata=metadata))
    shown = run("show", "pay").out
    assert "\nCaused:    #7 by dana: Noted\nCaused:    #8" in shown
    assert "#11 by dana: Noted\n           and more: backstory causes" in shown
    assert "\nUndone by: #13 by dana: Revert #2, which was undone itself by #14\n" in shown
    document = run("show", "pay", "--json").json
    assert [each["id"] for each in document["effects"]] == ["u0", "u1", "u2", "u3", "u4"]
    assert (document["more_effects"], document["caused_by"]) == (True, None)
    assert [(each["id"], each["undone"]) for each in document["undone_by"]] == [("u6", True)]
    assert "\nCaused by: #2 by ann: deposit" in run("show", "u0").out
    assert run("show", "u0", "--json").json["caused_by"]["commit"]["position"] == 2


def test_causes_are_a_tree_from_the_first_cause_to_the_last_effect(run: Run, bank: Path) -> None:
    with closing(SqliteStore(bank)) as store:
        for id, cause in (("u1", "rent"), ("u2", "u1"), ("u3", "u2"), ("u4", "u1"), ("lost", "nowhere")):
            metadata = {"causation": cause, "correlation": "req-1"}
            append(store.log(), draft([fact("Noted", {})], id=id, time=day(5), metadata=metadata))
    ran = run("causes", "u2")
    assert ran.code == 0
    lines = [
        (line[0], len(line[1:]) - len(line[1:].lstrip()), line.split("#")[1][:2].strip())
        for line in ran.out.splitlines()
    ]
    assert lines == [(" ", 1, "3."), (" ", 3, "7"), ("*", 5, "8"), (" ", 7, "9")]
    document = run("causes", "rent", "--json").json
    effects = [(each["depth"], each["cause"], each["id"]) for each in document["effects"]]
    assert effects == [(1, "rent", "u1"), (2, "u1", "u2"), (3, "u2", "u3"), (2, "u1", "u4")]
    assert document["undone_by"] == document["causes"] == []
    few = run("causes", "rent", "-n", "2", "--json").json
    assert (len(few["effects"]), few["more_effects"]) == (2, True)
    assert "more effects than 2" in run("causes", "rent", "-n", "2").err
    assert len(run("causes", "rent", "--at", "u2", "--json").json["effects"]) == 2
    assert "nowhere, which is not on this branch" in run("causes", "lost").out
    assert "neither a cause nor an effect" in run("causes", "rates").err
    assert len(run("causes", "--correlation", "req-1").out.splitlines()) == 5
    assert len(run("causes", "--correlation", "req-1", "--json").json["commits"]) == 5
    assert run("causes", "--correlation", "req-2").code == 1
    assert run("causes", "rent", "--correlation", "req-1").code == 2
    assert run("causes", "#0").code == run("causes", "rent", "-n", "-1").code == 2


def test_a_commit_that_changed_more_than_it_had_read_says_so(run: Run, bank: Path, alone: Path) -> None:
    assert run("show", "rent", "--json").json["unread"] is None  # no application is known
    programs.bank(alone)
    with closing(SqliteStore(bank)) as store:
        event = fact("Deposited", {"account": "b-1", "cents": 1}, "account:b-1", version=2)
        only = Condition(Query.of(["Withdrawn"], ["account:b-1"]), 6)
        append(store.log(), draft([event], id="blind", time=day(5), condition=only))
    with programs.forgotten():
        shown = run("show", "blind").out
        assert (
            "\nUnread:    Account b-1: balance also follows from #4 Deposited, which was not read\n" in shown
        )
        [found] = run("show", "blind", "--json").json["unread"]
        assert (found["state"], found["identity"], found["fields"]) == (
            "Account",
            {"account": "b-1"},
            ["/balance"],
        )
        assert [(event["position"], event["type"]) for event in found["events"]] == [(4, "Deposited")]
        assert run("show", "pay", "--json").json["unread"] is None  # it has no condition


def test_causes_of_a_revert_say_what_it_undid(run: Run, bank: Path) -> None:
    with closing(SqliteStore(bank)) as store:
        for id, reverts in (("back", ["pay", "elsewhere"]), ("many", [f"m{number}" for number in range(25)])):
            append(store.log(), draft([fact("Noted", {})], id=id, time=day(5), metadata={"reverts": reverts}))
    ran = run("causes", "back").out.splitlines()
    assert ran[1].startswith("undoes ")
    assert " #2 deposit" in ran[1]
    assert ran[2] == "undoes elsewhere, which is not on this branch"
    document = run("causes", "back", "--json").json
    assert [(each["id"], each["commit"] is None) for each in document["undoes"]] == [
        ("pay", False),
        ("elsewhere", True),
    ]
    assert run("causes", "pay", "--json").json["undoes"] == []
    assert run("causes", "many").out.splitlines()[-1] == "and 5 more commits"
