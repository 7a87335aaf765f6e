"""The setting `BACKSTORY` of a Django project, read anew each time: tests override settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS

from backstory.likeness import did_you_mean

DRAINS = ("read", "request", "worker")
"""When captured rows are taken into the log: when somebody asks for history, after each request too, or by
`manage.py backstory drain` alone."""


class Configured(msgspec.Struct, frozen=True):
    """The settings, with what is so where nothing is said."""

    store: str | None = None
    schema: str = "backstory"
    database: str = DEFAULT_DB_ALIAS
    app: str | None = None
    record: tuple[str, ...] = ()
    drain: str = "read"
    admin: bool = True
    author: str | None = None
    options: Mapping[str, Any] = {}


KEYS = {name.upper(): name for name in Configured.__struct_fields__}


def configured() -> Configured:
    """The settings of this project. Raises `ImproperlyConfigured`, naming the key."""
    given = getattr(settings, "BACKSTORY", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"BACKSTORY is a dict of settings, not {given!r}")
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in KEYS:
            raise ImproperlyConfigured(
                f"BACKSTORY has no setting {key!r}; {did_you_mean(str(key), KEYS, 'it has ' + ', '.join(KEYS))}"
            )
        values[KEYS[key]] = value
    for name, kind in (("schema", str), ("database", str), ("admin", bool), ("options", Mapping)):
        if name in values and not isinstance(values[name], kind):
            raise ImproperlyConfigured(f"BACKSTORY[{name.upper()!r}] cannot be {values[name]!r}")
    for name in ("store", "app", "author"):
        if values.get(name) is not None:
            values[name] = str(values[name])
    record = values.get("record", ())
    is_list = isinstance(record, Collection) and not isinstance(record, str)
    if not is_list or not all(isinstance(label, str) for label in record):
        raise ImproperlyConfigured("BACKSTORY['RECORD'] is a list of labels: ['library', 'auth.User']")
    values["record"] = tuple(record)
    if values.get("drain", "read") not in DRAINS:
        raise ImproperlyConfigured(
            f"BACKSTORY['DRAIN'] is one of {', '.join(DRAINS)}, not {values['drain']!r}"
        )
    return Configured(**values)
