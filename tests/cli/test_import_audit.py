"""`backstory import audit`: the history tables of a database become rows with a history, and no password is told."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from tests import programs
from tests.cli.conftest import Run

DESCRIBED = (
    "--table",
    "price_log=prices",
    "--key",
    "product",
    "--time",
    "changed_at",
    "--author",
    "changed_by",
)
TAKE = ("-s", "new.db", "import", "audit")


@pytest.fixture
def shop(bank: Path) -> str:
    programs.prices(bank.parent / "shop.db")
    return "shop.db"


def test_a_history_table_comes_in_once_and_answers_without_code(run: Run, shop: str) -> None:
    dry = run(*TAKE, shop, *DESCRIBED, "--dry-run")
    assert dry.out == "would import 3 events in 3 commits; a dry run keeps nothing\n"
    assert not Path("new.db").exists()
    assert run(*TAKE, shop, *DESCRIBED).out == "imported 3 events in 3 commits\n"
    assert run(*TAKE, f"sqlite:///{shop}", *DESCRIBED).out == "nothing new; 3 commits were there already\n"
    blamed = run("-s", "new.db", "blame", "prices", "ink").out
    assert re.search(r"^row\.price +6 +#3 .* 2026-03-02 10:00 +bob ", blamed, re.MULTILINE)
    old = run("-s", "new.db", "table", "prices", "ink", "--at", "@{2026-03-01T12:00Z}", "--json").json
    assert [row["fields"]["price"] for row in old["rows"]] == [5]


def test_what_cannot_be_understood_is_in_the_rejects(run: Run, shop: str) -> None:
    with sqlite3.connect(shop) as connection:
        connection.execute("INSERT INTO price_log VALUES (9, 'cap', 'soon', 'eve', 1)")
    connection.close()
    stopped = run(*TAKE, shop, *DESCRIBED)
    assert stopped.code == 2
    assert "price_log, product cap, n 9: column 'changed_at': 'soon' is not an ISO 8601 time" in stopped.err
    ran = run(*TAKE, shop, *DESCRIBED, "--on-error", "skip", "--json").json
    assert (ran["commits"], ran["known"], ran["skipped"], ran["sources"]) == (0, 3, 1, ["shop.db"])
    [reject] = [json.loads(line) for line in Path(ran["rejects"]).read_text().splitlines()]
    assert (reject["file"], json.loads(reject["raw"])["changed_by"]) == ("price_log, product cap, n 9", "eve")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:geheim@127.0.0.1:1/shop",
        "postgresql://ann@127.0.0.1:1/shop?password=geheim",
        "nosuch://ann:geheim@there/shop",
        "sqlite:////no/such/folder/geheim:geheim@x.db",
    ],
)
def test_a_password_is_never_told(run: Run, bank: Path, url: str) -> None:
    ran = run(*TAKE, url, "--json")
    assert ran.code == 2
    assert not Path("new.db").exists()
    if not url.startswith("sqlite"):
        assert "geheim" not in ran.out + ran.err


def test_change_events_of_debezium_are_read_from_a_file(run: Run, bank: Path) -> None:
    source = {"table": "customers", "ts_ms": 1772000000000, "lsn": 7}
    lines: list[object] = [
        {"op": "c", "before": None, "after": {"id": 1, "city": "Bern"}, "source": source},
        {"op": "d", "before": {"id": 1, "city": "Bern"}, "after": None, "source": source | {"lsn": 8}},
        None,
    ]
    Path("changes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(*TAKE, "changes.jsonl").out == "imported 2 events in 2 commits\n"
    [row] = run("-s", "new.db", "table", "customers", "1", "--at", "#1", "--json").json["rows"]
    assert row == {"key": "1", "fields": {"city": "Bern"}}
