"""A depot with parcels and shelves, and its application: what the tests of endpoints ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import APIKeyHeader

from backstory import Author, Database, Event, Materialized, NewId, Personal, Refused, State, Tag, command
from backstory.aio import AsyncDatabase
from backstory.contrib.fastapi import Backstory, Router, live


class Arrived(Event, name="depot.arrived"):
    parcel: Tag[str]
    grams: int
    sender: Personal[str]
    due: date | None


class Moved(Event, name="depot.moved"):
    parcel: Tag[str]
    shelf: Tag[str]


class Labelled(Event, name="depot.labelled"):
    parcel: Tag[str]
    labels: list[str]


class Counted(Event, name="depot.counted"):
    row: Tag[int]
    place: Tag[str]
    number: int


class Parcel(State):
    """A parcel, wherever it is."""

    parcel: Tag[str]
    grams: int = 0
    sender: Personal[str] = ""
    due: date | None = None
    shelf: str = ""
    labels: list[str] = []

    def apply(self, event: Arrived | Moved | Labelled) -> None:
        match event:
            case Arrived(grams=grams, sender=sender, due=due):
                self.grams, self.sender, self.due = grams, sender, due
            case Moved(shelf=shelf):
                self.shelf = shelf
            case Labelled(labels=labels):
                self.labels = labels


class Shelf(State):
    """What is on a shelf."""

    shelf: Tag[str]
    parcels: list[str] = []

    def apply(self, event: Moved) -> None:
        self.parcels.append(event.parcel)


class Count(State):
    """A count, which two words identify."""

    row: Tag[int]
    place: Tag[str]
    number: int = 0

    def apply(self, event: Counted) -> None:
        self.number = event.number


class Size(msgspec.Struct):
    """A part of an argument."""

    grams: Annotated[int, msgspec.Meta(ge=1, le=30_000)]
    around: list[Size] = []


@command(name="depot.arrive")
def arrive(parcel: Parcel, size: Size, sender: Personal[str] = "", due: date | None = None) -> Arrived:
    """A parcel arrives."""
    if parcel.grams:
        raise Refused(
            "this parcel is here already", code="here", parcel=parcel, weighs=parcel.grams, others=[parcel]
        )
    if size.around:
        raise Refused(f"a parcel in a parcel: {sender}", code="nested")
    return Arrived(parcel.parcel, size.grams, sender, due)


@command(name="depot.move")
def move(parcel: Parcel, shelf: Shelf) -> Moved:
    if not parcel.grams:
        raise Refused("this parcel is not here", code="gone")
    if len(shelf.parcels) >= 3:
        raise Refused("the shelf is full")
    return Moved(parcel.parcel, shelf.shelf)


@command(name="depot.label")
def label(parcel: Parcel, labels: list[str]) -> Iterator[Labelled]:
    if labels != parcel.labels:
        yield Labelled(parcel.parcel, labels)


@command(name="depot.count")
def count(count: Count, number: int) -> Counted:
    return Counted(count.row, count.place, number)


@command(name="depot.note")
def note(words: str, by: Author, id: NewId) -> Labelled:
    return Labelled(id, [words, by])


key = APIKeyHeader(name="key", auto_error=False)


async def signed_in(given: Annotated[str | None, Depends(key)]) -> str | None:
    """The person with a key."""
    if given == "wrong":
        raise HTTPException(401, headers={"www-authenticate": "key"})
    return given


def application(address: str, **options: Any) -> FastAPI:
    """The depot's application on a store."""
    tables = [Materialized(Parcel, index=["grams"]), Materialized(Count)]
    refusals = {"gone": 404, "nested": 422}
    history = Backstory(address, author=signed_in, refusals=refusals, inline=tables, **options)

    router = Router(history, prefix="/parcels", tags=["parcels"])
    router.command("/{parcel}", arrive, status_code=201)
    router.state("/{parcel}", Parcel)
    router.command("/{parcel}/labels", label, method="PUT")
    router.command("/{parcel}/moves", move)
    router.live("/{parcel}/live", Parcel)
    router.find("", Parcel, within="grams > 0", order="-grams", most=5)

    counts = Router(history)
    counts.command("/counts/{row}/{place}", count, method="PUT", summary="Count it", deprecated=True)
    counts.state("/counts/{row}/{place}", Count)
    counts.command("/notes", note)
    counts.command("/shelves/{shelf}/parcels/{parcel}", move, name="onto the shelf")
    counts.state("/shelves/{shelf}", Shelf)
    counts.find("/counts", Count, fields=["row"], most=2)

    ours: Any = Depends(history)
    ours_sync: Any = Depends(history.sync)
    app = FastAPI()
    history.install(app)
    app.include_router(router)
    app.include_router(counts, prefix="/v1")

    @app.get("/commits")
    async def commits(db: AsyncDatabase = ours) -> list[dict[str, Any]]:
        return [
            {"author": commit.author, "id": commit.id, **commit.metadata} async for commit in db.commits()
        ]

    @app.post("/plainly/{parcel}")
    def plainly(parcel: str, db: Database = ours_sync) -> str:
        commit = db.execute(label(Parcel(parcel), ["plain"]))
        return "" if commit is None else commit.author

    @app.post("/awaited/{parcel}")
    async def awaited(parcel: str, db: AsyncDatabase = ours) -> str:
        commit = await db.execute(label(Parcel(parcel), ["awaited"]))
        return "" if commit is None else commit.author

    @app.get("/live")
    async def everything(request: Request, db: AsyncDatabase = ours) -> Any:
        return live(request, db, Labelled | Moved)

    app.state.history = history
    return app
