"""A bulk change is taken back where nobody has changed the same since."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Computed, Engine, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from backstory import Database
from backstory.contrib.sqlalchemy import Recording, record
from backstory.errors import RevertError
from tests.contrib.sqlalchemy.conftest import postgres_url


class Base(DeclarativeBase):
    pass


class Ware(Base):
    __tablename__ = "wares"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[int]
    gross: Mapped[int] = mapped_column(Computed("price * 2", persisted=True))
    writes: Mapped[int] = mapped_column(default=0, onupdate=text("writes + 1"))


class Counted(Base):
    __tablename__ = "counted"

    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[int]
    note: Mapped[str | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}


@pytest.fixture
def recording(engine: Engine, db: Database, home: str, session: Session) -> Recording:
    Base.metadata.create_all(engine)
    session.add_all([Ware(id=n, name=f"ware {n}", price=10) for n in range(1, 6)])
    session.commit()
    recording = record(Base, engine=engine, history=db, home=home).begin()
    session.execute(update(Ware).values(price=99))
    session.commit()
    recording.drain()
    return recording


def test_what_was_changed_since_may_stay(session: Session, db: Database, recording: Recording) -> None:
    raised = db.head().position
    session.execute(update(Ware).where(Ware.id == 1).values(price=50))
    session.execute(delete(Ware).where(Ware.id == 2))
    session.execute(update(Ware).where(Ware.id == 3).values(name="renamed"))
    session.commit()

    with pytest.raises(RevertError, match=r"/row/price of wares 1 .* as they are with skip=True") as refused:
        recording.revert(session, raised)
    assert not any(one.pointer in ("/row/gross", "/row/writes") for one in refused.value.owned)
    assert recording.revert(session, raised, skip=True, author="dan") == 3
    session.commit()
    found = session.execute(select(Ware.id, Ware.price, Ware.gross, Ware.writes).order_by(Ware.id)).all()
    assert found == [(1, 50, 100, 2), (3, 10, 20, 3), (4, 10, 20, 2), (5, 10, 20, 2)]
    assert recording.revert(session, raised, skip=True) == 0  # what was done is not done again


def test_what_a_write_gives_by_itself_is_nobodys(
    session: Session, db: Database, recording: Recording
) -> None:
    raised = db.head().position
    session.execute(update(Ware).values(name="all of them"))
    session.commit()
    assert recording.revert(session, raised) == 5
    session.commit()
    found = session.execute(select(Ware.name, Ware.price, Ware.writes)).all()
    assert set(found) == {("all of them", 10, 3)}


def test_a_version_goes_on(session: Session, db: Database, recording: Recording) -> None:
    one = Counted(id=1, price=10)
    session.add(one)
    session.commit()
    one.price = 99
    session.commit()
    recording.drain()
    raised = db.head().position
    one.note = "changed since"
    session.commit()
    assert recording.revert(session, raised) == 1
    session.commit()
    assert (one.price, one.note, one.version) == (10, "changed since", 4)


def test_some_rows_alone(session: Session, db: Database, recording: Recording) -> None:
    raised = db.head().position
    session.execute(update(Ware).where(Ware.id == 1).values(price=50))
    session.commit()
    second = session.get(Ware, 2)
    assert recording.revert(session, raised, second, recording.row(Ware, 3)) == 2
    session.commit()
    assert session.scalars(select(Ware.price).order_by(Ware.id)).all() == [50, 10, 10, 99, 99]
    with pytest.raises(RevertError, match="did nothing to wares 8"):
        recording.revert(session, raised, recording.row(Ware, 8))


def test_rows_that_are_gone_are_not_counted(session: Session, db: Database, recording: Recording) -> None:
    raised = db.head().position
    session.execute(delete(Ware).where(Ware.id > 2))
    session.commit()
    assert recording.revert(session, raised, force=True) == 2


@pytest.mark.anyio
async def test_an_async_session_lends_its_own(tmp_path: Path, db: Database, home: str) -> None:
    engine = create_async_engine(postgres_url(tmp_path))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    recording = record(Base, engine=engine, history=db, home=home)
    await asyncio.to_thread(recording.begin)
    async with AsyncSession(engine) as session:
        session.add(Ware(id=1, name="ink", price=10))
        await session.commit()
        with pytest.raises(TypeError, match=r"await session\.run_sync\(recording\.revert"):
            recording.revert(session, "main")  # type: ignore[arg-type]
        assert await session.run_sync(recording.revert, "main", author="dan") == 1
        await session.commit()
        assert (await session.scalars(select(Ware))).all() == []
    await engine.dispose()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
