"""Settings of the nearest pyproject.toml, under `[tool.backstory]`: the store and the application of the project."""

from __future__ import annotations

import os
from typing import Any

from backstory.errors import SessionError

SUCH_AS = {"store": "bank.db", "app": "bank"}
"""The settings, each with a value that it may have."""


def setting(folder: str, name: str) -> tuple[str, str] | None:
    """The folder of the nearest pyproject.toml that has this setting, this folder or one above, and its value."""
    for place in upwards(folder):
        path = os.path.join(place, "pyproject.toml")
        if os.path.isfile(path) and (value := _value(path, name)) is not None:
            return place, value
    return None


def table(folder: str, name: str) -> tuple[str, Any] | None:
    """The nearest pyproject.toml that has a table of this name under `[tool.backstory]`, and the table."""
    for place in upwards(folder):
        path = os.path.join(place, "pyproject.toml")
        if os.path.isfile(path) and name in (found := _own(path)):
            return path, found[name]
    return None


def nearest(folder: str, name: str) -> str | None:
    """The path of the nearest file of this name, in this folder or one above."""
    paths = (os.path.join(place, name) for place in upwards(folder))
    return next((path for path in paths if os.path.isfile(path)), None)


def upwards(folder: str) -> list[str]:
    """A folder and those above it, up to the root."""
    found = [folder]
    while (parent := os.path.dirname(found[-1])) != found[-1]:
        found.append(parent)
    return found


def _value(path: str, name: str) -> str | None:
    value = _own(path).get(name)
    if value is not None and not (isinstance(value, str) and value):
        raise SessionError(
            f'{path}: [tool.backstory] {name} is a text such as "{SUCH_AS[name]}", not {value!r}'
        )
    return value


def _own(path: str) -> dict[str, Any]:
    """The settings of a file under `[tool.backstory]`. Raises `SessionError` for one that is no TOML."""
    with open(path, "rb") as file:
        text = file.read()
    if b"backstory" not in text:
        return {}
    import tomllib

    try:
        own = tomllib.loads(text.decode()).get("tool", {}).get("backstory", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise SessionError(f"{path}: {wrong}") from wrong
    return own if isinstance(own, dict) else {}
