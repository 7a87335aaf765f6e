"""The stock list: what there is of each article, and for how much."""

from __future__ import annotations

from typing import NamedTuple

from backstory import Projection, Tx
from examples.shop.events import PutInCart, Stocked

LIST = "SELECT article, number, cents FROM stock ORDER BY article LIMIT 100"


class Stock(Projection):
    tables = "CREATE TABLE stock (article TEXT PRIMARY KEY, number BIGINT NOT NULL, cents BIGINT NOT NULL)"

    def apply(self, event: Stocked | PutInCart, tx: Tx) -> None:
        match event:
            case Stocked(article=article, number=number, cents=cents):
                sql = (
                    "INSERT INTO stock VALUES (?, ?, ?) ON CONFLICT (article)"
                    " DO UPDATE SET number = stock.number + ?, cents = ?"
                )
                tx.execute(sql, (article, number, cents, number, cents))
            case PutInCart(article=article):
                tx.execute("UPDATE stock SET number = number - 1 WHERE article = ?", (article,))


class Line(NamedTuple):
    article: str
    number: int
    cents: int
