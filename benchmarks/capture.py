"""What does capture cost a flush of SQLAlchemy: 100 objects that are new, or the same 100 changed, with the commit?

Two sessions take turns, one on tables that are captured and one on tables that are not, on the same server or in two
files beside each other. The figure is the median of their ratios. An author is said in each transaction. Nobody drains.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from statistics import median
from time import perf_counter

from sqlalchemy import Engine, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from backstory import connect
from backstory.contrib.sqlalchemy import record
from benchmarks import postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


class Base(DeclarativeBase):
    """The models."""


class Article(Base):
    """A row as applications have them."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str]
    author: Mapped[str | None]
    views: Mapped[int] = mapped_column(default=0)
    rating: Mapped[float | None]
    is_public: Mapped[bool] = mapped_column(default=False)


Engines = tuple[Engine, Engine]


@contextmanager
def sqlite(run: Run) -> Iterator[Engines]:
    """Two files."""
    engines = tuple(create_engine(f"sqlite:///{run.folder / name}") for name in ("plain.db", "captured.db"))
    yield engines[0], engines[1]
    for engine in engines:
        engine.dispose()


@contextmanager
def on_postgres(run: Run) -> Iterator[Engines]:
    """Two schemas of a server."""
    with postgres.server(run.folder) as server:
        address = (
            server.address().partition("&schema")[0].replace("postgresql://", "postgresql+psycopg://", 1)
        )
        with server.admin() as admin:
            admin.execute("CREATE SCHEMA plain")
            admin.execute("CREATE SCHEMA captured")
        engines = [
            create_engine(f"{address}&options=-c%20search_path%3D{name}") for name in ("plain", "captured")
        ]
        yield engines[0], engines[1]
        for engine in engines:
            engine.dispose()


def flush(session: Session, rows: int, *, changes: bool) -> float:
    """Seconds for a flush with its commit."""
    objects = [
        Article(title=f"title {n}", body="some text " * 20, author="Ann", views=n, rating=n / 7)
        for n in range(rows)
    ]
    session.add_all(objects)
    if changes:
        session.commit()
        for one in objects:
            one.title, one.views = "changed", one.views + 1
    begun = perf_counter()
    session.commit()
    taken = perf_counter() - begun
    session.expunge_all()
    return taken


def ratio(run: Run, place: Callable[[Run], AbstractContextManager[Engines]], *, changes: bool) -> float:
    """How many times as long a flush takes on tables that are captured."""
    rows, found = run.sizes["rows"], []
    with place(run) as (plain, captured), connect(run.folder / "history.db") as db:
        for engine in (plain, captured):
            Base.metadata.create_all(engine)
        recording = record(Base, engine=captured, history=db).begin()
        with (
            Session(plain, expire_on_commit=False) as without,
            Session(captured, expire_on_commit=False) as within,
            db.context(author="ann"),
        ):
            for _ in range(run.sizes["flushes"]):
                alone = flush(without, rows, changes=changes)
                found.append(flush(within, rows, changes=changes) / alone)
        assert recording.drain().rows == run.sizes["flushes"] * rows * (2 if changes else 1)
    return median(found)


PLACES = {"SQLite": sqlite, "PostgreSQL": on_postgres}
NAMES = [f"{name}, {kind}" for name in PLACES for kind in ("new", "changed")]

QUESTION = Question(
    "capture",
    "a flush of 100 objects with its commit, captured",
    "x",
    [
        Contestant(f"{name}, {kind}", partial(ratio, place=place, changes=kind == "changed"))
        for name, place in PLACES.items()
        for kind in ("new", "changed")
    ],
    [Goal(name, at_most=1.5) for name in NAMES],
    {"flushes": 100, "rows": 100},
    {"flushes": 2, "rows": 5},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
