"""`backstory log`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from backstory.store import append
from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import draft
from tests.cli.conftest import Ran, Run, day, fact

pytestmark = pytest.mark.usefixtures("bank")


def ids(ran: Ran) -> list[str]:
    """The ids of the commits that --ndjson gave."""
    assert ran.code == 0
    return [commit["id"] for commit in ran.ndjson]


def listed(run: Run, *words: str) -> list[str]:
    """The ids of the commits that `log` lists with these options."""
    return ids(run("log", "--ndjson", *words))


def test_commits_are_listed_newest_first_as_git_lists_them(run: Run) -> None:
    ran = run("log")
    assert ran.err == ""
    entries = ran.out.split("\n\ncommit ")
    assert len(entries) == 4
    assert entries[1][10:] == (
        " #3..#4\n"
        "Author: Bob Ray\n"
        "Date:   Tue Nov 3 12:00:00 2026 +0000\n"
        "\n"
        "    rent\n"
        "\n"
        "    for November\n"
        "\n"
        "    #3 Withdrawn     account:a-7  transfer:t-1\n"
        "    #4 Deposited v2  account:b-1  transfer:t-1"
    )
    assert "Author" not in entries[0]


def test_oneline_shows_the_message_or_what_happened(run: Run) -> None:
    lines = [line[11:] for line in run("log", "--oneline").out.splitlines()]
    assert lines == [
        "#5..#6 RateChanged, Noted",
        "#3..#4 rent",
        "#2 deposit()",
        "#1 a first account",
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["rates", "rent", "pay", "open-a"]),
        (["-n", "2"], ["rates", "rent"]),
        (["-n", "0"], []),
        (["-n", "2", "--reverse"], ["rent", "rates"]),
        (["--reverse"], ["open-a", "pay", "rent", "rates"]),
        (["--type", "Deposited"], ["rent", "pay"]),
        (["--type", "Deposited", "--type", "AccountOpened", "--reverse"], ["open-a", "pay", "rent"]),
        (["--tag", "account:a-7"], ["rent", "pay", "open-a"]),
        (["--tag", "account:a-7", "--tag", "transfer:t-1"], ["rent"]),
        (["--tag", "account:a-7", "--type", "Deposited"], ["pay"]),
        (["--tag", "account:a-7", "-n", "1"], ["rent"]),
        (["--tag", "account:z"], []),
        (["--author", "bob"], ["rent"]),
        (["--author", "ANN", "-n", "1"], ["pay"]),
        (["--grep", "^for Nov|acc.unt"], ["open-a"]),
        (["--grep", "rent\\n"], ["rent"]),
        (["--since", "2026-11-02T12:00:00Z"], ["rates", "rent", "pay"]),
        (["--since", "2026-11-02T12:00:00.000001Z"], ["rates", "rent"]),
        (["--until", "2026-11-02T12:00:00+00:00"], ["pay", "open-a"]),
        (["--since", "2026-11-02 00:00Z", "--until", "2026-11-03 23:00Z"], ["rent", "pay"]),
        (["--since", "2026-11-02 00:00Z", "--tag", "account:a-7"], ["rent", "pay"]),
        (["--since", "3000-01-01"], []),
        (["--until", "1000-01-01"], []),
    ],
)
def test_options_choose_commits(run: Run, words: list[str], expected: list[str]) -> None:
    assert listed(run, *words) == expected


def test_a_date_alone_is_its_local_midnight(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "TZ", "Pacific/Auckland"
    )  # 13 hours ahead: noon UTC of the 2nd is the 3rd, one in the morning
    time.tzset()
    assert listed(run, "--until", "2026-11-03") == ["open-a"]
    assert listed(run, "--since", "2026-11-03", "-n", "9") == ["rates", "rent", "pay"]
    assert "Tue Nov 3 01:00:00 2026 +1300" in run("log").out


def test_with_a_filter_only_the_events_that_match_are_shown(run: Run) -> None:
    [commit] = run("log", "--ndjson", "--tag", "account:b-1").ndjson
    assert commit["size"] == 2
    assert [event["position"] for event in commit["events"]] == [4]
    assert "    and 1 more\n" in run("log", "--tag", "account:b-1").out


def test_json_is_one_document_with_everything(run: Run) -> None:
    document = run("log", "--json").json
    assert (document["schema"], document["kind"]) == (1, "commits")
    rent = document["commits"][1]
    assert rent["message"] == "rent\n\nfor November\n"
    assert rent["condition"] == {
        "after": 2,
        "query": [{"types": ["Deposited", "Withdrawn"], "tags": ["account:a-7"]}],
    }
    assert rent["events"][1] == {
        "position": 4,
        "type": "Deposited",
        "version": 2,
        "tags": ["account:b-1", "transfer:t-1"],
        "data": {"account": "b-1", "cents": 200},
    }
    assert document["commits"][2]["command"] == {"name": "deposit", "cents": 500}
    assert run("log", "--json", "-n", "0").json["commits"] == []


def test_each_line_of_ndjson_says_its_schema_and_kind(run: Run) -> None:
    assert {(line["schema"], line["kind"]) for line in run("log", "--ndjson").ndjson} == {(1, "commit")}


def test_a_large_commit_shows_its_first_events(run: Run, bank: Path) -> None:
    store = SqliteStore(bank)
    append(store.log(), draft([fact("Noted", {"n": n}) for n in range(1200)], id="many", time=day(5)))
    store.close()
    out = run("log", "-n", "1").out
    assert "\n    Noted and 1,199 more\n" in out
    assert out.count(" Noted\n") == 10
    assert out.endswith("    and 1,190 more\n")


def test_an_empty_store_says_so_and_nothing_to_a_program(run: Run) -> None:
    run("init", "new.db")
    ran = run("-s", "new.db", "log")
    assert (ran.code, ran.out) == (0, "")
    assert "no commits yet" in ran.err
    assert run("-s", "new.db", "log", "--ndjson") == Ran(0, "", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--since", "soon"], "'soon' is not understood"),
        (["--until", "99999999 weeks ago"], "is not understood"),
        (["--grep", "("], "is not a regular expression"),
        (["--tag", "nokey"], "a tag is key:value"),
        (["--type", ""], "an event type in a query is empty"),
        (["-n", "-1"], "not -1"),
        (["-n", "some"], "invalid int value"),
        (["--follow", "--json"], "--ndjson"),
        (["--follow", "--until", "now"], "--until"),
    ],
)
def test_what_cannot_be_is_a_usage_error(run: Run, words: list[str], message: str) -> None:
    ran = run("log", *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


@pytest.mark.parametrize("style", ["--ndjson", "--oneline"])
def test_follow_shows_the_last_commits_and_then_those_that_others_append(bank: Path, style: str) -> None:
    command = [sys.executable, "-m", "backstory", "log", "--follow", "-n", "1", style, "--tag", "account:a-7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        store = SqliteStore(bank)
        append(store.log(), draft([fact("Noted", {}, "account:b-1")], id="other", time=day(6)))
        append(store.log(), draft([fact("Noted", {}, "account:a-7")], id="new", time=day(6), message="new"))
        store.close()
        second = process.stdout.readline()
        process.terminate()
    if style == "--ndjson":
        assert [msgspec.json.decode(line)["id"] for line in (first, second)] == ["rent", "new"]
    else:
        assert b"rent" in first
        assert b"#8 new" in second


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--type", "Depositd"],
            "no event class here has this name; did you mean Deposited",
        ),
        (["--tag", "account:a-8"], "no event has the tag account:a-8; did you mean account:a-7?"),
        (["--type", "Zzz", "--tag", "z:1"], "no event has the tag z:1"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_a_type_or_a_tag_that_no_event_has_is_said_with_likely_ones(
    run: Run, words: list[str], said: str
) -> None:
    ran = run("log", *words)
    assert (ran.code, ran.out) == (0, "")
    assert said in ran.err


@pytest.mark.usefixtures("bank")
def test_where_events_match_or_none_was_asked_for_nothing_is_said(run: Run) -> None:
    for words in (["--type", "Deposited"], ["--type", "Deposited", "--author", "nobody"], ["--grep", "zzz"]):
        assert run("log", *words).err == "", words


def test_a_type_of_event_in_the_place_of_a_revision_is_told_with_its_option(run: Run) -> None:
    ran = run("log", "Deposited")
    assert (ran.code, "backstory log --type Deposited" in ran.err) == (2, True)
    assert "unknown revision 'Deposits'" in run("log", "Deposits").err
