"""What people have today for the history of rows: django-simple-history and SQLAlchemy-Continuum, on SQLite.

Both are set up as their documentation shows, with three things in their favour: write-ahead log and `synchronous=FULL`,
as Backstory has them, in place of SQLite's slower rollback journal; a change and its history in one transaction, so one
fsync; and the row that is changed is in the process by its key, as an application has it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.frame import Skip

_module: Callable[[str], Any] = import_module

PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"

Change = Callable[[str, str], None]
"""Gives a row, by its key, another city."""


def simple_history(path: Path, rows: dict[str, dict[str, str]]) -> Change:
    """A table of django-simple-history with these rows, and the function that changes one."""
    try:
        django, db, models = map(_module, ("django", "django.db", "django.db.models"))
        recorded = _module("simple_history.models").HistoricalRecords
    except ImportError as missing:
        raise Skip(f"django-simple-history is not installed ({missing})") from missing
    settings, transaction = _module("django.conf").settings, db.transaction

    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "simple_history"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(path),
                "OPTIONS": {"init_command": PRAGMAS},
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()

    base: Any = models.Model

    class Customer(base):
        id = models.CharField(primary_key=True, max_length=40)
        name = models.CharField(max_length=100)
        city = models.CharField(max_length=100)
        email = models.CharField(max_length=100)
        history = recorded()

        class Meta:
            app_label = "contenttypes"

    types = _module("django.contrib.contenttypes.models").ContentType
    users = _module("django.apps").apps.get_app_config("auth").get_models()
    with db.connection.schema_editor() as editor:
        for model in (types, *users, Customer, Customer.history.model):
            editor.create_model(model)
    with transaction.atomic():
        for key, fields in rows.items():
            Customer.objects.create(id=key, **fields)

    def change(key: str, city: str) -> None:
        with transaction.atomic():
            customer: Any = Customer.objects.get(pk=key)
            customer.city = city
            customer._change_reason = "moved"
            customer.save()

    return change


def continuum(path: Path, rows: dict[str, dict[str, str]]) -> Change:
    """A table of SQLAlchemy-Continuum with these rows, and the function that changes one."""
    try:
        sa, orm, versioning = map(_module, ("sqlalchemy", "sqlalchemy.orm", "sqlalchemy_continuum"))
    except ImportError as missing:
        raise Skip(f"SQLAlchemy-Continuum is not installed ({missing})") from missing

    versioning.make_versioned(user_cls=None)
    base: Any = orm.declarative_base()

    class Customer(base):
        __tablename__ = "customers"
        __versioned__: dict[str, Any] = {}  # noqa: RUF012 - what Continuum asks for
        id = sa.Column(sa.Unicode(40), primary_key=True)
        name = sa.Column(sa.Unicode(100))
        city = sa.Column(sa.Unicode(100))
        email = sa.Column(sa.Unicode(100))

    orm.configure_mappers()
    engine = sa.create_engine(f"sqlite:///{path}")

    @sa.event.listens_for(engine, "connect")
    def durable(connection: Any, _record: Any) -> None:
        for pragma in PRAGMAS.split(";"):
            connection.execute(pragma)

    base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add_all([Customer(id=key, **fields) for key, fields in rows.items()])
        session.commit()

    def change(key: str, city: str) -> None:
        with orm.Session(engine) as session:
            customer: Any = session.get(Customer, key)
            customer.city = city
            session.commit()

    return change
