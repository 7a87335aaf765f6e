"""The shop's pages, without a browser and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from examples.shop.web import site


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    shop = site(str(tmp_path / "shop.db"))
    with TestClient(shop, client=("127.0.0.1", 1)) as client:
        yield client


def test_an_article_is_put_in_a_cart_and_the_last_one_is_sold_once(client: TestClient) -> None:
    assert "is empty" in client.get("/carts/ann").text
    assert "1 pot" in client.post("/carts/ann/put", data={"article": "pot"}).text
    late = client.post("/carts/bob/put", data={"article": "pot"})
    assert (late.status_code, "sold out" in late.text) == (409, True)


def test_a_cart_becomes_an_order_which_is_paid(client: TestClient) -> None:
    client.post("/carts/ann/put", data={"article": "tea"})
    cart = client.post("/carts/ann/order", data={"email": "ann@example.com"})
    assert 'href="/orders/ann-1"' in cart.text
    assert client.post("/carts/ann/put", data={"article": "tea"}).status_code == 409
    assert "4.50 €, <strong>open" in client.get("/orders/ann-1").text
    assert client.post("/orders/ann-1/pay", data={"card": "visa"}).status_code == 200


def test_a_name_is_only_ever_a_name(client: TestClient) -> None:
    page = client.get("/carts/<b>'+alert(1)+'").text
    assert "<b>'" not in page
    assert "@get('/carts/%3Cb%3E%27%2Balert%281%29%2B%27/live'" in page


def test_the_history_is_shown_at_the_server_only(client: TestClient, tmp_path: Path) -> None:
    assert "article.stocked" in client.get("/history/log").text
    with TestClient(site(str(tmp_path / "other.db")), client=("10.0.0.1", 1)) as stranger:
        assert stranger.get("/history/log").status_code == 403
