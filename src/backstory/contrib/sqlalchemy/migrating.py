"""The names that Alembic is to leave alone when it compares the models with the database."""

from __future__ import annotations

from collections.abc import Mapping

from backstory.capture.capture import HOME

TABLES = frozenset({"backstory_outbox", "backstory_layouts", "backstory_said", "backstory_capture"})
SCHEMAS = frozenset({"backstory", HOME})


def include_name(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
    """Whether Alembic looks at this name of the database: at all but those of Backstory.

    For `context.configure(include_name=include_name)`, or `Migrate(include_name=include_name)` of Flask-Migrate. In
    SQLite the outbox is a table beside those of the application. No model has it, so without this `--autogenerate`
    writes a migration that drops it, with the changes that wait in it.
    """
    if type_ == "schema":
        return name not in SCHEMAS
    table = name if type_ == "table" else parent_names.get("table_name")
    return table not in TABLES and parent_names.get("schema_name") not in SCHEMAS
