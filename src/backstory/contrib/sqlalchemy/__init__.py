"""SQLAlchemy 2 with a history: what an application writes with it, by whatever means, is recorded.

    recording = record(Base, engine=engine, history=db)
    recording.begin()                                   # triggers, and the rows that are there already

    with acting(session, author="ann", message="moved"):
        session.get(Customer, 7).city = "Bern"
    session.commit()

    recording.drain()                                   # or `with recording.running():`
    db.blame(recording.row(Customer, 7))["row.city"].commit.author

On PostgreSQL, `joined(session, db)` executes commands and appends events within the session's own transaction. Needs
the extra `sqlalchemy`. `docs/guide/sqlalchemy.md` shows all of it.
"""

from __future__ import annotations

from backstory.told import extra

extra("sqlalchemy", "backstory.contrib.sqlalchemy", "sqlalchemy")

from backstory.contrib.sqlalchemy.describing import captured  # noqa: E402 - only where the extra is there
from backstory.contrib.sqlalchemy.joining import Joined, joined  # noqa: E402
from backstory.contrib.sqlalchemy.migrating import include_name  # noqa: E402
from backstory.contrib.sqlalchemy.recording import Recording, record  # noqa: E402
from backstory.contrib.sqlalchemy.saying import acting  # noqa: E402

__all__ = ["Joined", "Recording", "acting", "captured", "include_name", "joined", "record"]
