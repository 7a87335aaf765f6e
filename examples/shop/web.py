"""The shop's pages: a cart, an order and the stock list, live in all browsers that look at them.

    DATASTAR=https://... SHOP=shop.db uvicorn --timeout-graceful-shutdown 1 --factory examples.shop.web:site

`DATASTAR` is the address of Datastar's script. Without it the pages are as of when they were loaded, and work. Nobody
is asked who they are here: a cart belongs to whoever knows its name, and the history to who sits at the server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.config import Config
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from backstory import Command, Refused, aio
from backstory.application import load
from backstory.web import Reader, app
from backstory.web.live import Part, live, together
from examples.shop.cart import Article, Cart, check_out, put, stock
from examples.shop.mails import mail
from examples.shop.open_orders import OpenOrders
from examples.shop.order import Order, pay
from examples.shop.payments import charge
from examples.shop.reminders import Unpaid
from examples.shop.stock import LIST, Line, Stock

HERE = Path(__file__).parent
ARTICLES = {"tea": (12, 450), "cup": (3, 900), "pot": (1, 2_900)}

html = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
html.filters["euros"] = lambda cents: f"{cents / 100:.2f} €"


def site(store: str = "", datastar: str = "") -> Starlette:
    """The pages of a store, with the history browser below `/history`."""
    settings = Config()
    store = store or settings("SHOP", default="shop.db")
    html.globals["datastar"] = datastar or settings("DATASTAR", default="")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with aio.connect(store) as db:
            await fill(db)
            history = app(db.db, load("examples.shop", HERE.parents[1]), actor=staff, name="shop")
            shop.router.routes.append(Mount("/history", history))
            async with db.run(Stock, OpenOrders, charge, mail, Unpaid):
                yield {"db": db}
            await history.close()

    routes = [
        Route("/", lambda request: RedirectResponse("/carts/ann")),  # noqa: ARG005
        Route("/carts/{name}", cart_page),
        Route("/carts/{name}/live", cart_live),
        Route("/carts/{name}/put", do(put_in_cart), methods=["POST"]),
        Route("/carts/{name}/order", do(order_cart), methods=["POST"]),
        Route("/orders/{name}", order_page),
        Route("/orders/{name}/live", order_live),
        Route("/orders/{name}/pay", do(pay_order), methods=["POST"]),
    ]
    shop = Starlette(routes=routes, lifespan=lifespan)
    return shop


def staff(request: Request) -> Reader | None:
    """A real shop asks its session here."""
    at_server = request.client is not None and request.client.host in ("127.0.0.1", "::1")
    return Reader("staff", frozenset({"read"})) if at_server else None


async def fill(db: aio.AsyncDatabase) -> None:
    for name, (number, cents) in ARTICLES.items():
        if not (await db.load(Article(name))).cents:
            await db.execute(stock(Article(name), number=number, cents=cents))


# ---- what is seen: each element is made by one template, for the page and for its changes


def made(template: str, **known: Any) -> Callable[[Any], str]:
    return lambda value: html.get_template(template).render(value=value, **known)


def page(request: Request, *elements: str) -> Response:
    found = html.get_template("page.html").render(path=request.url.path, elements=elements)
    return HTMLResponse(found)


async def cart_page(request: Request) -> Response:
    db, name = request.state.db, request.path_params["name"]
    cart, lines = await db.load(Cart(name)), await db.rows(Stock, LIST, into=Line)
    return page(request, made("cart.html")(cart), made("stock.html", name=name)(lines))


async def cart_live(request: Request) -> Response:
    name = request.path_params["name"]
    cart = Part(Cart(name), made("cart.html"))
    return together(
        request, request.state.db, cart, Part(Stock, made("stock.html", name=name), LIST, into=Line)
    )


async def order_page(request: Request) -> Response:
    order = await request.state.db.load(Order(request.path_params["name"]))
    return page(request, made("order.html")(order))


async def order_live(request: Request) -> Response:
    return live(request, request.state.db, Order(request.path_params["name"]), made("order.html"))


# ---- what is done


def do(command_of: Callable[[str, dict[str, str]], Command]) -> Callable[[Request], Any]:
    """Execute the command that a form means. The pages that show what it changes hear of it by themselves."""

    async def endpoint(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            command = command_of(request.path_params["name"], form)
            await request.state.db.execute(command, author=request.path_params["name"])
        except Refused as refused:
            return HTMLResponse(made("refused.html")(refused.reason), 409)
        if "datastar-request" in request.headers:
            return Response(status_code=204)
        return RedirectResponse(request.url.path.rpartition("/")[0], 303)

    return endpoint


def put_in_cart(name: str, form: dict[str, str]) -> Command:
    return put(Cart(name), Article(form["article"]))


def order_cart(name: str, form: dict[str, str]) -> Command:
    return check_out(Cart(name), Order(f"{name}-1"), email=form["email"])


def pay_order(name: str, form: dict[str, str]) -> Command:
    return pay(Order(name), card=form["card"])
