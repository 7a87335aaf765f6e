"""The specification of a store, as tests. A class of any author that passes them is a store.

    from backstory.conformance import StoreConformance

    class TestMyStore(StoreConformance):
        def open_store(self, tmp_path):
            return MyStore(tmp_path / "history")

Run it with pytest; it needs nothing else. With Hypothesis installed it also compares the store with a model of the
contract over histories that nobody would think of.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backstory.store import Log, Store

for _part in (
    "appending",
    "beside",
    "conditions",
    "counting",
    "guarding",
    "keeping",
    "linking",
    "machine",
    "places",
    "reading",
    "retrying",
    "tags",
    "threads",
    "units",
    "withholding",
):
    pytest.register_assert_rewrite(f"backstory.conformance.{_part}")  # so that a failure shows both sides

from backstory.conformance.appending import Appending  # noqa: E402
from backstory.conformance.beside import Caching, Hooks, Joining, Watching  # noqa: E402
from backstory.conformance.conditions import Conditions, Shapes  # noqa: E402
from backstory.conformance.counting import Counting  # noqa: E402
from backstory.conformance.guarding import Guarding  # noqa: E402
from backstory.conformance.keeping import Keeping  # noqa: E402
from backstory.conformance.linking import Linking  # noqa: E402
from backstory.conformance.places import Logs, Opening, Refs  # noqa: E402
from backstory.conformance.reading import Finding, Reading  # noqa: E402
from backstory.conformance.retrying import Retrying  # noqa: E402
from backstory.conformance.tags import Tags, Types  # noqa: E402
from backstory.conformance.threads import Threads, Waiting  # noqa: E402
from backstory.conformance.units import Guards, Main, Spanning, Units  # noqa: E402
from backstory.conformance.withholding import Dropping, Withholding  # noqa: E402

__all__ = ["LogConformance", "StoreConformance"]


class LogConformance(
    Appending,
    Retrying,
    Conditions,
    Shapes,
    Guarding,
    Tags,
    Types,
    Reading,
    Finding,
    Linking,
    Counting,
    Logs,
    Refs,
    Opening,
    Threads,
    Waiting,
):
    """The sentences about logs and refs alone, for objects made of stores, such as branches over stores.

    Its `write` takes units of one batch with guards, of one ref, or of one new log.
    """

    persistent = False
    """Whether the store's content is there again when it is closed and opened."""

    def open_store(self, tmp_path: Path) -> Any:
        """Open the store that belongs to this folder: an empty one at first, and later the same one again."""
        raise NotImplementedError("override open_store(self, tmp_path) to open your store")

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """An empty store, closed after the test."""
        store = self.open_store(tmp_path)
        yield store
        store.close()

    @pytest.fixture
    def log(self, store: Store) -> Log:
        """Its main log."""
        return store.log()

    def test_it_does_what_the_model_does_whatever_the_history(self, tmp_path: Path) -> None:
        """Compare with a model of the contract, step by step."""
        try:
            from hypothesis import HealthCheck, settings
            from hypothesis.stateful import run_state_machine_as_test
        except ImportError:
            pytest.skip("NOT COMPARED WITH THE MODEL: that needs Hypothesis; pip install hypothesis")
        from backstory.conformance.machine import machine

        folders: list[Path] = []

        def open_store() -> Store:
            folders.append(tmp_path / str(len(folders)))
            folders[-1].mkdir()
            opened: Store = self.open_store(folders[-1])
            return opened

        def reopen(store: Store) -> Store:
            store.close()
            opened: Store = self.open_store(folders[-1])
            return opened

        run_state_machine_as_test(
            machine(open_store, reopen if self.persistent else None),
            settings=settings(
                stateful_step_count=20,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )


class StoreConformance(
    LogConformance,
    Units,
    Spanning,
    Guards,
    Main,
    Withholding,
    Dropping,
    Caching,
    Hooks,
    Joining,
    Watching,
    Keeping,
):
    """Subclass this with a name that pytest collects, and say how a store is opened."""

    persistent = True
    """Whether the store is `persistent`; set when the class is made, as those below."""

    tables = True
    """Whether the store has `tables`."""

    spans_logs = True
    """Whether a unit of the store `spans_logs`."""

    joins = True
    """Whether the store `joins` a transaction of its tables."""

    def __init_subclass__(cls) -> None:
        """Leave out the sentences that do not concern this store: pytest collects no None."""
        super().__init_subclass__()
        for offered, sentences in (
            (cls.persistent, Keeping),
            (cls.tables, Hooks),
            (cls.joins, Joining),
            (cls.spans_logs, Spanning),
        ):
            if not offered:
                for name in (each for each in vars(sentences) if each.startswith("test_")):
                    setattr(cls, name, None)

    def open_store(self, tmp_path: Path) -> Store:
        """Open the store that belongs to this folder: an empty one at first, and later the same one again."""
        raise NotImplementedError("override open_store(self, tmp_path) to open your store")

    def test_it_says_itself_what_it_offers(self, store: Store) -> None:
        """The sentences are chosen by the attributes of the class, so these must be those of the store."""
        said = (store.persistent, store.tables is not None, store.joins, store.spans_logs)
        assert said == (self.persistent, self.tables, self.joins, self.spans_logs)
