"""An import that runs again finds its commits there, and asks for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from backstory.conformance.sample import decided, fact
from backstory.stores.postgres.rows import Rows
from backstory.values.commit import Commit
from tests.postgres.schemas import schemas


def test_commits_that_are_known_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(schemas().open(tmp_path)) as store:
        ids = [f"k-{n}" for n in range(5)]
        batches = [[decided(fact("A", "x:1"), id=id)] for id in ids]
        first = store.log().append(batches)
        asked: list[list[str]] = []
        by_ids = Rows.by_ids

        def counted(rows: Rows, wanted: Sequence[str]) -> list[Commit]:
            asked.append(list(wanted))
            return by_ids(rows, wanted)

        monkeypatch.setattr(Rows, "by_ids", counted)
        assert store.log().append(batches) == first
        assert asked == [ids]
