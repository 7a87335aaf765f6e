"""Commands and appends in a session's own transaction on PostgreSQL: both are kept, or neither."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import backstory
from backstory import Database, Event, Refused, State, Tag, command
from backstory.aio import over
from backstory.contrib.sqlalchemy import joined
from backstory.errors import StoreRefused
from tests.contrib.sqlalchemy.conftest import postgres_url
from tests.patience import until
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of


class Base(DeclarativeBase):
    pass


class Booking(Base):
    __tablename__ = "bookings"

    id: Mapped[int] = mapped_column(primary_key=True)
    seat: Mapped[str]


class SeatTaken(Event):
    cinema_seat: Tag[str]
    booking: int


class CinemaSeat(State):
    cinema_seat: Tag[str]
    booking: int | None = None

    def apply(self, event: SeatTaken) -> None:
        self.booking = event.booking


@command
def take_seat(seat: CinemaSeat, booking: int) -> SeatTaken:
    if seat.booking is not None:
        raise Refused("this seat is taken")
    return SeatTaken(seat.cinema_seat, booking)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(postgres_url(tmp_path))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def db(engine: Engine, tmp_path: Path) -> Iterator[Database]:
    """A store in the same database as the bookings."""
    with backstory.connect(hasty(None).address(f"{schema_of(tmp_path)}_log")) as db:
        yield db


def book(session: Session, db: Database, seat: str) -> None:
    booking = Booking(seat=seat)
    session.add(booking)
    session.flush()
    joined(session, db).execute(take_seat(CinemaSeat(seat), booking.id), message="booked")
    session.commit()


def test_rows_and_commands_are_kept_together_or_not_at_all(engine: Engine, db: Database) -> None:
    with Session(engine) as session:
        with db.context(author="ann"):
            book(session, db, "a-1")
        with pytest.raises(Refused):
            book(session, db, "a-1")
        session.rollback()
        book(session, db, "a-2")
        assert [each.seat for each in session.scalars(select(Booking))] == ["a-1", "a-2"]
    assert [(commit.author, commit.message) for commit in db.commits()] == [("ann", "booked"), ("", "booked")]


def test_facts_and_the_commits_that_they_became(engine: Engine, db: Database) -> None:
    with Session(engine) as session:
        session.add(Booking(seat="b-1"))
        log = joined(session, db)
        assert joined(session, db) is log
        first = log.append(SeatTaken("b-1", 1), author="ann")
        second = log.execute(take_seat(CinemaSeat("b-2"), 1))
        session.commit()
        assert first.commit is not None
        assert second.commit is not None
        log.append(SeatTaken("b-3", 1))
        session.rollback()
        session.commit()
    assert db.head().position == 2


def test_a_savepoint_of_the_session_is_no_commit_of_the_log(engine: Engine, db: Database) -> None:
    with Session(engine) as session:
        joined(session, db).append(SeatTaken("c-1", 1))
        with session.begin_nested():
            session.add(Booking(seat="c-1"))
        assert db.head().position == 0
        session.commit()
    assert db.head().position == 1


def test_what_was_added_within_a_savepoint_is_taken_back_with_it(engine: Engine, db: Database) -> None:
    with Session(engine) as session:
        log = joined(session, db)
        with session.begin_nested() as outer:
            log.append(SeatTaken("s-1", 1))
            with session.begin_nested():
                log.append(SeatTaken("s-2", 1))
            outer.rollback()
        with session.begin_nested():
            log.append(SeatTaken("s-3", 1))
            with session.begin_nested() as inner:
                log.execute(take_seat(CinemaSeat("s-4"), 1))
                inner.rollback()
        session.commit()
    assert [record.event.cinema_seat for record in db.read()] == ["s-3"]


def test_two_sessions_that_want_one_seat_get_one(engine: Engine, db: Database) -> None:
    start, refused = threading.Barrier(4), []

    def go() -> None:
        with Session(engine) as session:
            start.wait()
            try:
                book(session, db, "d-1")
            except Refused as why:
                refused.append(why)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    with Session(engine) as session:
        assert len(session.scalars(select(Booking)).all()) == 1


def test_sql_that_follows_an_append_is_warned_of(
    engine: Engine, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    from sqlalchemy import event

    with Session(engine) as session, caplog.at_level(logging.WARNING):
        log = joined(session, db)
        log.append(SeatTaken("e-1", 1))
        event.listen(session, "before_commit", lambda session: session.execute(text("SELECT 'late'")))
        session.commit()
        assert "SQL follows an append" in caplog.text
        assert "SELECT 'late'" in caplog.text
        caplog.clear()
        session.execute(text("SELECT 1"))
        session.commit()
        assert caplog.text == ""


def test_those_who_wait_hear_of_it_after_the_commit(engine: Engine, db: Database) -> None:
    heard = threading.Event()
    stop = db.store.watch(heard.set)
    with Session(engine) as session:
        joined(session, db).append(SeatTaken("f-1", 1))
        session.commit()
    until(heard.is_set)
    stop()


def test_a_session_that_cannot_be_joined_keeps_nothing(engine: Engine, tmp_path: Path) -> None:
    elsewhere = create_engine(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    Base.metadata.create_all(elsewhere)
    with backstory.connect() as db:
        for bind in (engine, elsewhere):
            with Session(bind) as session:
                session.add(Booking(seat="x-1"))
                joined(session, db).append(SeatTaken("x-1", 1))
                with pytest.raises(StoreRefused):
                    session.commit()
                session.rollback()
                assert session.scalars(select(Booking)).all() == []
        assert db.head().position == 0
    elsewhere.dispose()


@pytest.mark.anyio
async def test_a_session_of_async_code_does_the_same(tmp_path: Path, engine: Engine, db: Database) -> None:
    other = create_async_engine(postgres_url(tmp_path))
    async with AsyncSession(other) as session:
        session.add(Booking(seat="g-1"))
        log = joined(session, over(db))
        assert joined(session, db) is log
        done = log.execute(take_seat(CinemaSeat("g-1"), 1), author="ann")
        await session.commit()
        assert done.commit is not None
        session.add(Booking(seat="g-1"))
        log.execute(take_seat(CinemaSeat("g-1"), 2))
        with pytest.raises(Refused):
            await session.commit()
        await session.rollback()
        assert len((await session.scalars(select(Booking))).all()) == 1
    await other.dispose()
    assert [commit.author for commit in db.commits()] == ["ann"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_statements_that_the_application_prepared_are_in_nobodys_way(
    tmp_path: Path, engine: Engine, db: Database
) -> None:
    other = create_async_engine(postgres_url(tmp_path), pool_size=1)
    for turn in range(2):
        async with AsyncSession(other) as session:
            log = joined(session, db)
            for number in range(8):  # the driver prepares a statement that is executed often
                await session.execute(select(Booking).where(Booking.id == number))
                log.execute(take_seat(CinemaSeat(f"p-{turn}-{number}"), 1))
                log.append(SeatTaken(f"q-{turn}-{number}", 1))
            await session.commit()
    await other.dispose()
    assert db.head().position == 32
