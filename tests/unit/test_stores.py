"""Opening stores of other packages, by their entry points."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import pytest

from backstory import connect
from backstory.errors import StoreError, UnknownOption
from backstory.stores.memory import MemoryStore


def open_rain(_address: str, *, create: bool | None = None, drops: int = 1) -> MemoryStore:
    """Another one, which names its options."""
    return MemoryStore()


def open_cloud(address: str, **options: Any) -> MemoryStore:
    """What another package has."""
    assert (address, options) == ("cloud://here", {"create": None})
    return MemoryStore()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two entry points: one that opens, and one whose package is broken."""
    found = metadata.EntryPoints(
        metadata.EntryPoint(name, f"tests.unit.test_stores:{value}", "backstory.stores")
        for name, value in (("cloud", "open_cloud"), ("rain", "open_rain"), ("broken", "nobody"))
    )
    monkeypatch.setattr(metadata, "entry_points", lambda group: found.select(group=group))


@pytest.mark.usefixtures("cloud")
def test_an_address_of_another_package_opens_its_store() -> None:
    with connect("cloud://here") as db:
        assert db.head().position == 0


@pytest.mark.usefixtures("cloud")
def test_what_opens_no_address_is_told_with_the_schemes_that_are_known() -> None:
    with pytest.raises(
        StoreError, match=r"known are a path, broken, cloud, memory, postgres, postgresql, rain"
    ):
        connect("https://here")
    with pytest.raises(StoreError, match=r"clod: addresses; did you mean cloud\?"):
        connect("clod://here")
    with pytest.raises(
        StoreError, match=r"broken: addresses are opened by tests.unit.test_stores:nobody, which"
    ):
        connect("broken://here")


@pytest.mark.usefixtures("cloud")
def test_an_option_that_another_package_does_not_name_is_an_error() -> None:
    connect("rain://here", drops=3).close()
    with pytest.raises(UnknownOption, match=r"did you mean drops\?"):
        connect("rain://here", drop=3)
