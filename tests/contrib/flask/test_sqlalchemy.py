"""Models of Flask-SQLAlchemy: what a request writes has its author and its id, and no code says so."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import update
from sqlalchemy.orm import Mapped, mapped_column

from backstory.contrib.flask import Backstory
from backstory.contrib.sqlalchemy import acting, record
from tests.contrib.flask.depot import client_of, signed_in


def test_rows_that_a_request_writes_have_its_author_and_its_id(tmp_path: Path) -> None:
    tables: Any = SQLAlchemy()

    class Box(tables.Model):  # type: ignore[misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        place: Mapped[str]

    history = Backstory(tmp_path / "history.db", author=signed_in)
    app = Flask("boxes")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'boxes.db'}"
    tables.init_app(app)
    history.init_app(app)

    @app.post("/<place>")
    def put(place: str) -> str:
        tables.session.add(Box(place=place))
        tables.session.commit()
        return place

    @app.patch("/<place>")
    def move(place: str) -> str:
        with acting(tables.session(), message="moved"):
            tables.session.execute(update(Box).values(place=place))
        tables.session.commit()
        return place

    with app.app_context():
        tables.create_all()
        recording = record(tables.Model, engine=tables.engine, history=history.db).begin()
        tables.session.add(Box(place="by hand"))
        tables.session.commit()
    client = client_of(app)
    client.post("/left", headers={"key": "ann", "x-request-id": "r-1"})
    client.patch("/right", headers={"key": "bob", "x-request-id": "r-2"})
    with app.app_context():
        recording.drain()
        first, *found = history.db.commits()
        assert first.author == getpass.getuser()
        assert [(each.author, each.message, each.metadata["correlation"]) for each in found] == [
            ("ann", "", "r-1"),
            ("bob", "moved", "r-2"),
        ]
        assert [recording.table(Box)[key]["place"] for key in ("1", "2")] == ["right", "right"]
        tables.engine.dispose()
    history.close()
