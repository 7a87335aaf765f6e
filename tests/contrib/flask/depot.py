"""The depot of the tests for FastAPI as an application of Flask, and a client of it that has the same methods."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
from flask import Blueprint, Flask, Response, abort, request
from werkzeug.test import run_wsgi_app

from backstory import Materialized
from backstory.contrib.flask import Backstory
from tests.contrib.fastapi.depot import (
    Count,
    Labelled,
    Moved,
    Parcel,
    Shelf,
    arrive,
    count,
    label,
    move,
    note,
)

URL = "http://depot"

PARCELS = Materialized(Parcel, index=["grams"])


def signed_in() -> str | None:
    """The person with a key."""
    if request.headers.get("key") == "wrong":
        abort(401)
    return request.headers.get("key")


def depot(address: str | None, **options: Any) -> Backstory:
    """The history of a depot, whose parcels may be found."""
    refusals = {"gone": 404, "nested": 422}
    return Backstory(
        address, author=signed_in, refusals=refusals, inline=[PARCELS, Materialized(Count)], **options
    )


def application(history: Backstory) -> Flask:
    """The depot's application, with the routes that it has under FastAPI."""
    parcels = Blueprint("parcels", __name__, url_prefix="/parcels")
    parcels.post("/<parcel>")(history.command(arrive, status=201))
    parcels.get("/<parcel>")(history.state(Parcel))
    parcels.put("/<parcel>/labels")(history.command(label))
    parcels.post("/<parcel>/moves")(history.command(move))
    parcels.get("/<parcel>/live")(history.live(Parcel))
    parcels.get("")(history.find(Parcel, within="grams > 0", order="-grams", most=5))

    counts = Blueprint("counts", __name__, url_prefix="/v1")
    counts.put("/counts/<row>/<place>")(history.command(count))
    counts.get("/counts/<row>/<place>")(history.state(Count))
    counts.post("/notes")(history.command(note))
    counts.post("/shelves/<shelf>/parcels/<parcel>")(history.command(move))
    counts.get("/shelves/<shelf>")(history.state(Shelf))
    counts.get("/counts")(history.find(Count, fields=["row"], most=2))

    app = Flask("depot")
    history.init_app(app)
    app.register_blueprint(parcels)
    app.register_blueprint(counts)

    @app.get("/commits")
    def commits() -> list[dict[str, Any]]:
        return [{"author": each.author, "id": each.id, **each.metadata} for each in history.db.commits()]

    @app.get("/live")
    def everything() -> Response:
        return history.watch(Labelled | Moved)

    @app.get("/live/heavy")
    def heavy() -> Response:
        asked = "SELECT grams FROM parcel_states WHERE grams > ? ORDER BY grams"
        return history.watch(PARCELS, asked, [100], shown=lambda rows: [grams for (grams,) in rows])

    @app.post("/plainly/<parcel>", endpoint="plainly")
    @app.post("/awaited/<parcel>", endpoint="awaited")
    def labelled(parcel: str) -> str:
        commit = history.db.execute(label(Parcel(parcel), [request.path]))
        return "" if commit is None else commit.author

    return app


class Wsgi(httpx.BaseTransport):
    """Asks an application of WSGI without a server, with whatever bytes a client sends."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer."""
        path, _, query = request.url.raw_path.partition(b"?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method, "SERVER_NAME": "depot", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query.decode("latin-1"),
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(request.read()),
            "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }  # fmt: skip
        for name, value in request.headers.raw:
            key = name.decode("latin-1").upper().replace("-", "_")
            known = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[known] = value.decode("latin-1")
        content, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        return httpx.Response(int(status[:3]), headers=list(headers), content=b"".join(content))


def client_of(app: Flask) -> httpx.Client:
    """A client of an application."""
    return httpx.Client(transport=Wsgi(app), base_url=URL)
