"""Migrations of real Alembic: capture is made to fit after each run, and rows go on being recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, text

from backstory import Database
from backstory.contrib.sqlalchemy import include_name, record
from tests.capture.databases import history_of
from tests.contrib.sqlalchemy.project.models import Base

ENV = """
from alembic import context

attributes = context.config.attributes
with attributes["engine"].connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    attributes["recording"].install(connection)
    connection.commit()
"""

ADD = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "one", None


def upgrade():
    op.add_column("tags", sa.Column("colour", sa.Text(), server_default="red"))


def downgrade():
    op.drop_column("tags", "colour")
"""

BATCH = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "two", "one"


def upgrade():
    with op.batch_alter_table("tags") as batch:  # SQLite makes the table anew
        batch.alter_column("label", new_column_name="name")


def downgrade():
    pass
"""


@pytest.fixture
def config(tmp_path: Path, engine: Engine) -> Config:
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "versions" / "one.py").write_text(ADD)
    (folder / "versions" / "two.py").write_text(BATCH)
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["engine"] = engine
    return config


def test_a_column_that_is_added_and_a_table_that_is_made_anew_go_on_being_recorded(
    engine: Engine, db: Database, home: str, config: Config
) -> None:
    tags = Base.metadata.tables["tags"]
    recording = record(tags, engine=engine, history=db, home=home).begin()
    config.attributes["recording"] = recording
    with engine.begin() as connection:
        connection.execute(tags.insert(), [{"label": "new"}, {"label": "old"}])
    command.upgrade(config, "one")
    with engine.begin() as connection:
        connection.execute(text("UPDATE tags SET colour = 'blue' WHERE id = 1"))
    recording.copy()
    recording.drain()
    assert history_of(db, "tags") == {
        "1": {"label": "new", "colour": "blue"},
        "2": {"label": "old", "colour": "red"},
    }


def test_a_table_that_a_migration_changes_is_recorded_also_for_models_that_are_behind_it(
    engine: Engine, db: Database, home: str, config: Config
) -> None:
    from sqlalchemy import MetaData, Table

    tags = Table("tags", MetaData(), autoload_with=engine)
    config.attributes["recording"] = record(tags, engine=engine, history=db, home=home).begin()
    (Path(str(config.get_main_option("script_location"))) / "versions" / "one.py").write_text(
        ADD.replace("    op.add_column(", "    return op.add_column(")
    )
    command.upgrade(config, "two")
    [fault] = config.attributes["recording"].check()
    assert "has no column label" in fault
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO tags (name, colour) VALUES ('early', 'red')"))
    again = record(Table("tags", MetaData(), autoload_with=engine), engine=engine, history=db, home=home)
    config.attributes["recording"] = again
    command.upgrade(config, "two")
    assert again.check() == []
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO tags (name, colour) VALUES ('urgent', 'red')"))
    again.drain()
    assert [row["name"] for row in history_of(db, "tags").values()] == ["early", "urgent"]


def test_alembic_writes_no_migration_that_drops_the_outbox(engine: Engine, db: Database, home: str) -> None:
    record(Base, engine=engine, history=db, home=home).begin()
    with engine.connect() as connection:
        made = MigrationContext.configure(connection, opts={"include_name": include_name})
        removed = [
            each[1].name for each in compare_metadata(made, Base.metadata) if each[0] == "remove_table"
        ]
    assert removed == []


def test_models_that_are_ahead_of_the_tables_stop_no_migration(
    engine: Engine, db: Database, home: str
) -> None:
    models = MetaData()
    notes = Table("notes", models, Column("id", Integer, primary_key=True), Column("said", Text))
    hidden = Table("hidden", models, Column("id", Integer, primary_key=True), Column("code", Text))
    later = Table("later", models, Column("id", Integer, primary_key=True))
    recording = record(notes, hidden, later, engine=engine, history=db, leave_out=[hidden.c.code], home=home)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (id integer PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE hidden (id integer PRIMARY KEY, secret text)"))
        recording.install(connection)
        connection.execute(text("INSERT INTO notes VALUES (1)"))
        connection.execute(text("INSERT INTO hidden VALUES (1, 'swordfish')"))
        assert [each.split(";")[0] for each in recording.check(connection)] == [
            "notes has no column said",
            "hidden has no column code",
            "there is no table later to be captured",
        ]
    assert recording.drain().rows == 1
    assert recording.table(notes)["1"] == {}

    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE notes ADD COLUMN said text"))
        connection.execute(text("ALTER TABLE hidden RENAME COLUMN secret TO code"))
        later.create(connection)
        recording.install(connection)
        assert recording.check(connection) == []
