"""Tables of rows in the model: those that the code names, those that a store has, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import html5lib
import jsonschema
import msgspec
import pytest

from backstory import connect
from backstory.application import load
from backstory.model import Model
from backstory.model.document import document, json_schema
from backstory.model.export.html import html
from backstory.model.export.schemas import asyncapi, json_schemas
from backstory.model.export.svg import svg
from backstory.model.export.text import markdown, mermaid
from backstory.model.observed import observed
from backstory.model.reading import beside
from tests.model.conftest import Modelled
from tests.model.test_exports import official
from tests.model.test_lints import LAMP, TRIED, listed

SHED = (
    LAMP
    + """
from dataclasses import dataclass
from datetime import date

@dataclass
class SpareBulb:
    \"\"\"A bulb that waits.\"\"\"
    sku: str
    watts: int
    bought: date | None = None

@dataclass
class Other:
    colour: str

BOXES = "boxes"

def shelve(db: Database, name: str) -> None:
    db.table(SpareBulb, key="sku").insert(SpareBulb("b-1", 5))
    db.table("spare_bulb", unique=["label"])
    db.table(BOXES, key="box", unique="label")
    db.table(name)
    db.table("no name of a table")
    db.table(Other)
    db.table(SpareBulb, key="sku", name=name)

async def shelve_later(db: AsyncDatabase) -> None:
    await db.table("crates").put("c-1", {"n": 1})
"""
)


def rows(model: Model) -> dict[str, Any]:
    return {one.name: one for one in model.tables}


def test_a_table_that_the_code_names_has_its_class_key_fields_and_line(modelled: Modelled) -> None:
    found = rows(modelled(SHED))
    assert list(found) == ["boxes", "crates", "spare_bulb"]
    bulbs = found["spare_bulb"]
    assert (bulbs.class_name, bulbs.doc, bulbs.key) == ("SpareBulb", "A bulb that waits.", "sku")
    assert [(field.name, field.type, field.required) for field in bulbs.fields] == [
        ("sku", "str", True),
        ("watts", "int", True),
        ("bought", "date | None", False),
    ]
    assert bulbs.unique == ["label"]
    assert bulbs.commands == ["backstory.change", "backstory.change_all"]
    assert bulbs.place.line == found["boxes"].place.line - 2
    assert (found["boxes"].key, found["boxes"].unique, found["boxes"].fields) == ("box", ["label"], [])


def test_the_table_gives_and_reads_its_own_events_so_that_no_rule_finds_fault(modelled: Modelled) -> None:
    model = modelled(SHED, scenarios=TRIED)
    inserted = model.element("event:crates.RowInserted")
    assert (inserted.given_by, inserted.read_by) == (["table:crates"], ["table:crates"])
    assert listed(model) == []


@pytest.mark.parametrize(
    "line",
    [
        "import msgspec as other\ndef f() -> None: other.table('boxes')",
        "class Page: ...\npage = Page()\ndef f() -> None: page.table('boxes')",
        "def f(db: Database) -> None: db.table('boxes', 5)",
        "def f(db: Database) -> None: db.table('boxes', width=5)",
        "def f(db: Database) -> None: db.table()",
    ],
)
def test_a_method_of_that_name_of_another_thing_is_no_table(modelled: Modelled, line: str) -> None:
    assert modelled(LAMP + line).tables == []


def test_rows_that_only_the_store_has_stand_beside_with_their_counts(modelled: Modelled) -> None:
    model = modelled(SHED, scenarios=TRIED)
    with connect() as db:
        db.table("crates").insert("c-1", {"n": 1})
        db.table("tools").upsert_many({f"t-{n}": {"n": n} for n in range(3)}.items())
        db.table("tools").update("t-1", n=5)
        seen = observed(db.log, None, "main")
    whole = beside(model, seen)
    assert list(rows(whole)) == ["boxes", "crates", "spare_bulb", "tools"]
    assert whole.slices[-1].id == "slice:table:tools"
    assert listed(whole) == []
    assert "gave" not in markdown(whole)
    assert "tools.RowChanged by backstory.change, last at #5" in html(whole)
    assert "3 tools.RowInserted by backstory.change_all" in html(whole)


def test_rows_that_a_projection_takes_are_no_finding(modelled: Modelled) -> None:
    more = """
from backstory.projections.materialize import Materialized
from backstory.rows.kinds import kind

shelves = Materialized(kind("shelves").row)
"""
    model = modelled(LAMP + more, scenarios=TRIED)
    assert list(rows(model)) == ["shelves"]
    assert model.element("event:shelves.RowDeleted").read_by == ["projection:shelves_states", "table:shelves"]
    assert listed(model) == []


def test_captured_tables_are_said_to_be_another_database_s(modelled: Modelled) -> None:
    more = """
from backstory.capture import Capture, Captured, Column

class Recording:
    def __init__(self) -> None:
        self.capture = Capture([Captured("orders", ("id",), (Column("town", "city", "json"),), schema="shop")])

class Asks:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)

recording, asks = Recording(), Asks()
"""
    [orders] = modelled(LAMP + more).tables
    assert (orders.captured, orders.key, orders.commands) == ("shop.orders", "id", [])
    assert orders.described == "Rows that shop.orders of another database has, by id."
    assert [field.name for field in orders.fields] == ["city"]


def test_each_form_has_the_tables(modelled: Modelled) -> None:
    model = modelled(SHED, scenarios=TRIED)
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(msgspec.json.encode(document(model))))
    page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html(model))
    ids = {node.get("id") for node in page.iter()}
    assert {"table:crates", "slice:table:crates", "event:crates.RowInserted"} <= ids
    assert {link.removeprefix("#") for node in page.iter() if (link := node.get("href"))} <= ids
    labels = [
        node.text for node in ElementTree.fromstring(svg(model)).iter("{http://www.w3.org/2000/svg}title")
    ]
    assert {"change crates", "crates", "crates.RowInserted"} <= set(labels)
    assert '[("spare_bulb")]:::table' in mermaid(model)
    assert (
        "- `spare_bulb` (sku: str, watts: int, bought: date \\| None): RowInserted, RowChanged, RowDeleted. Rows of the"
        " class SpareBulb, by sku; no two have the same label. A bulb that waits."
    ) in markdown(model)
    assert "`crates.RowInserted`" not in markdown(model)


def test_rows_are_in_the_schemas_for_other_programs(modelled: Modelled, tmp_path: Path) -> None:
    model = modelled(SHED)
    app = load(model.app, tmp_path)
    official().validate(asyncapi(model, app))
    assert asyncapi(model, app)["operations"]["send.crates.RowInserted"]["summary"] == "Given by crates"
    schemas = json_schemas(model, app)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    changed = jsonschema.Draft202012Validator(schemas["spare_bulb.RowChanged.json"])
    assert changed.is_valid({"key": "b-1", "set": {"watts": 5, "a column of tomorrow": 1}})
    assert not changed.is_valid({"key": "b-1", "set": {"watts": "five"}})
    assert jsonschema.Draft202012Validator(schemas["crates.RowChanged.json"]).is_valid(
        {"key": "c", "set": {"n": 1}}
    )
