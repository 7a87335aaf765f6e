"""The page of the event model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import html5lib
import jsonschema
import pytest

from backstory import Database, connect
from backstory.application import load
from backstory.model.document import json_schema
from backstory.model.observed import PREFIX
from backstory.scope import Scope
from backstory.web import Reader
from tests.model.conftest import Modelled, modelled
from tests.model.test_exports import HOSTILE
from tests.model.test_row_tables import SHED
from tests.web.conftest import Site
from tests.web.story import READERS, db, told

__all__ = ["db", "modelled", "told"]

ROOT = Path(__file__).parents[2]
APP = load("examples.refunds", ROOT)
MIA = READERS["does all"]


def parsed(text: str) -> Any:
    """A page, by a parser that forgives nothing."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def words(node: Any) -> str:
    """The text of an element."""
    return " ".join("".join(node.itertext()).split())


def test_the_page_draws_the_model_and_says_the_same_in_a_table(db: Database, site: Site) -> None:
    page = parsed(site(db, APP, reader=MIA).get("/model").text)
    drawn = {node.get("href") for node in page.iter("{http://www.w3.org/2000/svg}a")}
    ids = {node.get("id") for node in page.iter() if node.get("id")}
    assert {
        "#command:retry_refund",
        "#event:RefundIssued",
        "#state:Order",
        "#reaction:tell_customer",
    } <= drawn
    assert {link.removeprefix("#") for link in drawn} <= ids
    [row] = [node for node in page.iter("tr") if node.get("id") == "slice:command:retry_refund"]
    assert [words(cell) for cell in row][:5] == [
        "retry refund", "state change", "retry_refund", "Payment, RefundRequest", "RefundIssued",
    ]  # fmt: skip


def test_a_command_that_changes_what_it_does_not_read_is_named_above_the_drawing(
    db: Database, site: Site
) -> None:
    page = parsed(site(db, APP, reader=MIA).get("/model").text)
    notes = [words(node) for node in page.iter("div") if "note" in (node.get("class") or "").split()]
    assert [note for note in notes if note.startswith("retry_refund changes Order, but does not read it.")]


def test_the_document_is_that_of_the_command_line(tmp_path: Path, site: Site) -> None:
    store = str(tmp_path / "refunds.db")
    with connect(store) as db:
        from examples.refunds.events import CreditGranted

        db.append(CreditGranted("ann", 5))
        found = site(db, APP, reader=MIA).get("/model", headers={"accept": "application/json"}).json()
        line = [
            sys.executable,
            "-m",
            "backstory",
            "-s",
            store,
            "model",
            "--app",
            "examples.refunds",
            "--json",
        ]
        line += ["--scenarios", str(tmp_path / "none.json")]
        (tmp_path / "none.json").write_text('{"files": {}, "scenarios": []}', encoding="utf-8")
        done = subprocess.run(line, cwd=ROOT, capture_output=True, check=True)
    same = json.loads(done.stdout)
    assert (found.pop("scenarios"), same.pop("scenarios")) == (None, [])
    assert found == same
    jsonschema.Draft202012Validator(json_schema()).validate({**found, "scenarios": None})
    assert found["observed"]["types"][0]["type"] == "CreditGranted"


def test_the_store_is_counted_once_and_for_those_alone_who_may_see_all_of_it(
    tmp_path: Path, site: Site
) -> None:
    with connect(str(tmp_path / "refunds.db")) as db:
        from examples.refunds.events import CreditGranted

        for _ in range(3):
            db.append(CreditGranted("ann", 5))
        narrow = Reader("eve", frozenset({"read"}), Scope(tags=("account:bob",)))
        for reader, asked, counted in ((narrow, "", False), (MIA, "?at=%231", False), (MIA, "", True)):
            page = site(db, APP, reader=reader).get(f"/model{asked}")
            assert ("counted from the store" in page.text) is counted
            assert (db.store.caches.get(f"{PREFIX}main") is not None) is counted


def test_without_an_application_it_says_what_to_do(db: Database, site: Site) -> None:
    page = site(db, None, reader=MIA).get("/model")
    assert page.status_code == 200
    assert "No application is known here" in page.text
    assert site(db, APP, reader=MIA).get("/model/more").status_code == 404


def test_names_are_only_ever_text(modelled: Modelled, tmp_path: Path, site: Site) -> None:
    model = modelled(HOSTILE)
    app = load(model.app, tmp_path)
    with connect() as db:
        text = site(db, app, reader=MIA).get("/model").text
    page = parsed(text)
    assert [node.get("src") for node in page.iter("script")] == ["/static/backstory.js" + _version(page)]
    assert "<img src=x" not in text
    assert "\x1b" not in text
    assert "javascript:" not in {node.get("href") for node in page.iter()}


def test_tables_of_rows_stand_in_the_drawing_and_in_the_tables(
    modelled: Modelled, tmp_path: Path, site: Site
) -> None:
    app = load(modelled(SHED).app, tmp_path)
    with connect() as db:
        db.table("tools").insert("t-1", {"n": 1})
        page = parsed(site(db, app, reader=MIA).get("/model").text)
    boxes = {node.get("href") for node in page.iter("{http://www.w3.org/2000/svg}a")}
    assert {"#table:crates", "#table:tools", "#event:tools.RowInserted"} <= boxes
    rows = {node.get("id"): words(node) for node in page.iter("tr")}
    assert rows["slice:table:tools"].startswith("toolstable of rowstoolstoolstools.RowInserted")
    assert "1 tools.RowInserted, last #1" in rows["table:tools"]
    assert "now ago" not in rows["table:tools"]
    assert "Rows of the class SpareBulb, by sku; no two have the same label." in rows["table:spare_bulb"]


def _version(page: Any) -> str:
    source = next(node.get("src") for node in page.iter("script"))
    return str(source).removeprefix("/static/backstory.js")


@pytest.mark.parametrize("at", ["refund-cap", "%23170"])
def test_it_is_there_on_each_branch_and_at_each_point(db: Database, site: Site, at: str) -> None:
    assert site(db, APP, reader=MIA).get(f"/model?at={at}").status_code == 200
