"""`backstory types`, `tags` and `stats`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("bank")


def test_types_are_listed_with_versions_counts_and_places(run: Run) -> None:
    assert [line.split() for line in run("types").out.splitlines()] == [
        ["type", "version", "events", "first", "last"],
        ["AccountOpened", "1", "1", "#1", "#1"],
        ["Deposited", "1", "1", "#2", "#2"],
        ["Deposited", "2", "1", "#4", "#4"],
        ["Noted", "1", "1", "#6", "#6"],
        ["RateChanged", "1", "1", "#5", "#5"],
        ["Withdrawn", "1", "1", "#3", "#3"],
    ]
    assert run("types", "--json").json["types"][0] == {
        "type": "AccountOpened",
        "version": 1,
        "events": 1,
        "first": 1,
        "last": 1,
    }
    assert run("types", "--ndjson").ndjson[0]["kind"] == "type"


def test_tags_are_counted_by_key(run: Run) -> None:
    assert [line.split() for line in run("tags").out.splitlines()] == [
        ["key", "tags", "events"],
        ["account", "2", "4"],
        ["transfer", "1", "2"],
    ]
    assert run("tags", "--json", "-n", "1").json["keys"] == [{"key": "account", "tags": 2, "events": 4}]


def test_the_tags_of_a_key_are_listed_the_most_used_first(run: Run) -> None:
    assert [line.split() for line in run("tags", "--key", "account").out.splitlines()] == [
        ["tag", "events", "first", "last"],
        ["account:a-7", "3", "#1", "#3"],
        ["account:b-1", "1", "#4", "#4"],
    ]
    [line] = run("tags", "--key", "account", "-n", "1", "--ndjson").ndjson
    assert line == {"schema": 1, "kind": "tag", "tag": "account:a-7", "events": 3, "first": 1, "last": 3}


def test_a_key_that_no_tag_has_is_a_difference(run: Run) -> None:
    ran = run("tags", "--key", "acc")
    assert (ran.code, ran.out) == (1, "")
    assert "no tag has the key 'acc'" in ran.err
    assert run("tags", "-n", "-1").code == 2


def test_stats_count_everything(run: Run, bank: Path) -> None:
    document = run("stats", "--json").json
    assert {
        name: document[name]
        for name in ("commits", "events", "types", "tags", "authors", "unsigned", "position")
    } == {
        "commits": 4,
        "events": 6,
        "types": 5,
        "tags": 3,
        "authors": {"ann": 2, "Bob Ray": 1},
        "unsigned": 1,
        "position": 6,
    }
    assert document["since"] == "2026-11-01T12:00:00Z"
    assert document["until"] == "2026-11-04T12:00:00Z"
    assert document["store"] == str(bank)
    assert document["bytes"] >= bank.stat().st_size
    assert document["head"] == run("show", "--json").json["hash"]
    text = run("stats").out
    assert "events   6 of 5 types\n" in text
    assert "authors  2\n" in text
    assert "unsigned 1 commit\n" in text


def test_an_empty_store_has_counts_too(run: Run) -> None:
    run("init", "new.db")
    document = run("-s", "new.db", "stats", "--json").json
    assert (document["events"], document["since"]) == (0, None)
    for verb in ("stats", "types", "tags"):
        assert run("-s", "new.db", verb).code == 0
