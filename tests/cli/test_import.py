"""`backstory import`."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Run

ROWS = "type,time,order\nPlaced,2026-11-01T10:00:00Z,o-1\nPaid,2026-11-02T10:00:00Z,o-1\n"
COLUMNS = ("--type-column", "type", "--time-column", "time", "--tag", "order=order")


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CSV file, in the folder where the command runs, which has no store."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "orders.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_an_import_makes_the_store_and_says_what_came_in(run: Run, orders: Path) -> None:
    ran = run("import", "-s", "new.db", "csv", str(orders), *COLUMNS)
    assert (ran.code, ran.out, ran.err) == (0, "imported 2 events in 2 commits\n", "")
    again = run("import", "-s", "new.db", "csv", str(orders), *COLUMNS)
    assert again.out == "nothing new; 2 commits were there already\n"


def test_its_report_is_a_document_too(run: Run, orders: Path) -> None:
    report = run("import", "-s", "new.db", "csv", str(orders), *COLUMNS, "--json").json
    assert report == {
        "schema": 1,
        "kind": "import",
        "sources": [str(orders)],
        "format": "csv",
        "dry_run": False,
        "commits": 2,
        "events": 2,
        "known": 0,
        "skipped": 0,
        "earlier": 0,
        "twin": "",
        "rejects": None,
    }


def test_it_stops_at_the_first_error_and_names_its_line(run: Run, orders: Path) -> None:
    orders.write_text(ROWS + "Paid,yesterday,o-2\n", encoding="utf-8")
    ran = run("import", "-s", "new.db", "csv", str(orders), *COLUMNS)
    assert (ran.code, ran.out) == (2, "")
    assert f"backstory: {orders}:4: " in ran.err
    assert run("import", "-s", "new.db", "csv", str(orders), *COLUMNS, "--order", "file").err.startswith(
        "2 events came in"
    )


def test_skipped_places_go_to_a_file(run: Run, orders: Path, tmp_path: Path) -> None:
    orders.write_text(ROWS + "Paid,yesterday,o-2\n", encoding="utf-8")
    ran = run(
        "import", "-s", "new.db", "csv", str(orders), *COLUMNS, "--on-error", "skip", "--rejects", "bad.jsonl"
    )
    assert (ran.code, ran.out) == (
        0,
        "imported 2 events in 2 commits; 1 place was skipped, see bad.jsonl\n",
    )
    [reject] = (tmp_path / "bad.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(reject) == {
        "file": str(orders),
        "line": 4,
        "why": "column \"time\": 'yesterday' is not an ISO 8601 time",
        "raw": "Paid,yesterday,o-2",
    }


@pytest.mark.usefixtures("orders")
def test_standard_input_is_a_source(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(ROWS.encode())))
    assert run("import", "-s", "new.db", "csv", "-", *COLUMNS).code == 0


def test_a_git_repository_is_a_source(run: Run, orders: Path) -> None:
    git = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    for words in (["init", "-q"], ["add", orders.name], ["commit", "-qm", "orders"]):
        subprocess.run([*git, *words], cwd=orders.parent, check=True)
    assert run("import", "-s", "new.db", "git").out == "imported 1 event in 1 commit\n"
    assert run("import", "-s", "new.db", "git").out == "nothing new; 1 commit was there already\n"
    assert "Ann <ann@example.org>" in run("log", "-s", "new.db").out


def test_a_source_that_is_not_there_makes_no_store(run: Run, tmp_path: Path) -> None:
    for words in (["csv", "nothing.csv"], ["git", str(tmp_path)], ["git", "--revision", "nothing"]):
        ran = run("import", "-s", str(tmp_path / "new.db"), *words)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("backstory: ")
    assert not (tmp_path / "new.db").exists()


OPENED = "id,subject,opened\n1,Fire,2026-03-02 09:15\n2,Coffee,2026-03-03 08:05\n"
CLOSED = "ticket,closed,by\n1,2026-03-02 11:40,bob\nx,,bob\n"


@pytest.fixture
def tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two CSV files with other columns, in the folder where the command runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "opened.csv").write_text(OPENED, encoding="utf-8")
    (tmp_path / "closed.csv").write_text(CLOSED, encoding="utf-8")
    return tmp_path


FIRST = ("csv", "opened.csv", "--type", "Opened", "--time-column", "opened", "--tag", "ticket=id")
SECOND = ("closed.csv", "--type", "Closed", "--time-column", "closed", "--tag", "ticket=ticket")


def test_files_with_other_columns_go_in_together_by_time(run: Run, tickets: Path) -> None:
    skip = ("import", "-s", "new.db", "--on-error", "skip")
    together = (*skip, *FIRST, "--then", *SECOND, "--author-column", "by")
    dry = ("import", "-s", "new.db", "--on-error", "skip", "--dry-run", *together[5:])
    assert run(*dry).out == (
        "would import 3 events in 3 commits; 1 place was skipped, see rejects.jsonl; a dry run keeps nothing\n"
    )
    assert not (tickets / "new.db").exists()
    assert run(*together).out == "imported 3 events in 3 commits; 1 place was skipped, see rejects.jsonl\n"
    [reject] = (tickets / "rejects.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(reject)["file"] == "closed.csv"
    assert [event["type"] for event in events(run)] == ["Opened", "Closed", "Opened"]
    assert run(*together).out.startswith("nothing new; 3 commits were there already")


def test_one_file_may_come_twice_with_other_columns(run: Run, tickets: Path) -> None:
    (tickets / "all.csv").write_text("id,opened,closed\n1,2026-03-02,2026-03-04\n2,2026-03-03,2026-03-05\n")
    first = ("csv", "all.csv", "--type", "Opened", "--time-column", "opened", "--drop", "closed")
    then = ("--then", "all.csv", "--type", "Closed", "--time-column", "closed", "--drop", "opened")
    assert run("import", "-s", "new.db", *first, *then).out == "imported 4 events in 4 commits\n"
    assert [event["type"] for event in events(run)] == ["Opened", "Opened", "Closed", "Closed"]


def events(run: Run) -> list[dict[str, Any]]:
    """The events of the store, the oldest first."""
    exported = run("export", "-s", "new.db").out.splitlines()
    return [event for line in exported for event in msgspec.json.decode(line).get("events", ())]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--then"], "--then is followed by a file"),
        (["--then", "--then", "closed.csv"], "--then is followed by a file"),
        (["--then", "--type", "Closed"], "--then is followed by a file"),
        (["--then", "closed.csv", "--dry-run"], "--dry-run stands after --then"),
        (["--then", "closed.csv", "--tag", "a=b"], "closed.csv has no --time-column"),
        (["--then", *SECOND, "--field", "x"], "--field is NAME=COLUMN"),
        (["--then", *SECOND, "--tag", "a=gone"], "closed.csv:1: there is no column 'gone'"),
    ],
)
@pytest.mark.usefixtures("tickets")
def test_what_stands_after_then_is_checked_too(run: Run, words: list[str], message: str) -> None:
    ran = run("import", "-s", "new.db", *FIRST, *words)
    assert ran.code == 2
    assert message in ran.err


def test_then_is_for_csv(run: Run, tickets: Path) -> None:
    ran = run("import", "-s", str(tickets / "new.db"), "jsonl", "a.jsonl", "--then", "b.jsonl")
    assert (ran.code, "--then is for csv, not for jsonl" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["csv"], "import csv needs a file"),
        (["xes", "a.xes", "--time-column", "at"], "--time-column is for csv, not for xes"),
        (["csv", "orders.csv", "--revision", "main"], "--revision is for git"),
        (["csv", "orders.csv", "--rejects", "bad"], "--rejects goes with --on-error skip"),
        (["csv", "orders.csv", "--tag", "order"], "--tag is KEY=COLUMN"),
        (["git", "--max-record", "1"], "--max-record is for csv, jsonl and xes, not for git"),
        (["csv", "orders.csv", "--max-record", "0"], "--max-record is a number of MiB from 1 to 2047"),
        (["csv", "orders.csv", "--timezone", "Mars/Phobos"], "no time zone is named 'Mars/Phobos'"),
        (["csv", "orders.csv", "--delimiter", "::"], "--delimiter is one character"),
        (["csv", "orders.csv", "--delimiter", '"'], "--delimiter is one character"),
        (["csv", "orders.csv", "--delimiter", "\n"], "--delimiter is one character"),
        (["csv", "orders.csv", "--type-column", "kind"], "there is no column 'kind', only type, time, order"),
    ],
)
@pytest.mark.usefixtures("orders")
def test_options_that_cannot_be_are_refused(run: Run, words: list[str], message: str) -> None:
    ran = run("import", "-s", "new.db", *words)
    assert ran.code == 2
    assert message in ran.err


def test_rejects_never_go_over_a_store_or_over_what_is_imported(run: Run, orders: Path) -> None:
    orders.write_text(ROWS + "Paid,yesterday,o-2\n", encoding="utf-8")
    assert run("init", "other.db").code == 0
    for name, what in (
        ("orders.csv", "is the file that is read"),
        ("other.db", "is a store"),
        ("new.db", "is a store"),
        (".", "is a folder"),
    ):
        words = ("csv", str(orders), *COLUMNS, "--on-error", "skip", "--rejects", name)
        ran = run("import", "-s", "new.db", *words)
        assert (ran.code, ran.out) == (2, "")
        assert f"{name} {what}" in ran.err
    assert not Path("new.db").exists()
    assert orders.read_text(encoding="utf-8").startswith(ROWS)


@pytest.mark.usefixtures("orders")
def test_standard_input_that_is_closed_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    for words in (["import", "jsonl", "-"], ["append", "Noted", "--data", "-"]):
        ran = run("-s", "new.db", *words)
        assert (ran.code, ran.err) == (
            2,
            "backstory: standard input is closed, so nothing can be read from it\n",
        )


def test_a_pipe_with_a_name_is_a_source(run: Run, alone: Path) -> None:
    (alone / "lines").write_text('{"events":[{"type":"A"}]}\n', encoding="utf-8")
    os.mkfifo("pipe")
    with subprocess.Popen(["sh", "-c", "cat lines > pipe"]):
        ran = run("import", "-s", "new.db", "jsonl", "pipe")
    assert (ran.out, ran.err) == ("imported 1 event in 1 commit\n", "")


def test_a_commit_of_the_future_comes_in_only_where_it_is_meant(run: Run, orders: Path) -> None:
    orders.write_text(ROWS.replace("2026-11-02", "9000-11-02"), encoding="utf-8")
    ran = run("import", "-s", "new.db", "csv", str(orders), *COLUMNS)
    assert ran.code == 2
    assert f"{orders}:3: the time 9000-11-02T10:00:00+00:00 is more than a day ahead of the clock" in ran.err
    assert run("import", "-s", "new.db", "csv", str(orders), *COLUMNS, "--future").code == 0


def test_a_record_may_be_as_large_as_one_allows(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    path.write_text(f'{{"events":[{{"type":"A"}}],"message":"{"x" * (1 << 20)}"}}\n', encoding="utf-8")
    words = ("import", "-s", "new.db", "jsonl", str(path), "--max-record")
    assert "this line has more than 1 MiB, the limit of a record" in run(*words, "1").err
    assert run(*words, "2").code == 0


def test_records_that_a_clone_takes_in_again_are_noticed(run: Run, orders: Path) -> None:
    run("import", "-s", "first.db", "csv", str(orders), *COLUMNS)
    run("clone", "first.db", "second.db")
    ran = run("import", "-s", "second.db", "csv", str(orders), *COLUMNS)
    assert (ran.code, ran.out) == (0, "imported 2 events in 2 commits\n")
    assert ran.err.startswith("commit backstory.csv.")
    assert "Was it imported before this store was cloned?" in ran.err


ACCOUNTS = "id,owner,opened,iban\na-7,Ann,2026-11-01T10:00:00Z,NL1\n,Bob,2026-11-02T10:00:00Z,\n"
AS_EVENTS = ("--app", "bank", "--type", "AccountOpened", "--time-column", "opened", "--field", "account=id")


@pytest.mark.usefixtures("application")
def test_rows_become_events_of_an_application(run: Run, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    words = ("import", "-s", "new.db", "csv", "accounts.csv", *AS_EVENTS, "--on-error", "skip")
    ran = run(*words)
    assert (ran.code, ran.out) == (1, "nothing new; 2 places were skipped, see rejects.jsonl\n")
    ran = run(*words, "--drop", "iban")
    assert ran.out == "imported 1 event in 1 commit; 1 place was skipped, see rejects.jsonl\n"
    assert "the cell is empty, and the field 'account' has no default" in Path("rejects.jsonl").read_text(
        encoding="utf-8"
    )
    [event] = run("show", "-s", "new.db", "--json").json["events"]
    assert (event["type"], event["tags"]) == ("AccountOpened", ["account:a-7"])
    assert run("state", "Account", "a-7", "-s", "new.db").code == 0


@pytest.mark.usefixtures("application")
def test_an_import_checks_events_against_the_application_of_the_project_unless_told_otherwise(
    run: Run, tmp_path: Path
) -> None:
    lines = '{"events":[{"type":"Noticed"}]}\n{"events":[{"type":"AccountOpened"}]}\n'
    (tmp_path / "lines.jsonl").write_text(lines, encoding="utf-8")
    for words in ([], ["--app", "bank"]):
        ran = run("import", "-s", "new.db", "jsonl", "lines.jsonl", *words)
        assert ran.code == 2
        assert "lines.jsonl:1: bank has no event 'Noticed'" in ran.err
        assert "--no-app takes such events as they are" in ran.err
    ran = run("import", "-s", "new.db", "jsonl", "lines.jsonl", "--no-app")
    assert ran.code == 0
    assert ran.err.startswith("AccountOpened is an event of the application, and was not checked")


@pytest.mark.usefixtures("application")
def test_a_type_that_the_application_does_not_have_is_a_wrong_command_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    words = ("csv", "accounts.csv", "--type", "AccountOpen", "--on-error", "skip")
    ran = run("import", "-s", "new.db", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "--type: bank has no event 'AccountOpen'; did you mean AccountOpened?" in ran.err
    assert not Path("rejects.jsonl").exists()
    assert not Path("new.db").exists()


@pytest.mark.usefixtures("application")
def test_a_dry_run_counts_and_rejects_as_the_import_does_and_keeps_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    words = (*AS_EVENTS, "--drop", "iban", "--on-error", "skip")
    for store in ("new.db", "there.db"):
        if store == "there.db":
            run("init", store)
        ran = run("import", "-s", store, "csv", "accounts.csv", *words, "--dry-run")
        assert ran.out == (
            "would import 1 event in 1 commit; 1 place was skipped, see rejects.jsonl; a dry run keeps nothing\n"
        )
        assert Path("rejects.jsonl").read_text(encoding="utf-8").count("\n") == 1
    assert not Path("new.db").exists()
    assert run("status", "-s", "there.db", "--json").json["position"] == 0
    run("import", "-s", "there.db", "csv", "accounts.csv", *words)
    again = run("import", "-s", "there.db", "csv", "accounts.csv", *words, "--dry-run", "--json").json
    assert (again["commits"], again["known"], again["skipped"], again["dry_run"]) == (0, 1, 1, True)


def test_every_format_has_a_dry_run(run: Run, alone: Path) -> None:
    (alone / "lines.jsonl").write_text('{"events":[{"type":"A"}]}\n', encoding="utf-8")
    (alone / "log.xes").write_text(
        '<log><trace><event><string key="concept:name" value="A"/><date key="time:timestamp"'
        ' value="2026-11-01T10:00:00Z"/></event></trace></log>',
        encoding="utf-8",
    )
    git = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    for arguments in (["init", "-q"], ["add", "log.xes"], ["commit", "-qm", "log"]):
        subprocess.run([*git, *arguments], cwd=alone, check=True)
    for source in (["jsonl", "lines.jsonl"], ["xes", "log.xes"], ["git"]):
        ran = run("import", "-s", "new.db", *source, "--dry-run")
        assert (ran.code, ran.out) == (0, "would import 1 event in 1 commit; a dry run keeps nothing\n")
    assert not Path("new.db").exists()


def test_a_branch_takes_an_import_and_a_dry_run_of_one(run: Run, orders: Path) -> None:
    run("init", "new.db")
    run("append", "Opened", "-s", "new.db")
    run("branch", "try", "-s", "new.db")
    ran = run("import", "-s", "new.db", "-b", "try", "csv", str(orders), *COLUMNS, "--dry-run")
    assert ran.out.startswith("would import 2 events in 2 commits")
    run("import", "-s", "new.db", "-b", "try", "csv", str(orders), *COLUMNS)
    heads = [run("status", "-s", "new.db", "-b", name, "--json").json["position"] for name in ("main", "try")]
    assert heads == [1, 3]
    again = run("import", "-s", "new.db", "-b", "try", "csv", str(orders), *COLUMNS, "--dry-run").out
    assert again == "nothing new; 2 commits were there already; a dry run keeps nothing\n"


def test_several_files_come_in_together_by_time(run: Run, tmp_path: Path, orders: Path) -> None:
    (tmp_path / "more.csv").write_text("type,time,order\nPacked,2026-11-01T12:00:00Z,o-1\n", encoding="utf-8")
    ran = run("import", "-s", "new.db", "csv", str(orders), "more.csv", *COLUMNS)
    assert (ran.out, ran.err) == ("imported 3 events in 3 commits\n", "")
    log = run("log", "-s", "new.db", "--format", "{types}").out.splitlines()
    assert log == ["Paid", "Packed", "Placed"]
    assert "a source is named twice" in run("import", "-s", "new.db", "csv", "a.csv", "a.csv").err


def test_commits_that_came_in_too_late_for_their_time_are_counted_and_every_verb_shows_both_times(
    run: Run, tmp_path: Path, orders: Path
) -> None:
    (tmp_path / "late.csv").write_text("type,time,order\nPacked,2026-11-01T12:00:00Z,o-1\n", encoding="utf-8")
    run("import", "-s", "new.db", "csv", str(orders), *COLUMNS)
    ran = run("import", "-s", "new.db", "csv", "late.csv", *COLUMNS, "--json")
    assert ran.json["earlier"] == 1
    assert "1 commit was older than the end of the log, whose time never goes back" in ran.err
    assert "import all sources into a new store" in ran.err
    form = run("log", "-s", "new.db", "-n", "1", "--format", "{authored:%d} {time:%d}").out
    assert form == "01 02\n"
    for verb in (["log", "-n", "1"], ["show"]):
        shown = run(*verb, "-s", "new.db").out
        assert "Date:" in shown
        assert "In log" in shown
    [title, row] = run("state", "order:o-1", "-s", "new.db").out.splitlines()[2:4]
    assert "time              in log            author" in title
    assert "2026-11-01 12:00  2026-11-02 10:00" in row
    [title, row] = run("blame", "order:o-1", "--assertions", "-s", "new.db").out.splitlines()[:2]
    assert "time              in log            author" in title
    assert "2026-11-01 12:00  2026-11-02 10:00" in row
    field = run("state", "order:o-1", "-s", "new.db", "--json").json["fields"]["order"]
    assert (field["authored"], field["time"]) == ("2026-11-01T12:00:00Z", "2026-11-02T10:00:00Z")


def test_a_rejected_line_is_kept_whole_so_that_it_can_be_mended_and_imported(
    run: Run, tmp_path: Path, orders: Path
) -> None:
    line = '{"id":"x","time":"9000-11-02T10:00:00Z","events":[{"type":"A","data":{"n":1}}]}'
    (tmp_path / "lines.jsonl").write_text(line + "\n", encoding="utf-8")
    orders.write_text(ROWS.replace("2026-11-02", "9000-11-02"), encoding="utf-8")
    for words, raw in (
        (["jsonl", "lines.jsonl"], line),
        (["csv", str(orders), *COLUMNS], "Paid,9000-11-02T10:00:00Z,o-1"),
    ):
        run("import", "-s", "new.db", *words, "--on-error", "skip")
        [reject] = Path("rejects.jsonl").read_bytes().splitlines()
        assert msgspec.json.decode(reject)["raw"] == raw


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("git --app bank", "--app is for csv, jsonl and xes, not for git"),
        (
            "csv accounts.csv --app bank",
            "--app needs the events' class: --type NAME, or --type-column COLUMN",
        ),
        ("csv accounts.csv --app bank --type AccountOpened --infer", "--infer does not go with --app"),
        ("jsonl x --order file", "--order is for csv and xes, not for jsonl"),
        ("csv accounts.csv --type A --no-app --app bank", "--app and --no-app say opposite things"),
        (
            "csv accounts.csv",
            "the application of this project needs the events' class: --type NAME, or --type-column COLUMN",
        ),
        ("csv accounts.csv --no-app --field x", "--field is NAME=COLUMN, like order=order_id; got 'x'"),
        (
            "csv accounts.csv --no-app --drop nothing",
            "there is no column 'nothing', only id, owner, opened, iban",
        ),
    ],
)
def test_options_of_columns_and_classes_are_checked(run: Run, tmp_path: Path, words: str, why: str) -> None:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    ran = run("import", "-s", "new.db", *words.split())
    assert (ran.code, why in ran.err) == (2, True), ran.err


def test_the_columns_of_process_mining_are_known_beside_those_that_are_left_out(
    run: Run, tmp_path: Path
) -> None:
    text = "case:concept:name,concept:name,time:timestamp,cost\nc-1,Pay,2026-11-01,5\n"
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")
    assert run("import", "-s", "new.db", "csv", "log.csv", "--drop", "cost").code == 0
    [event] = run("show", "-s", "new.db", "--json").json["events"]
    assert (event["type"], event["tags"], event["data"]) == (
        "Pay",
        ["case:c-1"],
        {"case:concept:name": "c-1"},
    )


def test_a_log_without_times_comes_in_by_its_order(run: Run, tmp_path: Path) -> None:
    text = '<log><event><string key="concept:name" value="A"/></event></log>'
    (tmp_path / "log.xes").write_text(text, encoding="utf-8")
    ran = run("import", "-s", "new.db", "xes", "log.xes")
    assert (ran.code, "(--order file)" in ran.err) == (2, True)
    assert run("import", "-s", "new.db", "xes", "log.xes", "--order", "file").code == 0
