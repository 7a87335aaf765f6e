"""`backstory import rows`: a nightly dump becomes a history, and half a file deletes nothing."""

from __future__ import annotations

import gzip
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backstory import connect
from tests.cli.conftest import Run

ROWS = [f"c-{n},Name {n},Basel" for n in range(20)]
Load = Callable[..., Any]


@pytest.fixture
def load(run: Run, bank: Path) -> Load:
    """Imports a file of these lines."""

    def load(lines: list[str], *words: str, header: str = "id,name,city") -> Any:
        (bank.parent / "rows.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return run("import", "rows", "rows.csv", "--table", "customers", "--key", "id", *words)

    return load


def first(out: str) -> str:
    """The counts, without how to take them back."""
    return out.splitlines(keepends=True)[0]


def rows(run: Run) -> dict[str, Any]:
    return {each["key"]: each["fields"] for each in run("table", "customers", "--json").json["rows"]}


def test_a_dump_writes_only_what_differs(run: Run, load: Load) -> None:
    assert first(load(ROWS, "--sync").out) == "customers: 20 inserted\n"
    before = run("stats", "--json").json
    assert load(ROWS, "--sync").out == "customers: 20 as they were\n"
    assert run("stats", "--json").json == before
    changed = ["c-0,Name 0,Bern", *ROWS[2:], "c-20,New,Chur"]
    ran = load(changed, "--sync", "--author", "cron", "-m", "night", "--json")
    assert {name: ran.json[name] for name in ("inserted", "changed", "deleted", "same", "commits")} == {
        "inserted": 1,
        "changed": 1,
        "deleted": 1,
        "same": 18,
        "commits": 2,
    }
    found = rows(run)
    assert (len(found), found["c-0"]) == (20, {"name": "Name 0", "city": "Bern"})
    assert "c-1" not in found
    blamed = run("blame", "customers", "c-0", "--json").json
    assert "night" in json.dumps(blamed)
    assert "Basel" in json.dumps(run("table", "customers", "c-1", "--at", "main~2", "--json").json)


def test_half_a_file_deletes_nothing_unless_that_is_said(run: Run, load: Load) -> None:
    load(ROWS, "--sync")
    before = run("stats", "--json").json
    ran = load(["c-0,Changed,Bern", *ROWS[1:10]], "--sync")
    assert ran.code == 1
    assert "10 of 20 rows are not among those that were given" in ran.err
    assert "10 percent" in ran.err
    assert "--allow-deletes 10  if the file is whole" in ran.err
    assert run("stats", "--json").json == before
    assert load(ROWS[:10], "--sync", "--allow-deletes", "9").code == 1
    assert (
        first(load(ROWS[:10], "--sync", "--allow-deletes", "10").out)
        == "customers: 10 deleted, 10 as they were\n"
    )
    assert load(ROWS[:1]).out == "customers: 1 as they were\n"
    assert len(rows(run)) == 10


def test_fields_without_a_column_stay_and_empty_cells_are_no_fields(run: Run, load: Load) -> None:
    load(["c-0,Ann,Basel", "c-1,Bea,Bern"])
    run("set", "customers", "c-0", "note=kept")
    load(["c-0,Anna", "c-1,"], header="id,name")
    assert rows(run) == {"c-0": {"name": "Anna", "city": "Basel", "note": "kept"}, "c-1": {"city": "Bern"}}
    load(["c-1;7;"], "--infer", "--keep-empty", header="id;city;name")
    assert rows(run)["c-1"] == {"city": 7, "name": ""}


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.json.gz"])
def test_json_keeps_types_and_null(run: Run, bank: Path, name: str) -> None:
    items = [{"id": 1, "age": 30, "fax": None}, {"id": "c-2", "tags": ["a"]}]
    text = "\n".join(map(json.dumps, items)) if "jsonl" in name else json.dumps(items)
    data = text.encode()
    (bank.parent / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    words = ("import", "rows", name, "--table", "customers", "--key", "id", "--sync")
    assert first(run(*words).out) == "customers: 2 inserted\n"
    assert rows(run) == {"1": {"age": 30, "fax": None}, "c-2": {"tags": ["a"]}}
    assert run(*words).out == "customers: 2 as they were\n"


@pytest.mark.parametrize(
    ("lines", "words", "code", "why"),
    [
        (["c-1,a,b", "c-1,c,d"], ["--sync"], 1, "two rows have the key c-1"),
        (["c-1,a"], [], 2, "rows.csv:2: the row has 2 cells, and the header 3"),
        ([",a,b"], [], 2, "'id' is empty"),
        (['c-1,"a,b'], [], 2, "rows.csv"),
        (["c-1,a,b"], ["--allow-deletes", "1"], 2, "--allow-deletes goes with --sync"),
        (["c-1,a,b", "c-2,a,c"], ["--unique", "name"], 1, "c-1 has this name already"),
        (["c-1,a,b"], ["--unique", "nmae"], 2, "no column 'nmae' to be unique"),
        (["c-1,a,b", "c\0-2,a,c"], [], 2, "rows.csv:3: customers: the key has a NUL"),
        (["c-1,a,b", "c-2,é,c"], ["--encoding", "ascii"], 2, "rows.csv:3: name has bytes that are not ascii"),
    ],
)
def test_a_wrong_file_is_told_with_its_line_and_writes_nothing(
    run: Run, load: Load, lines: list[str], words: list[str], code: int, why: str
) -> None:
    ran = load(lines, *words)
    assert ran.code == code
    assert why in ran.err
    assert run("table", "customers").code == 1


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "x.json",
            '[{"id":1,"a":' + "[" * 100_000,
            "x.json: it is no JSON array of objects: it is nested too deeply",
        ),
        (
            "x.jsonl",
            '{"id":1,"a":' + "[" * 100_000,
            "x.jsonl:1: it is no JSON object: it is nested too deeply",
        ),
        ("x.jsonl", '{"id":1}\n{"id":1.5}', "x.jsonl:2: customers: the key of a row is text"),
        ("x.json", '[{"id":1},{"id":"a\\u0000"}]', "x.json:2: customers: the key has a NUL"),
        ("x.json", "{}", "x.json: it is no JSON array"),
        ("x.csv", "", "x.csv:1: there is no header"),
    ],
)
def test_a_hostile_file_is_told_with_its_place(run: Run, bank: Path, name: str, text: str, why: str) -> None:
    (bank.parent / name).write_text(text, encoding="utf-8")
    ran = run("import", "rows", name, "--table", "customers", "--key", "id", "--sync")
    assert (ran.code, why in ran.err) == (2, True), ran.err
    assert run("table", "customers").code == 1


