"""`backstory table` and `backstory set`: rows and their history on the command line, without an application."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from backstory import connect
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def rows(run: Run, bank: Path) -> None:
    for words in (
        ("set", "customers", "c-1", "--new", "name=Ann", "city=Basel"),
        ("set", "customers", "c-2", "--new", "name=Bea", "age=30", "--author", "bea"),
        ("set", "customers", "c-1", "city=Bern", "-m", "moved", "--author", "ann"),
    ):
        assert run(*words).code == 0


def table(run: Run, *words: str) -> dict[str, object]:
    """The rows by key."""
    return {each["key"]: each["fields"] for each in run("table", *words, "--json").json["rows"]}


def test_the_rows_of_a_table_are_listed(run: Run) -> None:
    ran = run("table", "customers")
    assert ran.out.splitlines()[0].split() == ["key", "name", "city", "age"]
    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["c-1", "Ann", "Bern"],
        ["c-2", "Bea", "30"],
    ]
    assert table(run, "customers") == {
        "c-1": {"name": "Ann", "city": "Bern"},
        "c-2": {"name": "Bea", "age": 30},
    }
    assert table(run, "customers", "c-1", "--at", "main~1") == {"c-1": {"name": "Ann", "city": "Basel"}}
    assert list(table(run, "customers", "--where", "age == 30")) == ["c-2"]
    assert list(table(run, "customers", "--sort=-name", "-n", "1")) == ["c-2"]
    assert run("table", "customers", "--count", "-n", "1").err.count("2 in all") == 1


@pytest.mark.parametrize("words", [["customers", "c-9"], ["nothing"], ["customers", "--where", "age == 31"]])
def test_none_is_exit_code_1(run: Run, words: list[str]) -> None:
    ran = run("table", *words)
    assert (ran.code, ran.out) == (1, "")
    said = {"c-9": "no row customers c-9", "nothing": "no table nothing; the tables are customers"}
    assert f"there is {said.get(words[-1], 'no row in customers')}\n" in ran.err


def test_a_table_that_is_not_there_is_told_with_one_that_is_like_it(run: Run) -> None:
    for words in ((), ("--as", "csv"), ("--as", "jsonl")):
        ran = run("table", "customer", "c-1", *words)
        assert (ran.code, ran.err) == (1, "backstory: there is no table customer; did you mean customers?\n")


def test_the_history_of_a_table_that_is_not_there_is_told_in_the_same_words(run: Run) -> None:
    for words, said in (
        (("nothing",), "no table nothing; the tables are customers"),
        (("customers", "c-9"), "no row customers c-9"),
        (("customers", "c-2", "--at", "main~2"), "no row customers c-2 at main~2: its history begins later"),
    ):
        ran = run("table", *words, "--history")
        assert (ran.code, ran.out) == (1, "")
        assert f"there is {said}" in ran.err


def test_without_a_name_the_tables_are_listed_with_the_number_of_their_rows(run: Run) -> None:
    for words in (("orders", "o-1", "--new"), ("orders", "o-2", "--new"), ("orders", "o-2", "--delete")):
        assert run("set", *words).code == 0
    assert [line.split() for line in run("table").out.splitlines()] == [
        ["table", "rows"],
        ["customers", "2"],
        ["orders", "1"],
    ]
    assert run("table", "--json").json["tables"] == [
        {"table": "customers", "rows": 2},
        {"table": "orders", "rows": 1},
    ]
    assert "name it" in run("table", "--where", "age == 30").err


def test_no_tables_are_exit_code_1(run: Run) -> None:
    ran = run("table", "-s", "memory:")
    assert (ran.code, ran.out, ran.err) == (1, "", "backstory: there is no table yet\n")


def test_a_row_that_came_later_is_told_with_the_commit_that_its_history_begins_with(run: Run) -> None:
    ran = run("table", "customers", "c-2", "--at", "main~2")
    first = run("log", "--tag", "customers:c-2", "--json").json["commits"][-1]
    words = f"its history begins later, at #{first['position']}, {first['hash'][:8]}\n"
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith(f"no row customers c-2 at main~2: {words}")
    run("set", "customers", "c-2", "--delete")
    assert "begins later" not in run("table", "customers", "c-2", "--at", "HEAD").err


def test_a_row_is_changed_field_by_field(run: Run) -> None:
    assert run("set", "customers", "c-1", "city=null", 'zip="4001"', "--unset", "name").code == 0
    assert table(run, "customers", "c-1") == {"c-1": {"city": None, "zip": "4001"}}
    same = run("set", "customers", "c-1", "city=null")
    assert (same.code, same.out) == (0, "nothing to change: the row is so already\n")
    assert run("set", "customers", "c-1", "--delete").code == 0
    assert run("table", "customers", "c-1").code == 1


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["c-9", "a=1"], 1, "customers has no row c-9\n--new inserts the row"),
        (["c-9", "--delete"], 1, "customers has no row c-9"),
        (["c-1", "--new"], 1, "customers has a row c-1 already"),
        (["c-1"], 2, "set what?"),
        (["c-1", "city"], 2, "FIELD=VALUE"),
        (["c-1", "--delete", "a=1"], 2, "--delete"),
        (["c-1", "--new", "--unset", "a"], 2, "--new"),
    ],
)
def test_a_write_that_cannot_be_is_refused(run: Run, words: list[str], code: int, why: str) -> None:
    ran = run("set", "customers", *words)
    assert ran.code == code
    assert why in ran.err


def test_a_unique_value_is_of_one_row(run: Run) -> None:
    assert run("set", "customers", "c-1", "email=a@x", "--unique", "email").code == 0
    ran = run("set", "customers", "c-2", "email=a@x", "--unique", "email")
    assert ran.code == 1
    assert "c-1 has this email already" in ran.err


def test_the_verbs_that_ask_history_take_a_row_without_an_application(run: Run) -> None:
    blamed = run("blame", "customers", "c-1")
    assert [line for line in blamed.out.splitlines() if "city" in line and "ann" in line]
    assert "Basel" in run("diff", "main~1", "main", "customers", "c-1").out
    ran = run("diff", "main~3", "main", "--all", "customers")
    assert ("Bern" in ran.out, "2 rows differ" in ran.err) == (True, True)
    assert run("bisect", "customers", "c-1", "--where", "city == 'Bern'").code == 0
    assert "Ann" in run("state", "customers", "c-1").out
    assert "moved" in run("log", "-S", "row.city=Bern", "--of", "customers", "c-1").out
    assert "c-2" in run("find", "customers", "--where", "age == 30").out


def test_a_write_is_reverted_without_an_application(run: Run) -> None:
    assert run("revert", "HEAD").code == 0
    assert table(run, "customers", "c-1") == {"c-1": {"name": "Ann", "city": "Basel"}}
    again = run("revert", "HEAD~1")
    assert again.code == 1
    assert again.err == "backstory: #9 was already undone by #10; there is nothing to revert\n"


def test_branches_are_merged_field_by_field_without_an_application(run: Run) -> None:
    run("switch", "-c", "plan")
    run("set", "customers", "c-1", "name=Anna")
    run("set", "customers", "c-2", "age=31")
    run("switch", "main")
    run("set", "customers", "c-1", "city=Chur")
    assert run("merge", "plan").code == 0
    assert table(run, "customers", "c-1") == {"c-1": {"name": "Anna", "city": "Chur"}}
    run("switch", "plan")
    run("set", "customers", "c-1", "city=Genf")
    run("switch", "main")
    ran = run("merge", "plan")
    assert ran.code == 1
    assert 'city is "Chur"' in ran.out + ran.err


def test_a_write_without_a_message_says_which_fields_of_which_row_and_no_values(run: Run) -> None:
    run("set", "customers", "c-1", "city=Chur", "--unset", "name")
    run("set", "customers", "c-1", "--delete")
    lines = [line.split(maxsplit=2)[2] for line in run("log", "--oneline", "-n", "5").out.splitlines()]
    assert lines == [
        "customers c-1: deleted",
        "customers c-1: city, name",
        "moved",
        "customers c-2: new",
        "customers c-1: new",
    ]


@pytest.mark.usefixtures("application")
def test_an_application_beside_the_table_locks_checks_and_imports_its_own_events(
    run: Run, bank: Path
) -> None:
    assert run("schema", "lock").code == 0
    assert run("schema", "check", "--sample", "10").code == 0
    (bank.parent / "history.jsonl").write_text(run("export").out, encoding="utf-8")
    assert run("-s", "copy.db", "import", "jsonl", "history.jsonl").code == 0
    assert run("-s", "copy.db", "table", "customers", "--json").out == run("table", "customers", "--json").out
    assert run("blame", "customers", "c-1").code == 0
    assert run("state", "Account", "a-7").code == 0


def test_a_name_that_is_no_table_is_told_where_the_tables_are(run: Run) -> None:
    ran = run("blame", "custmers", "c-1")
    assert ran.code == 2
    assert "there is no table custmers, and no application is named that may have a state custmers" in ran.err
    assert "backstory table" in ran.err


def test_a_row_that_is_left_out_because_of_withheld_data_is_named(run: Run, bank: Path) -> None:
    run("set", "guests", "c-1", "--new", "city=Basel")
    run("set", "guests", "c-2", "--new", "city=Bern")
    run("withhold", "HEAD~1", "data", "command", "--yes", "-m", "asked for")
    for verb in ("table", "find"):
        ran = run(verb, "guests")
        assert "rows are left out, because data of their events are withheld: c-1" in ran.err
        assert "Bern" in ran.out
        assert run(verb, "guests", "--json").json["withheld"] == ["c-1"]
    assert "known by later events: nothing" in run("table", "guests", "c-1").err


def test_the_history_of_rows_is_printed_for_auditors(run: Run) -> None:
    run("set", "customers", "c-1", "--delete", "--author", "cy")
    [header, *lines] = csv.reader(
        run("table", "customers", "c-1", "--history", "--as", "csv").out.splitlines()
    )
    assert header == [
        "position", "authored", "time", "author", "message", "commit", "key", "change", "field", "before", "after",
    ]  # fmt: skip
    told = [{**dict(zip(header, line, strict=True))} for line in lines]
    assert [[each[name] for name in ("key", "change", "field", "before", "after")] for each in told] == [
        ["c-1", "inserted", "name", "", "Ann"],
        ["c-1", "inserted", "city", "", "Basel"],
        ["c-1", "changed", "city", "Basel", "Bern"],
        ["c-1", "deleted", "name", "Ann", ""],
        ["c-1", "deleted", "city", "Bern", ""],
    ]
    assert (told[2]["author"], told[2]["message"]) == ("ann", "moved")
    every = run("table", "customers", "--history", "--json").json["changes"]
    assert [each["key"] for each in every] == ["c-1", "c-1", "c-2", "c-2", "c-1", "c-1", "c-1"]
    assert (every[3]["after"], "before" in every[3]) == (30, False)
    assert (
        len(run("table", "customers", "--history", "--as", "jsonl", "--at", "main~1").out.splitlines()) == 5
    )
    shown = run("table", "customers", "c-1", "--history").out.splitlines()
    assert shown[0].split() == [
        "commit",
        "time",
        "author",
        "key",
        "change",
        "field",
        "before",
        "after",
        "message",
    ]
    assert shown[3].split()[-7:] == ["ann", "c-1", "changed", "city", "Basel", "Bern", "moved"]
    assert run("table", "customers", "c-9", "--history").code == 1
    assert run("table", "customers", "--history", "-n", "3").code == 2


def test_the_history_of_a_time_is_printed_with_the_values_from_before_it(run: Run) -> None:
    since = run("log", "--json").json["commits"][0]["time"]
    words = ("table", "customers", "--history")
    [moved] = run(*words, "--since", since, "--json").json["changes"]
    assert (moved["before"], moved["after"]) == ("Basel", "Bern")
    assert len(run(*words, "--until", since, "--json").json["changes"]) == 5
    assert run(*words, "--since", "2001-01-01", "--until", "2001-02-01").err == (
        "backstory: nothing happened to customers in this time\n"
    )
    assert "are for --history" in run("table", "customers", "--since", since).err


def test_a_test_of_a_row_is_refused_and_no_application_is_asked_for(run: Run) -> None:
    ran = run("spec", "customers", "c-1")
    assert (ran.code, ran.out) == (2, "")
    assert "it is a write of rows" in ran.err


def test_a_column_alone_names_the_field_of_a_row_in_every_verb(run: Run) -> None:
    of_row = run("why", "customers", "c-1", "row.city", "--json").json
    assert run("why", "customers", "c-1", "city", "--json").json == of_row
    assert "did you mean city?" in run("why", "customers", "c-1", "cty").err
    for path in ("city=Bern", "row.city=Bern"):
        for whose in (["customers", "c-1"], ["customers"]):
            listed = run("log", "-S", path, "--of", *whose, "--json").json["commits"]
            assert [each["message"] for each in listed] == ["moved"]
    assert len(run("log", "-S", "key=c-2", "--of", "customers", "c-2", "--json").json["commits"]) == 1


def test_a_forgotten_field_is_what_is_asked_for(run: Run) -> None:
    ran = run("why", "customers", "c-1")
    assert ran.code == 2
    assert "which field of customers c-1? It stands last; backstory blame customers c-1" in ran.err
    assert "needs the identity KEY" in run("why", "customers", "c-1", "c-2", "city").err


def test_the_log_of_a_row_is_named_where_it_is_asked_for_by_two_words(run: Run) -> None:
    ran = run("log", "customers", "c-1")
    assert ran.code == 2
    assert "--tag KEY:VALUE" in ran.err
    assert "--tag" not in run("log", "--nope").err.splitlines()[0]


def test_the_changes_of_a_row_by_its_tag_are_those_of_the_row(run: Run) -> None:
    ran = run("log", "-p", "--tag", "customers:c-1")
    assert '    customers c-1\n      ~ row.city: "Basel" -> "Bern"\n' in ran.out
    assert "+ set" not in ran.out
    [last, first] = run("log", "-p", "--tag", "customers:c-1", "--json").json["commits"]
    assert [each["state"] for each in (*last["changes"], *first["changes"])] == ["customers"] * 2


def test_a_commit_of_many_rows_is_told_in_a_few_lines(run: Run, bank: Path) -> None:
    with connect(bank) as db:
        many = db.table("many", unique=["no"])
        many.upsert_many((str(key), {"no": key, "status": "NEW"}) for key in range(40))
        many.upsert_many((str(key), {"no": key, "status": "PAID"}) for key in range(40))
    why = run("why", "many", "17", "status").out
    assert "    and 35 more parts\n" in why
    assert "more characters\n" in why
    assert max(map(len, why.splitlines())) < 500
    assert why.index("it had read many 17\n") < why.index("it had read many 0\n")
    assert len(run("why", "many", "17", "status", "--json").json["decided_on"]["clauses"]) == 20
    [condition] = [line for line in run("show").out.splitlines() if line.startswith("Condition: ")]
    assert condition.count("about many:") == 5
    assert ", and 35 more after #" in condition
