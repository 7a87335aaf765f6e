"""An application with async sessions is recorded like any other; what drains has a connection of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from backstory import Database
from backstory.contrib.sqlalchemy import acting, record
from tests.capture.databases import history_of
from tests.contrib.sqlalchemy.conftest import postgres_url
from tests.contrib.sqlalchemy.project.models import Base, Tag


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_async_sessions_are_recorded_with_their_authors(
    kind: str, tmp_path: Path, db: Database, home: str
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}" if kind == "sqlite" else postgres_url(tmp_path)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    recording = record(Tag, engine=engine, history=db, home=home)
    await asyncio.to_thread(recording.begin)
    async with AsyncSession(engine) as session:
        with pytest.raises(TypeError, match="takes async with"), acting(session, author="ann"):
            pass
        with pytest.raises(TypeError, match="takes no async with"):
            async with acting(session.sync_session, author="ann"):
                pass
        async with acting(session, author="ann", message="labels"):
            session.add_all([Tag(label="new"), Tag(label="old")])
        await session.commit()
        async with acting(session, author="bea"):
            await session.execute(update(Tag).values(label=Tag.label + "!"))
        await session.execute(text("DELETE FROM tags WHERE id = 2"))
        await session.commit()
    drained = await asyncio.to_thread(recording.drain)
    assert drained.position == db.head().position
    assert history_of(db, "tags") == {"1": {"label": "new!"}}
    assert [(commit.author, commit.size) for commit in db.commits()] == [("ann", 2), ("bea", 2), ("", 1)]
    await engine.dispose()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