def test_a_cell_may_be_large(run: Run, load: Load) -> None:
    load(["c-1," + "y" * 300_000 + ",Bern"])
    assert len(rows(run)["c-1"]["name"]) == 300_000


def test_the_key_is_a_column(load: Load) -> None:
    ran = load(["1,2"], header="number,name")
    assert (ran.code, "there is no column 'id'" in ran.err) == (2, True)


def test_options_of_every_verb_may_stand_before_it(run: Run, load: Load) -> None:
    load(ROWS)
    words = ("import", "rows", "rows.csv", "--table", "customers", "--key", "id", "--json")
    assert run("-s", "other.db", "--color", "never", *words).json["inserted"] == 20
    assert run(*words[:1], "-s", "other.db", *words[1:]).json["same"] == 20


def test_its_options_are_in_a_help_of_its_own(run: Run) -> None:
    assert "--allow-deletes" in run("import", "rows", "--help").out
    assert "import rows" in run("import", "--help").out


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_that_were_printed_come_back_as_they_were(run: Run, load: Load, bank: Path, form: str) -> None:
    load(['c-0,"a, ""b""",Bern', "c-1,,Zürich"])
    if form == "jsonl":
        run("set", "customers", "c-1", "age=30", "fax=null", 'tags=["a"]')
    printed = run("table", "customers", "--as", form, "--key", "number")
    (bank.parent / f"out.{form}").write_text(printed.out, encoding="utf-8")
    words = ("import", "rows", f"out.{form}", "--table", "customers", "--key", "number", "--sync")
    assert run(*words).out == "customers: 2 as they were\n"
    assert run("table", "customers", "--as", form, "--json").code == 2
    assert run("table", "customers", "--key", "x").code == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "id,x\nc-1,Zoë\n"),
        ("rows.json", '[{"id": "c-1", "x": "Zoë"}]'),
        ("rows.jsonl", '{"id": "c-1", "x": "Zoë"}\n'),
    ],
)
def test_a_file_may_begin_with_the_mark_of_utf_8(run: Run, bank: Path, name: str, text: str) -> None:
    (bank.parent / name).write_text(f"\ufeff{text}", encoding="utf-8")
    assert (
        first(run("import", "rows", name, "--table", "customers", "--key", "id").out)
        == "customers: 1 inserted\n"
    )
    assert rows(run) == {"c-1": {"x": "Zoë"}}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_says_how_it_is_read(run: Run, bank: Path, encoding: str) -> None:
    (bank.parent / "rows.csv").write_bytes("\ufeffid,x\nc-1,Zoë\n".encode(encoding))
    words = ["import", "rows", "rows.csv", "--table", "customers", "--key", "id"]
    assert "rows.csv:1: the file is in UTF-16: say --encoding utf-16" in run(*words).err
    assert first(run(*words, "--encoding", "utf-16").out) == "customers: 1 inserted\n"
    assert rows(run) == {"c-1": {"x": "Zoë"}}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_field_that_is_named_like_the_column_of_the_key_does_not_take_its_place(
    run: Run, bank: Path, form: str
) -> None:
    run("set", "customers", "c-1", "--new", "id=mine", "x=y")
    refused = run("table", "customers", "--as", form)
    assert (refused.code, refused.out) == (2, "")
    assert "rows have a field 'id': name another column for their keys, with --key" in refused.err
    (bank.parent / f"rows.{form}").write_text(run("table", "customers", "--as", form, "--key", "key").out)
    words = ["import", "rows", f"rows.{form}", "--table", "customers", "--key", "key", "--sync"]
    assert run(*words).out == "customers: 1 as they were\n"


