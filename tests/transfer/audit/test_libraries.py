"""History that other libraries have kept: what their tables say becomes rows with a history, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backstory import Database, connect
from tests.transfer.audit.conftest import Made
from tests.transfer.audit.taking import take, told


@pytest.fixture
def db() -> Iterator[Database]:
    with connect() as db:
        yield db


def test_django_simple_history_says_who_changed_what(db: Database, shop: str) -> None:
    report = take(db, shop)
    assert (report.commits, report.skipped, report.earlier) == (12, 0, 0)
    printer = {
        "name": "Printer",
        "price": "129.9",
        "sold": False,
        "since": "2026-03-02",
        "checked": "2026-03-02T09:15:00",
        "details": {"weight": 7.5, "parts": ["tray", None]},
        "picture": "AAH/",
        "labels": [],
    }
    assert told(db, "shop_product", "1") == [
        ("ann", "RowInserted", printer),
        ("ann", "RowChanged", {"labels": [1, 2]}),
        ("", "RowChanged", {"price": "119"}),
        ("", "RowChanged", {"sold": True, "checked": None}),
        ("", "RowChanged", {}),
        ("", "RowDeleted", printer | {"price": "119", "sold": True, "checked": None, "labels": [1, 2]}),
    ]
    products = db.table("shop_product")
    assert [products[f"{n + 2}"]["name"] for n in range(3)] == [
        f"Cable “{n}”; DROP TABLE\n" for n in range(3)
    ]
    sale = next(each for each in db.commits() if each.message == "spring sale")
    on_sale = products.get("1", at=sale)
    assert on_sale is not None
    assert on_sale["price"] == "119"
    blamed = db.blame(products.row("1"), at=sale)
    price, name = blamed["row.price"], blamed["row.name"]
    assert price is not None
    assert name is not None
    assert price.commit is not None
    assert name.commit is not None
    assert (price.commit.message, name.commit.author) == ("spring sale", "ann")


def test_fields_that_a_history_leaves_out_and_keys_of_text_come_as_they_are(db: Database, shop: str) -> None:
    take(db, shop)
    assert told(db, "shop_customer", "ada@example.org") == [
        ("", "RowInserted", {"city": None}),
        ("", "RowChanged", {"city": "Zürich"}),
        ("", "RowDeleted", {"city": "Zürich"}),
    ]


def test_django_pghistory_gives_contexts_and_what_no_orm_has_seen(db: Database, stock: str) -> None:
    report = take(db, stock)
    assert (report.skipped, report.earlier) == (0, 0)
    item = {"name": "Item 1", "count": 1, "price": "1.10", "details": {"n": [1]}, "until": None}
    assert told(db, "stock_item", "2") == [
        ("ann", "RowInserted", item),
        ("", "RowChanged", {"count": 7}),
        ("", "RowChanged", {"name": "Ü", "until": "infinity"}),
    ]
    assert told(db, "stock_item", "3")[-1][1] == "RowDeleted"
    context = next(iter(db.commits())).metadata["audit"]["context"]
    assert context["why"] == "delivery"
    assert told(db, "stock_shelf", "a/1") == [
        ("ann", "RowInserted", {"room": "cellar"}),
        ("", "RowChanged", {"room": "cellar 2"}),
        ("ann", "RowDeleted", {"room": "cellar 2"}),
    ]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("strategy", ["validity", "subquery"])
def test_sqlalchemy_continuum_gives_a_commit_for_each_row_of_a_transaction(
    db: Database, articles: Made, strategy: str, kind: str
) -> None:
    report = take(db, articles(strategy, kind))
    assert (report.commits, report.skipped) == (8, 0)
    seen = "2026-03-02T09:15:00" if kind == "sqlite" else "2026-03-02T09:15:00Z"
    article = {"name": "Größe", "body": "…", "seen": seen}
    assert told(db, "article", "1") == [
        ("ann", "RowInserted", article),
        ("ann", "RowChanged", {"body": "long"}),
        ("ann", "RowChanged", {"name": None}),
        ("ann", "RowDeleted", {"name": None, "body": "long", "seen": seen}),
    ]
    tags = [each for each in db.commits() if each.metadata["audit"]["transaction"] == 2]
    assert len({each.authored for each in tags}) == 1
    assert told(db, "tag", "1/%a%2Fb")[0][2] == {"article_id": 1, "name": "a/b", "weight": 0.5}
    assert told(db, "tag", "1/a%2Fb")[-1][1] == "RowDeleted"


@pytest.mark.parametrize("source", ["shop", "stock"])
def test_a_second_import_adds_nothing(db: Database, source: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(source)
    first = take(db, url)
    again = take(db, url)
    assert (again.commits, again.known) == (0, first.commits)
