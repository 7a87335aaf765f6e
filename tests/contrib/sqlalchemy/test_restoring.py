"""A revert writes the values that were there, also to columns that are named and kept in other ways."""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Enum,
    Integer,
    Interval,
    PickleType,
    String,
    Table,
    delete,
    null,
    select,
    text,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from backstory import Database
from backstory.contrib.sqlalchemy import record

EARLY = timedelta(seconds=-1.5)
"""PostgreSQL keeps it as a day less and 23 hours more."""


MIXED = {"parts": ("red", 2)}
"""Is kept as bytes, which only Python reads."""


class Base(DeclarativeBase):
    pass


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Paint(Base):
    __tablename__ = "paints"

    id: Mapped[int] = mapped_column(primary_key=True)
    colour: Mapped[Colour] = mapped_column(
        Enum(Colour, values_callable=lambda one: [each.value for each in one])
    )
    facts: Mapped[Any] = mapped_column(JSON, nullable=True)
    notes: Mapped[Any] = mapped_column(JSON, nullable=False)
    early: Mapped[timedelta] = mapped_column(Interval)
    mixed: Mapped[Any] = mapped_column(PickleType, nullable=True)


shelves = Table(
    "shelves",
    Base.metadata,
    Column("the id", Integer, primary_key=True, key="id"),
    Column("its name", String, key="name"),
)


@pytest.mark.parametrize(
    "write",
    [
        update(Paint).values(
            colour=Colour.BLUE, facts={"dry": 1}, notes={"new": True}, early=timedelta(1), mixed=None
        ),
        delete(Paint),
        shelves.update().values(name="down"),
        shelves.delete(),
    ],
    ids=str,
)
def test_columns_with_keys_members_by_value_and_both_nulls(
    engine: Engine, db: Database, home: str, write: Any
) -> None:
    Base.metadata.create_all(engine)
    recording = record(Paint, shelves, engine=engine, history=db, home=home).begin()
    with Session(engine) as session:
        session.add(Paint(id=1, colour=Colour.RED, facts=null(), notes=None, early=EARLY, mixed=MIXED))
        session.execute(shelves.insert().values(id=1, name="up"))
        session.commit()
        session.execute(write)
        session.commit()
        recording.drain()
        assert recording.revert(session, "main") == 1
        session.commit()
        found = session.execute(select(Paint.colour, Paint.early, Paint.mixed)).all()
        assert found == [(Colour.RED, EARLY, MIXED)]
        assert session.execute(text("SELECT facts IS NULL, notes IS NULL FROM paints")).all() == [(1, 0)]
        assert session.execute(shelves.select()).all() == [(1, "up")]