def test_a_sync_refuses_the_file_of_another_table_with_the_same_ids(run: Run, load: Load) -> None:
    load(ROWS, "--sync")
    before = run("stats", "--json").json
    products = [f"c-{n},s-{n},{n}" for n in range(20)]
    ran = load(products, "--sync", header="id,sku,price")
    assert ran.code == 1
    assert (
        "customers: most rows have city, name, and none of those that were given has it, but they have price, sku"
        in ran.err
    )
    assert "--allow-missing city --allow-missing name  if it is the file of this table" in ran.err
    assert load([f"c-{n},Name {n}," for n in range(20)], "--sync").code == 1  # the column is there, and empty
    assert load(products, "--sync", "--allow-missing", "name", header="id,sku,price").code == 1
    assert run("stats", "--json").json == before
    assert load(products, "--allow-missing", "name").code == 2


def test_a_column_that_is_new_may_come_and_one_that_may_be_missing_stays(run: Run, load: Load) -> None:
    load([*ROWS, "c-20,,Chur"], "--sync")
    rated = [f"{row},{n}" for n, row in enumerate(ROWS)]
    assert (
        first(load(rated, "--sync", header="id,name,city,rating").out) == "customers: 20 changed, 1 deleted\n"
    )
    fewer = [row.rpartition(",")[0] for row in ROWS]
    words = ("--sync", "--allow-missing", "city", "--allow-missing", "rating")
    assert load(fewer, *words, header="id,name").out == "customers: 20 as they were\n"
    assert rows(run)["c-1"] == {"name": "Name 1", "city": "Basel", "rating": "1"}


def test_a_dry_run_counts_and_keeps_nothing(run: Run, load: Load) -> None:
    words = (
        "-s",
        "none.db",
        "import",
        "rows",
        "rows.csv",
        "--table",
        "customers",
        "--key",
        "id",
        "--dry-run",
    )
    load(ROWS, "--sync")
    before = run("stats", "--json").json
    assert run(*words).out == "customers: 20 inserted; a dry run keeps nothing\n"
    assert not Path("none.db").exists()
    ran = load(["c-0,Anna,Bern", *ROWS[2:]], "--sync", "--dry-run")
    assert ran.out == "customers: 1 changed, 1 deleted, 18 as they were; a dry run keeps nothing\n"
    told = load(["c-0,Anna,Bern", *ROWS[2:]], "--sync", "--dry-run", "--json").json
    assert (told["dry_run"], told["changed"], told["ranges"], told["undo"]) == (True, 1, [], [])
    assert load(ROWS[:3], "--sync", "--dry-run").code == 1
    assert run("stats", "--json").json == before


def test_the_line_that_takes_an_import_back_takes_all_of_it_back(run: Run, load: Load) -> None:
    load(ROWS, "--sync")
    was = rows(run)
    ran = load(["c-0,Anna,Bern", *ROWS[2:], "c-20,New,Chur"], "--sync")
    start = run("log", "--json").json["commits"]
    assert len(start) >= 3
    counts, undo = ran.out.splitlines()
    assert counts == "customers: 1 inserted, 1 changed, 1 deleted, 18 as they were"
    assert undo.strip().startswith("2 commits, #")
    command = shlex.split(undo.partition("taken back by: ")[2])
    assert command[:2] == ["backstory", "revert"]
    assert run(*command[1:]).code == 0
    assert rows(run) == was


def test_the_lines_that_take_an_import_back_leave_alone_what_others_wrote_meanwhile() -> None:
    with connect() as db:
        table = db.table("people")

        def slowly() -> Iterator[tuple[str, dict[str, int]]]:
            for number in range(4):
                yield f"p-{number}", {"n": number}
                if number == 1:
                    table.insert("other", {"n": 9})

        written = table.upsert_many(slowly(), batch=1)
        assert (written.commits, written.ranges) == (4, ["#0..#2", "#3..#5"])
        for each in reversed(written.ranges):
            db.revert(each)
        assert [key for key in ("other", "p-0", "p-1", "p-2", "p-3") if key in table] == ["other"]
