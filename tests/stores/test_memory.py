"""The memory store."""

from __future__ import annotations

from pathlib import Path

from backstory.conformance import StoreConformance
from backstory.stores.memory import MemoryStore


class TestMemoryStore(StoreConformance):
    persistent = False

    def open_store(self, tmp_path: Path) -> MemoryStore:
        return MemoryStore()
