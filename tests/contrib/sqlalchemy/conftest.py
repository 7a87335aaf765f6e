"""The shop's database, on SQLite and on PostgreSQL, and a history beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

import backstory
from backstory import Database
from backstory.contrib.sqlalchemy import Recording, record
from tests.contrib.sqlalchemy.project.models import Base, Customer
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of


def postgres_url(folder: Path, driver: str = "psycopg") -> str:
    """The address of a schema for a folder, which is made here."""
    server, schema = hasty(None), schema_of(folder)
    with server.admin() as admin:
        admin.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
    return (
        f"postgresql+{driver}://postgres@/postgres?host={server.socket}&port={server.port}"
        f"&options=-c%20search_path%3D{schema}"
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The shop's engine. Its tables are made."""
    url = f"sqlite:///{tmp_path / 'shop.db'}" if request.param == "sqlite" else postgres_url(tmp_path)
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session of the shop's."""
    with Session(engine) as session:
        yield session


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """The history."""
    with backstory.connect(tmp_path / "history.db") as db:
        yield db


@pytest.fixture
def home(tmp_path: Path) -> str:
    """The schema of the outbox, of each test its own."""
    return f"{schema_of(tmp_path)}_capture"


@pytest.fixture
def recording(engine: Engine, db: Database, home: str) -> Recording:
    """The shop with a history, by one call."""
    return record(Base, engine=engine, history=db, leave_out=[Customer.password], home=home).begin()
