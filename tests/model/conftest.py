"""Applications as texts, and their models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from backstory.application import load
from backstory.model import Model, model_of
from backstory.values.event import definitions
from tests import programs

PRELUDE = """\
from __future__ import annotations
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from backstory import *
"""

Modelled = Callable[..., Model]


@pytest.fixture
def modelled(tmp_path: Path) -> Iterator[Modelled]:
    """The model of an application that is given as text; or of a package, whose modules are given by name."""
    numbers = count(1)

    def model(source: str = "", /, *, beside: dict[str, str] | None = None, **looked: Any) -> Model:
        name = f"modelled{next(numbers)}"
        definitions.clear()  # the classes of the one before
        folder = tmp_path / name
        folder.mkdir()
        modules = {"__init__": "", "app": source} if beside is None else {"__init__": "", **beside}
        for module, text in modules.items():
            prelude = "" if module == "__init__" else PRELUDE
            (folder / f"{module}.py").write_text(prelude + text.replace("APP", name), encoding="utf-8")
        return model_of(load(name, tmp_path), tmp_path, **looked)

    with programs.forgotten():
        yield model
