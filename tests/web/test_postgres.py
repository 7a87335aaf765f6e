"""The pages over PostgreSQL: they answer as over SQLite, and say so while the server is away."""

from __future__ import annotations

from contextlib import closing

from backstory import connect
from tests.patience import until
from tests.postgres.server import HASTY, started
from tests.web.conftest import Site
from tests.web.orders import ORDERS, Noted, Order, Refunded, refund

PAGES = (
    "/log", "/log?patch=1", "/log?at=trial", "/c/1", "/c/3?at=trial", "/e", "/e/Order", "/e/Order/o-1",
    "/e/Order/o-1?at=trial%232", "/e/Order/o-1/blame", "/e/order:o-1", "/diff/trial/main", "/diff/%230/HEAD?kind=Order",
    "/bisect?of=Order&where=refunded_cents>0", "/branches", "/merge/trial/main", "/models", "/search?q=ink",
    "/act/mark",
)  # fmt: skip


def test_pages_answer_and_say_when_the_server_is_away_and_answer_again(site: Site) -> None:
    with closing(started(HASTY)) as server, connect(f"{server.address('pages')}&timeout=0.2") as db:
        db.append(Noted("o-1", "ink"), message="late")
        trial = db.branch("trial")
        trial.append(Refunded("o-1", 5))
        trial.append(Noted("o-1", "on trial"))
        db.execute(refund(Order("o-2"), 5))
        client = site(db, ORDERS)
        assert {page: client.get(page).status_code for page in PAGES} == dict.fromkeys(PAGES, 200)
        server.stop("immediate")
        for page in ("/log", "/log.json"):
            answer = client.get(page)
            assert answer.status_code == 503, page
            assert "does not answer" in answer.text or page == "/log.json"
        assert client.get("/log.json").status_code == 503
        server.start()
        until(lambda: client.get("/log").status_code == 200)
