"""What cannot be recorded is told where it is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from backstory import aio, connect
from backstory.contrib.sqlalchemy import record
from backstory.contrib.sqlalchemy.transactions import drains_by
from backstory.errors import DefinitionError, StoreRefused
from tests.contrib.sqlalchemy.project.models import Base, Customer

ANYTHING: Any = record


def test_a_recording_says_which_of_its_arguments_is_wrong() -> None:
    engine = create_engine("sqlite://")
    with connect("memory:") as db:
        for models, given, wrong in (
            ([], {}, "no model is given"),
            (
                [Base],
                {"engine": "sqlite:///shop.db"},
                r"engine is a str: give what create_engine\(\.\.\.\) makes",
            ),
            ([Base], {"engine": None}, "engine is a NoneType"),
            (
                [Base],
                {"history": "history.db"},
                r"history is a str: give an open database, history=connect\(",
            ),
            ([Base], {"history": Path("history.db")}, "give an open database"),
        ):
            with pytest.raises(DefinitionError, match=wrong):
                ANYTHING(*models, **{"engine": engine, "history": db} | given)


def test_the_connection_that_drains_takes_the_options_of_asyncpg() -> None:
    given = make_url("postgresql+asyncpg://ann@h/shop?ssl=require&prepared_statement_cache_size=0&port=6432")
    assert str(drains_by(given)) == "postgresql+psycopg://ann@h/shop?port=6432&sslmode=require"


@pytest.mark.anyio
async def test_the_history_of_a_recording_is_no_async_database() -> None:
    async with aio.connect("memory:") as db:
        with pytest.raises(DefinitionError, match=r"history=db\.db"):
            ANYTHING(Base, engine=create_engine("sqlite://"), history=db)


def test_a_row_is_of_an_object_or_of_a_model_and_a_key() -> None:
    with connect("memory:") as db:
        recording: Any = record(Base, engine=create_engine("sqlite://"), history=db)
        for given, name in ((Customer, "Customer"), (7, "int"), (Base, "Base")):
            with pytest.raises(
                TypeError, match=f"{name} is no object of a model: give one, or a model and a key"
            ):
                recording.row(given)
        with pytest.raises(LookupError, match="this Customer has no key yet"):
            recording.row(Customer())


def test_a_copy_of_a_database_is_told_with_the_call_that_goes_on_with_it(tmp_path: Path) -> None:
    original, copy = (create_engine(f"sqlite:///{tmp_path / name}") for name in ("shop.db", "copy.db"))
    Base.metadata.create_all(original)
    with connect("memory:") as db:
        ANYTHING(Base, engine=original, history=db).begin()
        shutil.copy(tmp_path / "shop.db", tmp_path / "copy.db")
        with pytest.raises(StoreRefused, match=r"is to go on with this one, call recording\.adopt\(\)"):
            ANYTHING(Base, engine=copy, history=db).drain()
    original.dispose()
    copy.dispose()
