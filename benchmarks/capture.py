"""What does capture cost a flush of SQLAlchemy: 100 objects that are new, and the same 100 changed, with the commit?

`plain` is the same session without a recording. An author is said in each transaction. Nobody drains meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import perf_counter

from sqlalchemy import Engine, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from backstory import connect
from backstory.contrib.sqlalchemy import Recording, record
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


@contextmanager
def sqlite(run: Run) -> Iterator[Engine]:
    """A file."""
    engine = create_engine(f"sqlite:///{run.folder / 'app.db'}")
    yield engine
    engine.dispose()


@contextmanager
def on_postgres(run: Run) -> Iterator[Engine]:
    """A server of its own."""
    with postgres.server(run.folder) as server:
        address = (
            server.address().partition("&schema")[0].replace("postgresql://", "postgresql+psycopg://", 1)
        )
        engine = create_engine(address)
        yield engine
        engine.dispose()


def flush(
    run: Run, place: Callable[[Run], AbstractContextManager[Engine]], *, captured: bool, changes: bool
) -> float:
    """Milliseconds for each flush with its commit."""
    with place(run) as engine, connect(run.folder / "history.db") as db:
        Base.metadata.create_all(engine)
        recording: Recording | None = record(Base, engine=engine, history=db).begin() if captured else None
        times = []
        with Session(engine, expire_on_commit=False) as session, db.context(author="ann"):
            for turn in range(run.sizes["flushes"]):
                rows = [
                    Article(title=f"title {n}", body="some text " * 20, author="Ann", views=n, rating=n / 7)
                    for n in range(run.sizes["rows"])
                ]
                session.add_all(rows)
                begun = perf_counter()
                if changes:
                    session.commit()
                    for row in rows:
                        row.title, row.views = f"changed {turn}", row.views + 1
                    begun = perf_counter()
                session.commit()
                times.append(perf_counter() - begun)
                session.expunge_all()
        if recording is not None:
            drained = recording.drain().rows
            assert drained == run.sizes["flushes"] * run.sizes["rows"] * (2 if changes else 1)
    return sorted(times)[len(times) // 2] * 1_000


def contestants() -> Iterator[Contestant]:
    """With and without, of each database and each kind of flush."""
    for name, place in (("SQLite", sqlite), ("PostgreSQL", on_postgres)):
        for kind, changes in (("new", False), ("changed", True)):
            for captured in (False, True):
                title = f"{name}, {kind}{', captured' if captured else ''}"
                yield Contestant(title, partial(flush, place=place, captured=captured, changes=changes))


QUESTION = Question(
    "capture",
    "a flush of 100 objects with its commit",
    "ms",
    list(contestants()),
    [
        Goal(f"{name}, {kind}, captured", f"{name}, {kind}", at_most=1.5)
        for name in ("SQLite", "PostgreSQL")
        for kind in ("new", "changed")
    ],
    {"flushes": 60, "rows": 100},
    {"flushes": 2, "rows": 5},
    rounds=5,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
